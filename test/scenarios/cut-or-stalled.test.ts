import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fields } from '../../src/http/fields.ts';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { etagOf } from '../support/film-fields.ts';
import { virtualRig } from '../support/rig.ts';
import type { ScriptedRequest } from '../support/scripted-origin.ts';
import { answerAll, answerWith, refusal } from './answers.ts';

const movie = film(1_000_000);

const withoutLength: Fields = [
  ['etag', etagOf(movie)],
  ['content-type', 'video/mp4'],
  ['transfer-encoding', 'chunked'],
];

/** Gives the rest of what was asked for. */
function serve(request: ScriptedRequest): void {
  request
    .head()
    .bytes((request.until ?? movie.size) - request.offset)
    .end();
}

describe('a cut in mid-body', () => {
  it('is healed inside the same reply, from the missing byte, under If-Range', async () => {
    const { view, asked, clock, origin, eventsOf } = stage({ film: movie });
    const viewer = view();
    (await asked()).head().bytes(300_001).cut();
    await clock.settle();
    const second = await asked();
    assert.deepEqual([second.offset, second.field('if-range')], [300_001, etagOf(movie)]);
    serve(second);
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes, viewer.endAt], ['whole', 1_000_000, 0]);
    assert.deepEqual([origin.requests.length, origin.fetchedTwice], [2, []]);
    assert.deepEqual(
      eventsOf('retry').map(({ kind, cause, offset, attempt, delay }) => [kind, cause, offset, attempt, delay]),
      [['heal', 'cut', 300_001, 2, 0]],
    );
  });

  it('every 64 KiB is healed each time, and no byte is fetched twice', async () => {
    const { view, clock, origin } = stage({ film: movie });
    void answerAll(origin, (request) => {
      const size = Math.min(64 * 1024, movie.size - request.offset);
      request.head().bytes(size);
      if (request.position < movie.size) request.cut();
      else request.end();
    });
    const viewer = view();
    await clock.advance(1000);
    assert.deepEqual([viewer.outcome, origin.requests.length, origin.fetchedTwice], ['whole', 16, []]);
    assert.equal(viewer.endAt, 0, 'what brings bytes is asked again at once');
  });

  it('at the same byte each time, by an origin without ranges, is asked again with pauses, and ends after healTimeout', async () => {
    const { view, clock, origin } = stage({ film: movie });
    void answerAll(origin, (request) => void request.head(200).bytes(4).cut());
    const viewer = view();
    await clock.advance(89_000);
    assert.equal(viewer.outcome, null);
    await clock.advance(1000);
    assert.deepEqual([viewer.error.status, viewer.bytes], [502, 4]);
    assert.ok(origin.requests.length < 150, `${origin.requests.length} requests for the same four bytes`);
  });

  it('later each time, by an origin without ranges, is healed at once', async () => {
    const { view, clock, origin } = stage({ film: movie });
    void answerAll(origin, (request) => {
      const reach = Math.min(movie.size, origin.requests.length * 200_000);
      request.head(200).bytes(reach);
      if (reach < movie.size) request.cut();
      else request.end();
    });
    const viewer = view();
    await clock.advance(1000);
    assert.deepEqual([viewer.outcome, viewer.endAt, origin.requests.length], ['whole', 0, 5]);
  });

  it('before the first byte of a body without a length, by an origin without ranges that tells it then, is healed once', async () => {
    const { view, clock, origin } = stage({ film: movie });
    void answerAll(origin, (request) => {
      if (origin.requests.length === 1) request.head(200, withoutLength).cut();
      else request.head(200).bytes(movie.size).end();
    });
    const viewer = view();
    await clock.advance(10_000);
    assert.deepEqual(
      { outcome: viewer.outcome, bytes: viewer.bytes, requests: origin.requests.length },
      { outcome: 'whole', bytes: movie.size, requests: 2 },
    );
  });

  it('by an end of the body before its announced length is healed as well', async () => {
    const { view, asked, clock, origin, eventsOf } = stage({ film: movie });
    const viewer = view();
    (await asked()).head().bytes(10).end();
    void answerAll(origin, serve);
    await clock.settle();
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 1_000_000]);
    assert.deepEqual(
      eventsOf('retry').map(({ kind, cause, offset }) => [kind, cause, offset]),
      [['heal', 'cut', 10]],
    );
  });

  for (const [what, healTimeout] of [
    ['90 s', 90_000],
    ['as long as healTimeout says', 4321],
  ] as const) {
    it(`is mended for ${what} after the last byte, then the reply fails`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie, policy: { healTimeout } });
      const viewer = view();
      const request = await asked();
      request.head().bytes(1000);
      await clock.advance(1000);
      let tries = 0;
      void answerAll(origin, (again) => {
        tries += 1;
        again.refuse(refusal());
      });
      request.cut();
      await clock.advance(healTimeout - 2001 - 1000);
      assert.equal(viewer.outcome, null);
      await clock.advance(3001);
      assert.deepEqual([viewer.error.type, viewer.bytes], ['connection_refused', 1000]);
      assert.ok((viewer.endAt ?? 0) <= healTimeout + 1000 && tries > 2);
    });
  }

  it('is healed by an origin that comes back after 80 s', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const viewer = view();
    (await asked()).head().bytes(1000).cut();
    void answerAll(origin, (again) => (clock.now() < 80_000 ? void again.refuse(refusal()) : serve(again)));
    await clock.advance(85_000);
    assert.deepEqual([viewer.outcome, viewer.bytes], ['whole', 1_000_000]);
  });

  it('is healed by an origin that answers 503 for a while', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const viewer = view();
    (await asked()).head().bytes(1000).cut();
    void answerAll(origin, (again) => (clock.now() < 20_000 ? answerWith(again, 503) : serve(again)));
    await clock.advance(25_000);
    assert.equal(viewer.outcome, 'whole');
  });

  for (const status of [300, 400, 401, 403, 404, 408, 409, 410, 425, 429, 451, 500, 501, 511, 520, 599, 600, 999]) {
    it(`followed by ${status} for a while is healed: the origin has just given what it refuses`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie });
      const viewer = view();
      (await asked()).head().bytes(1000).cut();
      await clock.settle();
      void answerAll(origin, (again) => (clock.now() < 20_000 ? answerWith(again, status) : serve(again)));
      await clock.advance(25_000);
      assert.equal(viewer.outcome, 'whole');
    });
  }

  for (const status of [403, 404, 410, 500, 599]) {
    it(`followed by ${status} for ever fails when healTimeout is over`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie });
      const viewer = view();
      (await asked()).head().bytes(1000).cut();
      await clock.settle();
      void answerAll(origin, (again) => answerWith(again, status));
      await clock.advance(90_000);
      assert.deepEqual([viewer.failure.kind, viewer.bytes], ['answer', 1000]);
    });

    it(`followed by ${status} is told at once to who has got nothing yet, unless that may pass`, async () => {
      const { view, asked, clock, origin } = stage({ film: movie });
      const first = view(0, 1000);
      (await asked()).head().bytes(262_144).end();
      await clock.settle();
      assert.equal(first.outcome, 'whole');
      const seek = view(500_000);
      void answerAll(origin, (again) => answerWith(again, status));
      await clock.advance(100);
      assert.equal(seek.outcome === null, status >= 500);
      await clock.advance(30_000);
      assert.equal(seek.failure.kind, 'answer');
    });
  }

  it('of an origin without a strong validator is not healed: parts of it are never put together', async () => {
    for (const etag of [null, 'W/"weak"']) {
      const { view, asked, clock, origin } = stage({ film: movie });
      const viewer = view();
      const request = await asked();
      const fields: Array<readonly [string, string]> = [
        ['content-length', '1000000'],
        ['content-range', 'bytes 0-999999/1000000'],
      ];
      if (etag !== null) fields.push(['etag', etag]);
      request.head(206, fields).bytes(1000).cut();
      await clock.advance(100_000);
      assert.ok(viewer.outcome instanceof Error, `it ended with ${viewer.outcome}`);
      assert.deepEqual([viewer.bytes, viewer.endAt, origin.requests.length], [1000, 0, 1]);
    }
  });
});

describe('a silence after trouble that had passed', () => {
  it('is called silence, and not the trouble', async () => {
    const { view, asked, clock, origin } = stage({ film: movie, policy: { stallTimeout: 60_000, healTimeout: 5000 } });
    const viewer = view();
    answerWith(await asked(), 503);
    (await clock.advanceUntil(origin.nextRequest())).head().bytes(10);
    await clock.advance(6000);
    assert.deepEqual([viewer.error.type, viewer.error.setting], ['http_response_timeout', 'healTimeout']);
  });
});

describe('a reply that can not be healed', () => {
  for (const ignoreRange of [false, true]) {
    it(`gives the player all that had come, then is seen as a cut (a ${ignoreRange ? 200 : 206})`, async () => {
      const rig = await virtualRig({
        films: movie,
        origin: { cutAfter: 300_000, ignoreRange, fields: { etag: null, 'last-modified': null } },
      });
      const exchange = rig.get('/films/film.mp4');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
      assert.deepEqual([exchange.status, exchange.bodyBytes], [200, 300_000]);
      await rig.close();
    });
  }
});

describe('a stall in mid-body', () => {
  for (const [what, stallTimeout] of [
    ['10 s', 10_000],
    ['as long as stallTimeout says', 777],
  ] as const) {
    it(`is borne for ${what}, then another connection is tried, and the film goes on`, async () => {
      const { view, asked, clock, origin, eventsOf } = stage({ film: movie, policy: { stallTimeout } });
      const viewer = view();
      const stalled = await asked();
      stalled.head().bytes(5000);
      await clock.advance(stallTimeout - 1);
      assert.deepEqual([origin.requests.length, stalled.live], [1, true]);
      await clock.advance(1);
      const second = await asked();
      assert.deepEqual([second.offset, stalled.live], [5000, false]);
      serve(second);
      void answerAll(origin, serve);
      await clock.settle();
      assert.deepEqual([viewer.outcome, viewer.endAt, origin.fetchedTwice], ['whole', stallTimeout, []]);
      assert.deepEqual(
        eventsOf('retry').map(({ kind, cause }) => [kind, cause]),
        [['heal', 'stall']],
      );
    });
  }

  it('on connection after connection ends the reply after healTimeout, with a failure', async () => {
    const { view, asked, clock, origin } = stage({ film: movie, policy: { healTimeout: 45_000 } });
    const viewer = view();
    (await asked()).head().bytes(5000);
    void answerAll(origin, (again) => void again.head());
    await clock.advance(44_999);
    assert.equal(viewer.outcome, null);
    await clock.advance(1);
    assert.deepEqual([viewer.error.status, viewer.bytes, origin.live.length], [504, 5000, 0]);
  });

  it('is not one where the reader is slow, and the window is full', async () => {
    const { view, asked, clock, origin } = stage({ film: movie, policy: { readAhead: 100_000 } });
    const viewer = view();
    viewer.pause();
    const request = await asked();
    request.head().bytes(100_000);
    await clock.advance(3000);
    viewer.resume();
    request.bytes(900_000).end();
    await clock.settle();
    assert.deepEqual([viewer.outcome, origin.requests.length], ['whole', 1]);
  });

  it('before the first byte is followed by another connection inside the budget, where one is wanted', async () => {
    const { view, asked, clock, origin } = stage({ film: movie });
    const viewer = view();
    (await asked()).head();
    await clock.advance(29_999);
    assert.equal(viewer.outcome, null);
    assert.ok(origin.requests.length >= 1);
  });
});
