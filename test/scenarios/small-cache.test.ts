import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Store, StoredObject } from '../../src/store/store.ts';
import { film } from '../support/film.ts';
import { type RigOptions, VirtualRig } from '../support/rig.ts';

const kibibyte = 1024;
const movie = film(12_000_000);

/** All of firstbyte with a cache of 2 MiB, in segments of 64 KiB. */
async function smallRig(options: Partial<RigOptions> = {}, maxSize = 2 * 1024 * kibibyte) {
  const evicted: string[] = [];
  const states: (string | null)[] = [];
  let rig: VirtualRig | null = null;
  const store = createMemoryStore({
    // The rig's clock does not exist before the rig; nothing is asked for the time before.
    clock: {
      now: () => rig?.clock.now() ?? 0,
      wallTime: () => rig?.clock.wallTime() ?? 0,
      after: (delay, wake) => rig?.clock.after(delay, wake) ?? { cancel() {} },
    },
    segmentSize: 64 * kibibyte,
    maxSize: { bytes: maxSize },
    events: {
      evicted: (_, { path }) => evicted.push(path),
      stateChanged: (trouble) => states.push(trouble?.code ?? null),
    },
  });
  rig = new VirtualRig({ films: movie, store, relay: { rate: 3_000_000 }, ...options });
  await rig.start();
  return { rig, store, evicted, states };
}

async function stored(store: Store): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of store.list()) objects.push(object);
  return objects;
}

describe('a cache that is smaller than the film', () => {
  it('lets it play at the pace of the network, and never holds more than it may', async () => {
    const { rig, store, evicted, states } = await smallRig();
    const exchange = rig.get('/films/film.mp4');
    for (let received = 1_000_000; received <= movie.size; received += 1_000_000) {
      await rig.clock.advanceUntil(exchange.received(received));
      assert.ok(store.usage().bytes <= 2 * 1024 * kibibyte, `${store.usage().bytes} after ${received}`);
    }
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
    assert.ok((exchange.times.endAt ?? 0) < 4300, `${exchange.times.endAt} ms`);
    assert.ok(evicted.length > 100);
    assert.deepEqual(states, []);
    assert.deepEqual(rig.fetchedTwice('/film.mp4'), []);
    assert.deepEqual([rig.eventsOf('own-error'), rig.eventsOf('bug')], [[], []]);
    await rig.close();
  });

  it('has what was evicted fetched again when a viewer seeks back to it, and nothing else', async () => {
    const { rig } = await smallRig();
    const head = rig.get('/films/film.mp4');
    assert.equal(await rig.clock.advanceUntil(head.done()), 'complete');
    const back = rig.get('/films/film.mp4', { range: '1000000-1099999' });
    assert.equal(await rig.clock.advanceUntil(back.done()), 'complete');
    assert.deepEqual([back.status, back.bodyBytes], [206, 100_000]);
    const twice = rig.fetchedTwice('/film.mp4').reduce((sum, { start, end }) => sum + end - start, 0);
    assert.ok(twice >= 100_000 && twice < 700_000, `${twice} bytes came twice`);
    const before = rig.bytesFetched;
    const near = rig.get('/films/film.mp4', { range: '11000000-11299999' });
    assert.equal(await rig.clock.advanceUntil(near.done()), 'complete');
    assert.equal(rig.bytesFetched, before, 'what was watched last is still there, but for the very end');
    await rig.close();
  });

  it('keeps a pinned film, though another one is much larger', async () => {
    const small = film(500_000, 2);
    const { rig, store } = await smallRig({ films: { '/large': movie, '/small': small } });
    const first = rig.player({ film: small }).get('/films/small');
    assert.equal(await rig.clock.advanceUntil(first.done()), 'complete');
    const [kept] = await stored(store);
    assert.equal(await store.pin(kept?.name ?? '', true), true);
    const large = rig.player({ film: movie }).get('/films/large');
    assert.equal(await rig.clock.advanceUntil(large.done()), 'complete');
    const before = rig.bytesFetched;
    const again = rig.player({ film: small }).get('/films/small');
    assert.equal(await rig.clock.advanceUntil(again.done()), 'complete');
    assert.equal(again.bodyBytes, small.size);
    assert.equal(rig.bytesFetched, before);
    await rig.close();
  });

  it('that is full of what is pinned lets a film pass, and stores again when it may', async () => {
    const small = film(2_000_000, 2);
    const { rig, store, states } = await smallRig({ films: { '/large': movie, '/small': small } });
    await rig.clock.advanceUntil(rig.player({ film: small }).get('/films/small').done());
    const [kept] = await stored(store);
    await store.pin(kept?.name ?? '', true);
    const large = rig.player({ film: movie }).get('/films/large');
    await rig.clock.advanceUntil(large.received(6_000_000));
    assert.equal(states[0], 'FULL');
    await store.pin(kept?.name ?? '', false);
    assert.equal(await rig.clock.advanceUntil(large.done()), 'complete');
    assert.equal(large.bodyBytes, movie.size);
    await rig.clock.advance(2000);
    const objects = await stored(store);
    const ending = objects.find(({ label }) => label.path === '/large');
    assert.ok((ending?.bytes ?? 0) > 500_000, 'its end is stored');
    assert.equal(states.at(-1), null);
    assert.deepEqual([rig.eventsOf('own-error'), rig.eventsOf('bug')], [[], []]);
    await rig.close();
  });

  it('serves two who watch at different places, and one who has paused', async () => {
    const { rig, store } = await smallRig();
    const player = rig.player();
    const paused = player.get('/films/film.mp4', { range: '0-' });
    await rig.clock.advanceUntil(paused.received(200_000));
    player.pause();
    const late = rig.get('/films/film.mp4', { range: '8000000-' });
    assert.equal(await rig.clock.advanceUntil(late.done()), 'complete');
    player.resume();
    assert.equal(await rig.clock.advanceUntil(paused.done()), 'complete');
    assert.deepEqual([late.bodyBytes, paused.bodyBytes], [4_000_000, movie.size]);
    assert.ok(store.usage().bytes <= 2 * 1024 * kibibyte);
    assert.deepEqual([rig.eventsOf('own-error'), rig.eventsOf('bug')], [[], []]);
    await rig.close();
  });
});

it('every title of a library opens from a cache that holds half of it', async () => {
  const large = film(40_000_000);
  const { rig } = await smallRig({ films: large, relay: { rate: 100_000_000 } }, 90_000_000);
  const titles = ['/one', '/two', '/three', '/four'];
  for (const title of titles) {
    assert.equal(await rig.clock.advanceUntil(rig.get(`/films${title}`).done()), 'complete');
  }
  const before = rig.bytesFetched;
  for (const title of titles) {
    for (const range of ['0-29999', `${large.size - 30_000}-`]) {
      const edge = rig.get(`/films${title}`, { range });
      assert.equal(await rig.clock.advanceUntil(edge.done()), 'complete');
      assert.equal(edge.bodyBytes, 30_000);
    }
  }
  assert.equal(rig.bytesFetched, before);
  await rig.close();
});

it('a film of 40 GB, a thousandth in size, plays through a cache of 2 GB', async () => {
  const large = film(40_000_000, 3);
  const { rig, store } = await smallRig({ films: large, relay: { rate: 20_000_000 } }, 2_000_000);
  const exchange = rig.get('/films/film.mp4');
  assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
  assert.equal(exchange.bodyBytes, large.size);
  assert.ok(store.usage().bytes <= 2_000_000);
  assert.deepEqual(rig.fetchedTwice('/film.mp4'), []);
  await rig.close();
});
