import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { answerWith, refusal } from './answers.ts';
import { assertMonotonic, finished } from './monotonic.ts';

const movie = film(1_000_000);

describe('the events of trouble', () => {
  it('name each retry and each healing, and the first byte of each', async () => {
    const { view, asked, clock, events, eventsOf, origin } = stage({ film: movie });
    const viewer = view(5, null);
    (await asked()).refuse(refusal());
    const second = await clock.advanceUntil(origin.nextRequest());
    answerWith(second, 503);
    const third = await clock.advanceUntil(origin.nextRequest());
    await clock.advance(1000);
    third.connected();
    await clock.advance(1000);
    third.head().bytes(500_000).cut();
    await clock.settle();
    const fourth = await asked();
    await clock.advance(2000);
    fourth
      .head()
      .bytes(movie.size - fourth.offset)
      .end();
    await clock.settle();
    assert.equal(viewer.outcome, 'whole');
    assertMonotonic(events);
    assert.deepEqual(
      eventsOf('retry').map(({ at: _, fill, origin: __, path, ...retry }) => [fill, path, retry]),
      [
        [1, '/film.mp4', { type: 'retry', kind: 'retry', cause: 'refused', offset: 5, attempt: 2, delay: 50 }],
        [1, '/film.mp4', { type: 'retry', kind: 'retry', cause: 'status', offset: 5, attempt: 3, delay: 100 }],
        [1, '/film.mp4', { type: 'retry', kind: 'heal', cause: 'cut', offset: 500_005, attempt: 4, delay: 0 }],
      ],
    );
    assert.deepEqual(
      eventsOf('fill-first-byte').map(({ offset, attempt, startedAt, connectedAt, headAt, landedAt }) => [
        offset,
        attempt,
        startedAt,
        connectedAt,
        headAt,
        landedAt,
      ]),
      [
        [5, 3, 150, 1150, 2150, 2150],
        [500_005, 4, 2150, 4150, 4150, 4150],
      ],
    );
  });

  it('say how long a fetch had queued', async () => {
    const { view, asked, clock, eventsOf } = stage({ film: movie, maxConnections: 1 });
    view(0, null, '/one');
    const first = await asked();
    await clock.advance(1000);
    view(0, null, '/two');
    await clock.advance(4000);
    first.head().bytes(movie.size).end();
    const second = await asked();
    await clock.advance(300);
    second.head().bytes(10);
    await clock.settle();
    const queued = eventsOf('fill-first-byte').map(({ path, queued, startedAt, landedAt }) => [
      path,
      queued,
      startedAt,
      landedAt,
    ]);
    assert.deepEqual(queued, [
      ['/one', 0, 0, 5000],
      ['/two', 4000, 5000, 5300],
    ]);
  });

  const failures: ReadonlyArray<readonly [string, Parameters<typeof answerWith>[1] | 'tls_certificate_error', object]> =
    [
      ['an answer', 404, { error: 'origin_status', status: 404 }],
      ['an error', 'tls_certificate_error', { error: 'tls_certificate_error', status: null }],
    ];
  for (const [what, how, told] of failures) {
    it(`name the cause of a failed fill: ${what}`, async () => {
      const { view, asked, clock, eventsOf } = stage({ film: movie });
      view();
      const request = await asked();
      await clock.advance(100);
      if (typeof how === 'number') answerWith(request, how);
      else request.refuse(refusal(how));
      await clock.settle();
      const [failed, ...more] = eventsOf('fill-failed');
      assert.ok(failed !== undefined && more.length === 0);
      const { message, ...named } = failed;
      assert.deepEqual(named, { type: 'fill-failed', at: 100, fill: 1, origin: 'films', path: '/film.mp4', ...told });
      assert.ok(message.length > 10);
    });
  }

  for (const [what, path] of [
    ['a folder without its slash', '/films/folder'],
    ['a place beyond the end', '/films/film.mp4'],
  ] as const) {
    it(`say nothing where the origin has an answer: ${what}`, async () => {
      const moved = { status: 301, fields: { location: '/folder/' } };
      const origin = path === '/films/folder' ? moved : {};
      const rig = await virtualRig({ films: movie, origin });
      const exchange = rig.get(path, { range: `${movie.size}-` });
      await finished(rig, exchange);
      assert.equal(exchange.status, path === '/films/folder' ? 301 : 416);
      assert.deepEqual(rig.eventsOf('fill-failed'), []);
    });
  }

  it('name a fill that was given up because the budget was spent', async () => {
    const { view, clock, eventsOf } = stage({ film: movie });
    view();
    await clock.advance(30_000);
    assert.deepEqual(
      eventsOf('fill-failed').map(({ at, error, status }) => [at, error, status]),
      [[30_000, 'http_response_timeout', null]],
    );
  });

  it('count an own 5xx with its status, reason, phase and wait, and the wait as late', async () => {
    const rig = await virtualRig({ films: movie, origin: { headAfter: Number.POSITIVE_INFINITY } });
    const exchange = rig.get('/films/film.mp4?token=secret');
    await finished(rig, exchange);
    assert.equal(exchange.status, 504);
    const [error, ...more] = rig.eventsOf('own-error');
    assert.ok(error !== undefined && more.length === 0);
    const { message, ...told } = error;
    assert.deepEqual(told, {
      type: 'own-error',
      at: 30_000,
      request: 1,
      origin: 'films',
      path: '/film.mp4',
      status: 504,
      reason: 'http_response_timeout',
      phase: 'starting',
      waited: 30_000,
    });
    assert.doesNotMatch(message, /secret/);
    assert.deepEqual(
      rig.eventsOf('first-byte-wait').map(({ outcome, duration }) => [outcome, duration]),
      [['late', 30_000]],
    );
    assert.deepEqual(
      rig.eventsOf('request-done').map(({ outcome, status, bytes }) => [outcome, status, bytes]),
      [['failed', 504, 0]],
    );
    assertMonotonic(rig.events);
    await rig.close();
  });

  it("call an origin's error the origin's, and not our own", async () => {
    for (const status of [404, 501]) {
      const rig = await virtualRig({ films: movie, origin: { status } });
      const exchange = rig.get('/films/film.mp4');
      await finished(rig, exchange);
      assert.match(exchange.text, new RegExp(`^This is the origin's ${status}`));
      assert.deepEqual(
        rig.eventsOf('request-done').map(({ outcome, status }) => [outcome, status]),
        [['passed', status]],
      );
      assert.deepEqual(rig.eventsOf('own-error'), []);
      assert.equal(rig.eventsOf('first-byte-wait')[0]?.outcome, 'failed');
      await rig.close();
    }
  });

  it('tell a client that left before its first byte, and one that left after', async () => {
    const rig = await virtualRig({ films: movie, origin: { headAfter: 5000 }, relay: { rate: 100_000 } });
    const early = rig.player();
    early.get('/films/film.mp4');
    await rig.clock.advance(2000);
    early.leave();
    const late = rig.player();
    const exchange = late.get('/films/film.mp4');
    await rig.clock.advanceUntil(exchange.received(100_000));
    late.leave();
    await rig.clock.advance(1000);
    assert.deepEqual(
      rig.eventsOf('request-done').map(({ outcome, status }) => [outcome, status]),
      [
        ['gone', null],
        ['gone', 200],
      ],
    );
    assert.deepEqual(
      rig.eventsOf('first-byte-wait').map(({ outcome }) => outcome),
      ['gone', 'served'],
    );
    assertMonotonic(rig.events);
    await rig.close();
  });

  it('tell a reply that was cut as cut', async () => {
    const rig = await virtualRig({
      films: movie,
      origin: { cutAfter: 300_000, fields: { etag: null, 'last-modified': null } },
    });
    const exchange = rig.get('/films/film.mp4');
    await finished(rig, exchange);
    assert.equal(exchange.outcome, 'cut');
    assert.deepEqual(
      rig.eventsOf('request-done').map(({ outcome, status, bytes }) => [outcome, status, bytes]),
      [['cut', 200, 300_000]],
    );
    await rig.close();
  });

  it('tell of a bug, with its stack, and the request fails with a 500 of our own', async () => {
    const { view, asked, clock, eventsOf } = stage({ film: movie });
    const viewer = view();
    (await asked()).head().cut(new TypeError('undefined is not a function'));
    await clock.settle();
    assert.deepEqual([viewer.error.type, viewer.error.status], ['proxy_internal_error', 500]);
    const [bug, ...more] = eventsOf('bug');
    assert.ok(bug !== undefined && more.length === 0);
    assert.deepEqual(
      [bug.message, bug.stack.includes(import.meta.filename)],
      ['TypeError: undefined is not a function', true],
    );
  });

  it('never tell of a bug, in all of this', async () => {
    const rig = await virtualRig({
      films: movie,
      relay: { rate: 500_000, fault: () => ({ after: 200_000, cut: 'reset' }) },
    });
    await finished(rig, ...['0-', '500000-', '-1', '100-200'].map((range) => rig.get('/films/film.mp4', { range })));
    await rig.clock.advance(120_000);
    assert.deepEqual(rig.eventsOf('bug'), []);
    await rig.close();
  });
});
