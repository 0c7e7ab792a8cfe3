import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { FailingStore, type Weakness } from './failing-store.ts';

const movie = film(3_000_000);

/** The whole of firstbyte on a store with a weakness. */
async function weakRig(...weaknesses: Weakness[]) {
  const store = new FailingStore();
  store.fail(...weaknesses);
  return { store, rig: await virtualRig({ films: movie, store, relay: { rate: 3_000_000 } }) };
}

describe('trouble with the store', () => {
  for (const weakness of ['find', 'create', 'write throws', 'write rejects', 'commit', 'close'] as const) {
    it(`that is there from the beginning (${weakness}) does not keep a film from playing`, async () => {
      const { rig } = await weakRig(weakness);
      const exchange = rig.get('/films/film.mp4', { range: '0-' });
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.status, exchange.bodyBytes], [206, movie.size]);
      assert.ok((exchange.times.endAt ?? 0) < 1200, 'at the pace of the network');
      assert.deepEqual([rig.eventsOf('own-error'), rig.eventsOf('bug')], [[], []]);
      await rig.close();
    });

    it(`that comes in mid-fill (${weakness}) does not stop a film that plays, nor one that joins`, async () => {
      const { rig, store } = await weakRig();
      const exchange = rig.get('/films/film.mp4');
      await rig.clock.advanceUntil(exchange.received(1_500_000));
      store.fail(weakness);
      const joined = rig.get('/films/film.mp4', { range: '500000-' });
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.equal(await rig.clock.advanceUntil(joined.done()), 'complete');
      assert.deepEqual([exchange.bodyBytes, joined.bodyBytes], [movie.size, movie.size - 500_000]);
      assert.deepEqual([rig.eventsOf('own-error'), rig.eventsOf('bug')], [[], []]);
      await rig.close();
    });
  }

  it('in a cache directory that can not be written to is gone past, for every film', async () => {
    const store = new FailingStore('EACCES');
    store.fail('find', 'create');
    const rig = await virtualRig({ films: movie, store });
    for (let visit = 0; visit < 2; visit += 1) {
      const exchange = rig.get('/films/film.mp4');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
    }
    await rig.close();
  });

  it('lets a seek through as well', async () => {
    const { rig } = await weakRig('create');
    const head = rig.get('/films/film.mp4');
    await rig.clock.advanceUntil(head.received(1000));
    const seek = rig.get('/films/film.mp4', { range: '2000000-' });
    assert.equal(await rig.clock.advanceUntil(seek.done()), 'complete');
    assert.equal(await rig.clock.advanceUntil(head.done()), 'complete');
    assert.deepEqual([head.bodyBytes, seek.bodyBytes], [movie.size, 1_000_000]);
    await rig.close();
  });

  it('that makes stored bytes unreadable has them fetched again, in the same reply', async () => {
    const { rig, store } = await weakRig();
    await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
    store.fail('read');
    const again = rig.get('/films/film.mp4', { range: '1000000-1999999' });
    assert.equal(await rig.clock.advanceUntil(again.done()), 'complete');
    assert.deepEqual([again.status, again.bodyBytes], [206, 1_000_000]);
    assert.ok(rig.origin.requests.length >= 2);
    assert.deepEqual(rig.eventsOf('own-error'), []);
    await rig.close();
  });

  it('that has passed is over for the next film', async () => {
    const store = new FailingStore();
    const [one, two] = [film(100_000, 1), film(100_000, 2)];
    const rig = await virtualRig({ films: { '/one': one, '/two': two }, store });
    store.fail('create');
    await rig.clock.advanceUntil(rig.get('/films/one', { film: one }).done());
    store.mend();
    await rig.clock.advanceUntil(rig.get('/films/two', { film: two }).done());
    await rig.restart();
    await rig.clock.advanceUntil(rig.get('/films/two', { film: two }).done());
    assert.equal(rig.origin.requests.length, 2, 'the second was stored');
    await rig.close();
  });

  it('lets nothing half-written be believed after a restart', async () => {
    for (const weakness of ['write throws', 'write rejects', 'commit'] as const) {
      const { rig, store } = await weakRig();
      const exchange = rig.get('/films/film.mp4');
      await rig.clock.advanceUntil(exchange.received(1_500_000));
      store.fail(weakness);
      await rig.clock.advanceUntil(exchange.done());
      await rig.stop();
      store.mend();
      await rig.start();
      const again = rig.get('/films/film.mp4');
      assert.equal(await rig.clock.advanceUntil(again.done()), 'complete');
      assert.equal(again.bodyBytes, movie.size);
      await rig.close();
    }
  });

  it('does not let a paused player hold more than bounded memory', async () => {
    const long = film(8_000_000);
    const store = new FailingStore();
    store.fail('create');
    const rig = await virtualRig({ films: long, store, relay: { rate: 50_000_000 } });
    const player = rig.player();
    const exchange = player.get('/films/film.mp4');
    await rig.clock.advanceUntil(exchange.received(1000));
    player.pause();
    await rig.clock.advance(20_000);
    assert.ok(rig.network.relay.bytesCarried <= exchange.bodyBytes + 3 * 1024 * 1024);
    player.resume();
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(exchange.bodyBytes, long.size);
    await rig.close();
  });
});

describe('what must not be stored', () => {
  for (const directive of ['no-store', 'private']) {
    it(`(${directive}) is passed through, to several at once, and fetched anew for the next`, async () => {
      const rig = await virtualRig({
        films: movie,
        origin: { fields: { 'cache-control': directive } },
        relay: { rate: 3_000_000 },
      });
      const both = [rig.get('/films/film.mp4'), rig.get('/films/film.mp4')];
      for (const exchange of both) {
        assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
        assert.equal(exchange.bodyBytes, movie.size);
      }
      const before = rig.origin.requests.length;
      await rig.clock.advance(60_000);
      const next = rig.get('/films/film.mp4');
      assert.equal(await rig.clock.advanceUntil(next.done()), 'complete');
      assert.equal(rig.origin.requests.length, before + 1);
      assert.match(next.field('cache-status') ?? '', /fwd=bypass/);
      await rig.restart();
      await rig.clock.advanceUntil(rig.get('/films/film.mp4').done());
      assert.equal(rig.origin.requests.length, before + 2);
      await rig.close();
    });
  }
});
