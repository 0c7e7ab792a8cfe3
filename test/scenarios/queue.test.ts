import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';

const movie = film(1_000_000);

describe('the queue for a connection', () => {
  for (const [what, queueTimeout] of [
    ['30 s', 30_000],
    ['as long as queueTimeout says', 500],
  ] as const) {
    it(`is waited in for ${what}, then refused`, async () => {
      const { view, asked, clock, origin } = stage({
        film: movie,
        policy: { queueTimeout, firstByteTimeout: 300_000 },
        maxConnections: 1,
      });
      view(0, null, '/one');
      await asked();
      await clock.advance(100);
      const second = view(0, null, '/two');
      await clock.advance(queueTimeout - 1);
      assert.equal(second.outcome, null);
      await clock.advance(1);
      const { error } = second;
      assert.deepEqual(
        [error.type, error.status, error.setting, error.retryAfter],
        ['connection_limit_reached', 503, 'queueTimeout', 5],
      );
      assert.deepEqual([second.endAt, origin.requests.length], [queueTimeout + 100, 1]);
    });
  }

  it("uses none of the origin's budget", async () => {
    const { view, asked, clock } = stage({ film: movie, maxConnections: 1 });
    view(0, null, '/one');
    const first = await asked();
    await clock.advance(1000);
    const second = view(0, null, '/two');
    await clock.advance(28_000);
    first.head().bytes(1_000_000).end();
    const request = await asked();
    assert.equal(request.target, '/two');
    await clock.advance(29_999);
    assert.equal(second.outcome, null);
    request.head().bytes(1_000_000).end();
    await clock.settle();
    assert.deepEqual([second.outcome, second.firstAt], ['whole', 58_999]);
  });

  it('ends the budget of the origin 30 s after its end', async () => {
    const { view, asked, clock } = stage({ film: movie, maxConnections: 1 });
    view(0, null, '/one');
    const first = await asked();
    const second = view(0, null, '/two');
    await clock.advance(20_000);
    first.head().bytes(1_000_000).end();
    await asked();
    await clock.advance(60_000);
    assert.deepEqual([second.error.type, second.endAt], ['http_response_timeout', 50_000]);
  });

  for (const [maxQueued, setting] of [
    [0, 'none'],
    [3, 'three'],
  ] as const) {
    it(`takes ${setting} where maxQueued says so, and refuses the next at once`, async () => {
      const { view, asked, clock } = stage({ film: movie, maxConnections: 1, maxQueued });
      view(0, null, '/first');
      await asked();
      const queued = Array.from({ length: maxQueued }, (_, index) => view(0, null, `/${index}`));
      await clock.settle();
      const last = view(0, null, '/last');
      await clock.settle();
      assert.deepEqual([last.error.type, last.error.setting, last.endAt], ['connection_limit_reached', 'maxQueued', 0]);
      assert.ok(queued.every(({ outcome }) => outcome === null));
    });
  }

  for (const maxConnections of [1, 2, 5]) {
    it(`begins behind maxConnections ${maxConnections}`, async () => {
      const { view, clock, origin, cache } = stage({ film: movie, maxConnections });
      for (let count = 0; count < maxConnections + 3; count += 1) view(0, null, `/${count}`);
      await clock.settle();
      assert.equal(origin.requests.length, maxConnections);
      const phases = cache.fills().map(({ state }) => state.phase);
      assert.equal(phases.filter((phase) => phase === 'queued').length, 3);
      assert.equal(phases.filter((phase) => phase === 'starting').length, maxConnections);
    });
  }

  it('is the same for two who want the same: they share one place', async () => {
    const { view, asked, clock, origin } = stage({ film: movie, maxConnections: 1, maxQueued: 1 });
    view(0, null, '/one');
    const first = await asked();
    const both = [view(0, null, '/two'), view(0, null, '/two')];
    await clock.settle();
    first.head().bytes(1_000_000).end();
    (await asked()).head().bytes(1_000_000).end();
    await clock.settle();
    assert.deepEqual([both.map(({ outcome }) => outcome), origin.requests.length], [['whole', 'whole'], 2]);
  });

  it('is left by who leaves, and the next moves up', async () => {
    const { view, asked, clock, origin } = stage({ film: movie, maxConnections: 1 });
    view(0, null, '/one');
    const first = await asked();
    const [impatient, patient] = [view(0, null, '/two'), view(0, null, '/three')];
    await clock.advance(1000);
    impatient.leave();
    await clock.advance(10_000);
    first.head().bytes(1_000_000).end();
    const next = await asked();
    next.head().bytes(1_000_000).end();
    await clock.settle();
    assert.deepEqual([next.target, patient.outcome, origin.requests.length], ['/three', 'whole', 2]);
  });

  it('never holds a fourth title behind three whole downloads', async () => {
    const long = film(400_000_000);
    const { view, clock, origin } = stage({
      film: long,
      maxConnections: 3,
      origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: 1_000_000 }),
    });
    for (const name of ['/1', '/2', '/3']) view(0, null, name);
    await clock.advance(5000);
    const fourth = view(0, null, '/4');
    await clock.advance(10_000);
    assert.ok(fourth.firstAt !== null && fourth.firstAt <= 8000, `its first byte came at ${fourth.firstAt} ms`);
    assert.ok(fourth.bytes > 1_000_000, `it has ${fourth.bytes} bytes`);
    assert.deepEqual(origin.fetchedTwice.length > 0, true, 'four titles, one film');
  });

  it('of an account that allows one connection lets two films play in turns', async () => {
    const long = film(50_000_000);
    const { view, clock } = stage({
      film: long,
      maxConnections: 1,
      origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: 2_000_000 }),
    });
    const [one, two] = [view(0, null, '/1'), view(0, null, '/2')];
    await clock.advance(10_000);
    for (const { bytes } of [one, two]) assert.ok(bytes > 5_000_000, `${bytes} bytes in 10 s`);
  });

  it('is passed by who waits for a byte, before read-ahead', async () => {
    const long = film(30_000_000);
    const { view, asked, clock } = stage({ film: long, maxConnections: 1, policy: { readAhead: 1_000_000 } });
    const paused = view(0, null, '/1');
    paused.pause();
    const request = await asked();
    request.head().bytes(500_000);
    await clock.settle();
    const waiting = view(0, null, '/2');
    await clock.advance(1000);
    request.bytes(100_000);
    await clock.settle();
    const second = await asked();
    second.head().bytes(1000);
    await clock.settle();
    assert.deepEqual([second.target, waiting.bytes], ['/2', 1000]);
  });

  it('gives three viewers of one film, each at another place, no less than half of their fair share', async () => {
    const long = film(400_000_000);
    const rate = 6_000_000;
    for (const paced of [Number.POSITIVE_INFINITY, 1_500_000]) {
      const { view, clock, origin } = stage({
        film: long,
        maxConnections: 1,
        origin: (clock) => ScriptedOrigin.serving(long, { clock, rate, headAfter: 50 }),
      });
      const viewers = [0, 130_000_000, 260_000_000].map((start) => view(start));
      for (const viewer of viewers) viewer.rate = paced;
      await clock.advance(30_000);
      const fair = Math.min(paced, rate / 3) * 30;
      for (const { bytes } of viewers) assert.ok(bytes >= fair / 2, `${bytes} of ${fair} bytes`);
      assert.deepEqual(origin.fetchedTwice, []);
      for (const viewer of viewers) viewer.leave();
    }
  });

  it('is passed at once by a seek, while read-ahead that nobody waits for holds the one connection', async () => {
    const long = film(400_000_000);
    const { view, clock } = stage({
      film: long,
      maxConnections: 1,
      origin: (clock) => ScriptedOrigin.serving(long, { clock, rate: 10_000_000, headAfter: 50 }),
    });
    const watching = view();
    await clock.advanceUntil(() => watching.bytes > 9_000_000);
    watching.rate = 1_000_000;
    await clock.advance(2000);
    const askedAt = clock.now();
    const seek = view(300_000_000);
    await clock.advanceUntil(() => seek.bytes > 0);
    assert.ok(clock.now() - askedAt <= 70, `its first byte came after ${clock.now() - askedAt} ms`);
    seek.leave();
    watching.leave();
  });
});
