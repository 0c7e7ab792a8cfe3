import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { answerWith, pageOf, refusal } from './answers.ts';

const movie = film(100_000);

describe('the first byte', () => {
  it('goes out in the instant in which it lands, alone', async () => {
    const { view, asked, clock } = stage({ film: movie });
    const viewer = view();
    const request = await asked();
    await clock.advance(12_345);
    request.head().bytes(1);
    await clock.settle();
    assert.deepEqual([viewer.bytes, viewer.firstAt, clock.now()], [1, 12_345, 12_345]);
    request.bytes(99_999).end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 100_000]);
  });

  for (const [what, firstByteTimeout] of [
    ['30 s', 30_000],
    ['as long as firstByteTimeout says', 1234],
  ] as const) {
    it(`is waited for ${what}, and no longer`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie, policy: { firstByteTimeout } });
      const viewer = view();
      const request = await asked();
      await clock.advance(firstByteTimeout - 1);
      assert.equal(viewer.outcome, null);
      await clock.advance(1);
      assert.deepEqual(
        [viewer.error.type, viewer.error.status, viewer.error.setting],
        ['http_response_timeout', 504, 'firstByteTimeout'],
      );
      assert.equal(request.live, false, 'nobody hopes any more');
      assert.equal(origin.requests.length, 1);
    });
  }

  it('that comes with the last millisecond is in time', async () => {
    const { view, asked, clock } = stage({ film: movie });
    const viewer = view();
    const request = await asked();
    await clock.advance(29_999);
    request.head().bytes(100_000).end();
    await clock.advance(1000);
    assert.equal(viewer.outcome, 'whole');
  });

  it('is waited for 30 s of its own by a reader that joins at 29 s', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const early = view();
    const request = await asked();
    await clock.advance(29_000);
    const late = view();
    await clock.advance(1000);
    assert.equal(early.error.type, 'http_response_timeout');
    await clock.advance(28_999);
    assert.deepEqual([late.outcome, request.live], [null, true]);
    request.head().bytes(100_000).end();
    await clock.settle();
    assert.deepEqual([late.outcome, origin.requests.length], ['whole', 1]);
  });

  it('that never comes ends the wait of who joined at 29 s at 59 s', async () => {
    const { view, clock } = stage({ film: movie });
    view();
    await clock.advance(29_000);
    const late = view();
    await clock.advance(60_000);
    assert.deepEqual([late.error.type, late.endAt], ['http_response_timeout', 59_000]);
  });

  it('has its budget counted from asking even where the head came long before', async () => {
    const { view, asked, clock } = stage({ film: movie });
    const viewer = view();
    const request = await asked();
    await clock.advance(10_000);
    request.head();
    await clock.advance(19_999);
    assert.equal(viewer.outcome, null);
    await clock.advance(1);
    assert.deepEqual([viewer.error.type, viewer.endAt], ['http_response_timeout', 30_000]);
  });

  it('of a seek on a silent connection is waited for as at first opening', async () => {
    const { view, asked, clock } = stage({ film: film(200_000_000) });
    const head = view(0, 1000);
    const first = await asked();
    first.head().bytes(1000);
    await clock.advance(20_000);
    const seek = view(150_000_000, 150_001_000);
    const second = await asked();
    assert.equal(second.offset, 150_000_000);
    await clock.advance(29_000);
    second.head().bytes(1000);
    await clock.settle();
    assert.deepEqual([head.outcome, seek.outcome], ['whole', 'whole']);
  });

  it('that trickles in trips nothing, one byte a second or slower', async () => {
    for (const [pause, policy] of [
      [1000, { firstByteTimeout: 1500, stallTimeout: 1500, healTimeout: 1500 }],
      [9900, {}],
    ] as const) {
      const { view, asked, clock, origin } = stage({ film: film(120), policy });
      const viewer = view();
      const request = await asked();
      request.head();
      for (let at = 1; at <= 120; at += 1) {
        await clock.advance(pause);
        request.bytes(1);
        await clock.settle();
        assert.equal(viewer.bytes, at);
      }
      request.end();
      await clock.settle();
      assert.deepEqual([viewer.outcome, origin.requests.length], ['whole', 1]);
    }
  });

  it('is there at once for who comes while it is there', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    view();
    (await asked()).head().bytes(10_000);
    await clock.advance(500);
    const second = view();
    await clock.settle();
    assert.deepEqual([second.bytes, second.firstAt, origin.requests.length], [10_000, 500, 1]);
  });
});

describe('an answer that is final', () => {
  for (const status of [401, 404, 410, 451]) {
    it(`${status} is passed on at once, with its page, and asked for once`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie });
      const viewer = view();
      const request = await asked();
      await clock.advance(3000);
      answerWith(request, status, [['x-origin', 'yes']]);
      await clock.settle();
      const { failure } = viewer;
      assert.ok(failure.kind === 'answer');
      assert.deepEqual([failure.answer.status, String(failure.answer.body)], [status, pageOf(status)]);
      assert.deepEqual([viewer.endAt, origin.requests.length], [3000, 1]);
      await clock.advance(60_000);
      assert.equal(origin.requests.length, 1);
    });
  }

  for (const type of ['tls_certificate_error', 'http_protocol_error', 'destination_ip_prohibited'] as const) {
    it(`${type} is told at once`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie });
      const viewer = view();
      (await asked()).refuse(refusal(type));
      await clock.settle();
      assert.deepEqual([viewer.error.type, viewer.endAt, origin.requests.length], [type, 0, 1]);
    });
  }
});

describe('an answer that may be meant for the form of a request', () => {
  for (const status of [403, 405, 409, 416, 501]) {
    it(`${status} is passed on when a request without a range got the same`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie });
      const viewer = view();
      answerWith(await asked(), status);
      const plain = await asked();
      assert.deepEqual(plain.fields, []);
      answerWith(plain, status);
      await clock.settle();
      assert.equal(viewer.failure.kind, status === 416 ? 'error' : 'answer');
      await clock.advance(60_000);
      assert.deepEqual([viewer.endAt, origin.requests.length], [0, 2]);
    });
  }
});

describe('a failure', () => {
  it('reaches each of 200 waiters in the same instant', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const viewers = Array.from({ length: 200 }, () => view());
    const request = await asked();
    await clock.advance(7000);
    answerWith(request, 404);
    await clock.advance(0);
    assert.deepEqual(new Set(viewers.map(({ endAt }) => endAt)), new Set([7000]));
    assert.ok(viewers.every(({ failure }) => failure.kind === 'answer'));
    assert.equal(origin.requests.length, 1);
  });

  it('after a wake-up in vain reaches everyone who hopes for the same fetch, near and far', async () => {
    const { view, asked, clock } = stage({ film: movie });
    const viewers = [view(0), view(5000), view(16_000)];
    const request = await asked();
    request.refuse(refusal('tls_certificate_error'));
    await clock.settle();
    for (const viewer of viewers) assert.deepEqual([viewer.error.type, viewer.endAt], ['tls_certificate_error', 0]);
  });

  it('is not sticky: the next request asks anew at once, and plays', async () => {
    const { view, asked, clock } = stage({ film: movie });
    for (const fail of [404, 410] as const) {
      const viewer = view();
      answerWith(await asked(), fail);
      await clock.settle();
      assert.equal(viewer.failure.kind, 'answer');
    }
    const refused = view();
    (await asked()).refuse(refusal('tls_certificate_error'));
    await clock.settle();
    assert.equal(refused.error.type, 'tls_certificate_error');
    const late = view();
    await asked();
    await clock.advance(30_000);
    assert.equal(late.error.type, 'http_response_timeout');
    const viewer = view();
    (await asked()).head().bytes(100_000).end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.endAt], ['whole', 30_000]);
  });

  it('of one request leaves nobody behind: neither timer nor connection nor reader', async () => {
    const { view, asked, clock, origin, cache } = stage({ film: movie });
    view();
    answerWith(await asked(), 404);
    await clock.advance(120_000);
    assert.deepEqual([origin.live.length, clock.pending, cache.fills().length], [0, 0, 0]);
  });
});
