/** The budgets that only the whole of firstbyte shows, each moved by its setting. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const movie = film(1_000_000);

for (const [what, settings, connectTimeout] of [
  ['10 s by default', {}, 10_000],
  ['what the setting says', { connectTimeout: '1500ms' }, 1500],
] as const) {
  describe(`connectTimeout, ${what}`, () => {
    it('ends an attempt to connect, and the next begins inside firstByteTimeout', async () => {
      const rig = await virtualRig({ films: movie, settings, relay: { delay: 60_000 } });
      const exchange = rig.get('/films/film.mp4');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      const [retry] = rig.eventsOf('retry');
      assert.deepEqual([retry?.at, retry?.cause, retry?.kind], [connectTimeout, 'timeout', 'retry']);
      assert.equal(exchange.status, 504);
      assert.ok((exchange.times.headAt ?? 0) <= 30_000, `it took until ${exchange.times.headAt} ms`);
      await rig.close();
    });
  });
}

for (const [what, settings, drainTimeout] of [
  ['10 s by default', {}, 10_000],
  ['what the setting says', { drainTimeout: '2s' }, 2000],
] as const) {
  describe(`drainTimeout, ${what}`, () => {
    it('lets a reply go on that long after a stop, then cuts it', async () => {
      const rig = await virtualRig({ films: movie, settings, relay: { rate: 50_000 } });
      const exchange = rig.get('/films/film.mp4');
      await rig.clock.advanceUntil(exchange.received(1000));
      const before = rig.clock.now();
      await rig.stop();
      assert.equal(rig.clock.now() - before, drainTimeout);
      await rig.clock.settle();
      assert.equal(exchange.outcome, 'cut');
      assert.ok(exchange.bodyBytes > (drainTimeout / 1000 - 1) * 50_000, `${exchange.bodyBytes} bytes`);
      await rig.start();
      await rig.close();
    });

    it('is not used up where the last reply ends before', async () => {
      const rig = await virtualRig({ films: movie, settings, relay: { rate: 1_000_000 } });
      const exchange = rig.get('/films/film.mp4');
      await rig.clock.advanceUntil(exchange.received(1000));
      await rig.stop();
      assert.ok(rig.clock.now() < 1100, `the stop took until ${rig.clock.now()} ms`);
      assert.deepEqual([await exchange.done(), exchange.bodyBytes], ['complete', movie.size]);
      await rig.start();
      await rig.close();
    });
  });
}

describe('the other budgets, as they stand in the configuration', () => {
  it('firstByteTimeout ends the wait with a 504 that names it', async () => {
    const rig = await virtualRig({
      films: movie,
      origin: { headAfter: Number.POSITIVE_INFINITY },
      settings: { firstByteTimeout: '4s' },
    });
    const exchange = rig.get('/films/film.mp4');
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.times.headAt], [504, 4000]);
    assert.match(exchange.text, /firstByteTimeout/);
    await rig.close();
  });

  it('stallTimeout tries another connection, and the reply goes on', async () => {
    const rig = await virtualRig({ films: movie, settings: { stallTimeout: '3s' } });
    rig.origin.next({ stallAfter: 100_000 });
    const exchange = rig.get('/films/film.mp4');
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.bodyBytes, exchange.times.endAt], [200, movie.size, 3000]);
    await rig.close();
  });

  it('healTimeout cuts a reply that can not be healed', async () => {
    const rig = await virtualRig({ films: movie, settings: { healTimeout: '12s' } });
    rig.origin.next({ stallAfter: 100_000 });
    const exchange = rig.get('/films/film.mp4');
    await rig.clock.advanceUntil(exchange.received(1000));
    rig.origin.always({ headAfter: Number.POSITIVE_INFINITY });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'cut');
    assert.deepEqual([exchange.times.endAt, exchange.bodyBytes], [12_000, 100_000]);
    await rig.close();
  });

  it('queueTimeout and maxQueued answer 503 with Retry-After', async () => {
    const rig = await virtualRig({
      films: movie,
      origin: { headAfter: Number.POSITIVE_INFINITY },
      settings: { queueTimeout: '6s', maxConnections: 1, maxQueued: 1, firstByteTimeout: '60s' },
    });
    rig.get('/films/1');
    const queued = rig.get('/films/2');
    await rig.clock.settle();
    const refused = rig.get('/films/3');
    assert.equal(await rig.clock.advanceUntil(refused.done()), 'complete');
    assert.equal(await rig.clock.advanceUntil(queued.done()), 'complete');
    assert.deepEqual(
      [refused, queued].map(({ status, times }) => [status, times.headAt]),
      [
        [503, 0],
        [503, 6000],
      ],
    );
    for (const exchange of [refused, queued]) assert.notEqual(exchange.field('retry-after'), null);
    await rig.close();
  });

  it('readAhead and restTimeout let go of the origin while a film is paused', async () => {
    const settings = { readAhead: '1MiB', restTimeout: '1s', maxConnections: 1 };
    const rig = await virtualRig({ films: film(8_000_000), settings });
    const player = rig.player();
    const exchange = player.get('/films/film.mp4');
    player.pause();
    await rig.clock.advanceUntil(exchange.received(1));
    await rig.clock.advance(999);
    assert.equal(rig.network.relay.open, 1);
    await rig.clock.advance(100);
    assert.equal(rig.network.relay.open, 0);
    const [taken] = rig.fetched('/film.mp4');
    assert.ok((taken?.end ?? 0) <= exchange.bodyBytes + 2.5 * 1024 * 1024, `${taken?.end} bytes`);
    player.resume();
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.bodyBytes, rig.fetchedTwice('/film.mp4')], [8_000_000, []]);
    await rig.close();
  });
});
