/** Places that players have shown: the last of them is there at the next open, and all of them without a network. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RangeSet } from '../../src/bytes/range-set.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { stage } from '../cache/stage.ts';
import { tailedFilm } from '../support/boxed-films.ts';
import { ScriptedOrigin } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const mebibyte = 1024 * 1024;
const { film: boxed, index: boxedIndex } = tailedFilm(200 * mebibyte, 140_000, 240_000);
const bytesPerSecond = boxed.size / 240;

interface Scene extends Partial<Parameters<typeof stage>[0]> {
  readonly connectAfter?: number;
}

function scene({ connectAfter = 0, ...options }: Scene = {}) {
  const origin = (clock: VirtualClock) =>
    ScriptedOrigin.serving(boxed, { clock, rate: 4_000_000, connectAfter, headAfter: 20 });
  const there = stage({ film: boxed, origin, ...options });
  const { view, clock } = there;
  return {
    ...there,
    /** Reads from an offset for so long as players do, and leaves. */
    async watch(start: number, seconds: number, target = '/film.mp4') {
      const player = view(start, null, target);
      player.rate = bytesPerSecond;
      await clock.advance(seconds * 1000);
      player.leave();
      await clock.settle();
    },
    /** Reads the beginning, as a player does that opens the film. */
    async open(target = '/film.mp4') {
      const player = view(0, null, target);
      player.pauseAt(64 * 1024);
      await clock.advanceUntil(() => player.bytes >= 64 * 1024);
      return player;
    },
    present: () => RangeSet.from(there.fill().present),
  };
}

describe('the place where somebody left a film', () => {
  const segmentSize = 256 * 1024;

  /** A title that was watched at 100 MiB for 20 s, and evicted for others but for its edges. */
  async function evicted(options: Scene = {}) {
    const clock = new VirtualClock();
    const store = createMemoryStore({ clock, segmentSize, maxSize: { bytes: 24 * mebibyte } });
    const there = scene({ clock, store, ...options });
    (await there.open()).leave();
    await there.watch(100 * mebibyte, 20);
    for (const title of ['/one', '/two', '/three', '/four']) {
      const other = there.view(0, 7 * mebibyte, title);
      await clock.advanceUntil(() => other.outcome === 'whole');
    }
    // What was watched a moment ago would not go for what nobody waits for.
    await clock.advance(660_000);
    return there;
  }

  it('is fetched when it is opened next, before the player asks for it', async () => {
    const there = await evicted();
    const before = there.origin.requests.length;
    const player = await there.open();
    await there.clock.advance(2000);
    // A player takes a second to show its first picture.
    const place = 100 * mebibyte + 19 * bytesPerSecond;
    const [fill] = there.cache.fills().filter(({ path }) => path === '/film.mp4');
    const present = RangeSet.from(fill?.present ?? []);
    assert.ok(present.covers({ start: Math.floor(place - 900_000), end: Math.floor(place + 2_900_000) }));
    const requests = there.origin.requests.length;
    assert.ok(requests - before <= 4, `${requests - before} requests, around the segment that was kept`);
    await there.watch(Math.floor(place), 1);
    assert.equal(there.origin.requests.length, requests);
    player.leave();
  });

  it('is where a player can be that reads far ahead, also in a film that was there as a whole', async () => {
    const store = createMemoryStore();
    const there = scene({ store });
    const { clock } = there;
    const first = there.view();
    await clock.advanceUntil(() => first.outcome === 'whole');
    await clock.advance(60_000);
    assert.deepEqual(there.cache.fills(), []);
    (await there.open()).leave();
    const player = there.view(100 * mebibyte);
    player.rate = 4 * bytesPerSecond;
    await clock.advance(20_000);
    player.leave();
    const { place } = (await store.find(there.fill().objectId, () => {})) ?? {};
    assert.ok(place, 'it is remembered');
    const seconds = (place - 100 * mebibyte) / bytesPerSecond;
    assert.ok(seconds > 15 && seconds < 21, `${seconds} s after where it began`);
  });

  it('comes over several connections where the origin is far', async () => {
    const there = await evicted({ connectAfter: 300, parallelFetches: 8 });
    const before = there.origin.requests.length;
    const player = await there.open();
    await there.clock.advance(1500);
    const asked = there.origin.requests.slice(before);
    assert.ok(asked.length >= 8 && asked.length <= 32, `${asked.length} requests`);
    player.leave();
  });

  it('is no matter of who looked into a film for a moment, or at its index', async () => {
    const there = scene();
    (await there.open()).leave();
    await there.watch(boxedIndex, 20);
    await there.watch(100 * mebibyte, 0.2);
    const { objectId } = there.fill();
    const found = await there.store.find(objectId, () => {});
    assert.equal(found?.place, null);
  });
});

describe('a place that a player has shown', () => {
  const covers = (there: ReturnType<typeof scene>, start: number, seconds: number) =>
    there.present().covers({ start, end: Math.floor(start + seconds * bytesPerSecond) });

  it('is completed for ten seconds of film once nobody reads', async () => {
    const there = scene();
    (await there.open()).leave();
    await there.watch(160 * mebibyte, 0.5);
    await there.watch(20 * mebibyte, 2);
    assert.ok(!covers(there, 160 * mebibyte, 10), 'it was left too early for that');
    await there.clock.advance(20_000);
    assert.ok(covers(there, 160 * mebibyte, 10));
    assert.ok(covers(there, 20 * mebibyte, 11));
    assert.deepEqual(there.origin.fetchedTwice, []);
    assert.equal(there.origin.live.length, 0);
    await there.clock.advance(600_000);
    assert.ok(there.origin.bytesGiven < 2 * 12 * bytesPerSecond + 4 * mebibyte, `${there.origin.bytesGiven} bytes`);
  });

  it('waits for whoever waits', async () => {
    const there = scene();
    (await there.open()).leave();
    await there.watch(160 * mebibyte, 0.5);
    await there.clock.advance(300);
    const seeker = there.view(80 * mebibyte);
    await there.clock.advance(500);
    assert.deepEqual(
      there.origin.live.map(({ offset }) => offset >= 160 * mebibyte),
      [false],
    );
    seeker.leave();
    await there.clock.advance(20_000);
    assert.ok(covers(there, 160 * mebibyte, 10));
  });

  it('is not fetched again and again where there is no room for it', async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ clock, segmentSize: 256 * 1024, maxSize: { bytes: 24 * mebibyte } });
    const there = scene({ clock, store });
    (await there.open()).leave();
    await there.watch(160 * mebibyte, 10);
    const player = there.view();
    await clock.advanceUntil(() => player.bytes >= 80 * mebibyte);
    player.leave();
    await clock.advance(900_000);
    const { bytesGiven, requests } = there.origin;
    assert.ok(bytesGiven < 160 * mebibyte && requests.length < 60, `${bytesGiven} bytes, ${requests.length} requests`);
  });

  const uncompleted: Readonly<
    Record<string, { readonly start: number; readonly seconds: number; readonly scene?: Scene }>
  > = {
    'of an index': { start: boxedIndex, seconds: 3 },
    'at the beginning, by a scan': { start: 0, seconds: 1.5 },
    'by a look that showed nothing': { start: 100 * mebibyte, seconds: 0.15 },
    'where nothing is to be fetched ahead': { start: 100 * mebibyte, seconds: 3, scene: { policy: { fill: 'none' } } },
  };
  for (const [what, { start, seconds, scene: options = {} }] of Object.entries(uncompleted)) {
    it(`is not completed ${what}`, async () => {
      const there = scene(options);
      (await there.open()).leave();
      await there.clock.advance(1000);
      await there.watch(start, seconds);
      const before = there.origin.bytesGiven;
      await there.clock.advance(60_000);
      assert.ok(there.origin.bytesGiven - before <= mebibyte, `${there.origin.bytesGiven - before} bytes`);
    });
  }
});
