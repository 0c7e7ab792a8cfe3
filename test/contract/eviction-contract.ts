/** What every store that is bounded must do about it; each adapter runs it. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { StoreAdmin } from '../../src/store/admin.ts';
import type { Lost, Store, StoreObject } from '../../src/store/store.ts';
import type { StoreEvents } from '../../src/store/store-events.ts';
import {
  assertContent,
  contentAt,
  objectName,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** Four segments of this size fit in. */
const segmentSize = 64 * 1024;
const maxSize = 4 * segmentSize;

interface BoundedOptions {
  readonly segmentSize: number;
  readonly maxSize: { readonly bytes: number };
  readonly clock: VirtualClock;
  readonly events: StoreEvents;
}

type MakeStore = (t: TestContext, options: BoundedOptions) => Promise<Store & StoreAdmin>;

class Bounded {
  readonly clock = new VirtualClock();
  readonly told: string[] = [];
  readonly #t: TestContext;
  readonly #make: MakeStore;
  #store: (Store & StoreAdmin) | null = null;

  constructor(t: TestContext, make: MakeStore) {
    this.#t = t;
    this.#make = make;
  }

  async open(): Promise<Store & StoreAdmin> {
    this.#store = await this.#make(this.#t, {
      segmentSize,
      maxSize: { bytes: maxSize },
      clock: this.clock,
      events: {
        evicted: (reason, { path }) => this.told.push(`${path} for ${reason}`),
        blockLost: () => this.told.push('block lost'),
        bufferWaited: () => 0,
        stateChanged: (trouble) => this.told.push(trouble?.code ?? 'storing'),
        leftover: ({ code }) => this.told.push(`leftover ${code}`),
      },
    });
    return this.#store;
  }

  /** A new object of that many segments, all written and committed, a minute after the one before. */
  async film(title: string, segments: number, lost: Lost = unheard): Promise<StoreObject> {
    assert.ok(this.#store);
    await this.clock.advance(60_000);
    const label = { origin: 'films', path: `/${title}` };
    const length = segments * segmentSize;
    const object = await this.#store.create(objectName(title), representationOf(length), label, lost);
    for (let start = 0; start < length; start += segmentSize) {
      await writeContent(object, { start, end: start + segmentSize }, 16 * 1024);
      await object.commit();
      assert.ok(this.#store.usage().bytes <= maxSize, 'never above its limit');
    }
    return object;
  }
}

export function evictionContract(name: string, makeStore: MakeStore): void {
  function behaviour(fact: string, check: (set: Bounded, store: Store & StoreAdmin) => Promise<void>): void {
    test(fact, async (t) => {
      const set = new Bounded(t, makeStore);
      const store = await set.open();
      await check(set, store);
      await store.close();
    });
  }

  async function segmentsOf(store: Store, title: string): Promise<number> {
    const object = await store.find(objectName(title), unheard);
    const { durable = [] } = object ?? {};
    const bytes = durable.reduce((sum, { start, end }) => sum + end - start, 0);
    for (const range of durable) if (object !== null) await assertContent(object, range);
    await object?.close();
    return bytes / segmentSize;
  }

  describe(`${name} keeps to its limit:`, () => {
    behaviour('what was used least recently goes first, segment by segment', async (set, store) => {
      await (await set.film('old', 2)).close();
      await (await set.film('new', 2)).close();
      assert.deepEqual(store.nextToGo(1)[0]?.label.path, '/old');
      await (await set.film('third', 1)).close();
      assert.equal(await segmentsOf(store, 'old'), 1);
      assert.equal(await segmentsOf(store, 'new'), 2);
      assert.deepEqual(set.told, ['/old for size']);
      assert.equal(store.usage().limit, maxSize);
    });

    behaviour('whole bytes may be fetched ahead of those who read, however many they are', async (set) => {
      const film = await set.film('film', 2);
      for (let readers = 1; readers <= 13; readers += 1) {
        film.attend?.(Array.from({ length: readers }, (_, place) => place));
        const { ahead = 0 } = film;
        assert.ok(Number.isInteger(ahead) && ahead > 0, `${ahead} bytes for ${readers} readers`);
      }
      await film.close();
    });

    behaviour('who has it open is told before, and can write it again', async (set, store) => {
      const gone: ByteRange[] = [];
      const old = await set.film('old', 2, (range) => gone.push(range));
      await (await set.film('new', 3)).close();
      assert.deepEqual(gone, [{ start: segmentSize, end: 2 * segmentSize }]);
      assert.deepEqual(old.durable, [{ start: 0, end: segmentSize }]);
      await writeContent(old, { start: segmentSize, end: 2 * segmentSize });
      await assertContent(old, { start: segmentSize, end: 2 * segmentSize });
      await old.close();
      assert.ok(store.usage().bytes <= maxSize);
    });

    behaviour('a write returns before anybody is told what goes for it', async (set, store) => {
      const gone: ByteRange[] = [];
      const old = await set.film('old', 4, (range) => gone.push(range));
      const label = { origin: 'films', path: '/new' };
      const object = await store.create(objectName('new'), representationOf(1000), label, unheard);
      const written = object.write(0, contentAt(0, 1000));
      assert.deepEqual(gone, []);
      await written;
      assert.deepEqual(gone, [{ start: 3 * segmentSize, end: 4 * segmentSize }]);
      await object.close();
      await old.close();
    });

    behaviour('what is written to a segment while that must go is kept', async (set, store) => {
      const gone: ByteRange[] = [];
      const label = { origin: 'films', path: '/old' };
      const half = segmentSize / 2;
      const old = await store.create(objectName('old'), representationOf(2 * segmentSize), label, (range) =>
        gone.push(range),
      );
      await writeContent(old, { start: 0, end: segmentSize + half });
      await old.commit();
      const object = await set.film('new', 2);
      await writeContent(object, { start: 2 * segmentSize, end: 2 * segmentSize + half });
      // The first of these needs the room of what is there of the segment that the second is for.
      void object.write(2 * segmentSize + half, contentAt(2 * segmentSize + half, 3 * segmentSize));
      void old.write(segmentSize + half, contentAt(segmentSize + half, 2 * segmentSize));
      await set.clock.settle();
      assert.deepEqual(gone[0], { start: segmentSize, end: segmentSize + half });
      await old.commit();
      await assertContent(old, { start: segmentSize + half, end: 2 * segmentSize });
      await object.close();
      await old.close();
    });

    behaviour('what is watched stays, and what is pinned', async (set, store) => {
      const watched = await set.film('watched', 1);
      watched.attend?.([0]);
      await (await set.film('pinned', 1)).close();
      await store.pin(objectName('pinned'), true);
      await (await set.film('other', 6)).close();
      assert.equal(await segmentsOf(store, 'pinned'), 1);
      await assertContent(watched, { start: 0, end: segmentSize });
      await watched.close();
      assert.deepEqual(
        set.told.filter((what) => !what.startsWith('/other')),
        [],
      );
    });

    behaviour('where nothing may go, writes are refused, until something may', async (set, store) => {
      await (await set.film('pinned', 4)).close();
      await store.pin(objectName('pinned'), true);
      const label = { origin: 'films', path: '/new' };
      const object = await store.create(objectName('new'), representationOf(segmentSize), label, unheard);
      assert.throws(() => object.write(0, contentAt(0, 1000)), { name: 'StoreError', code: 'FULL' });
      assert.equal(store.usage().trouble?.code, 'FULL');
      await store.pin(objectName('pinned'), false);
      await set.clock.advance(3000);
      assert.equal(store.usage().trouble, null);
      await writeContent(object, { start: 0, end: segmentSize });
      await object.close();
      assert.equal(await segmentsOf(store, 'new'), 1);
      assert.deepEqual(set.told, ['FULL', 'storing', '/pinned for size']);
    });

    behaviour(
      'a film that is far larger plays through it, and what was just read is still there',
      async ({ clock }, store) => {
        const gone: ByteRange[] = [];
        const length = 40 * segmentSize;
        const label = { origin: 'films', path: '/large' };
        const object = await store.create(objectName('large'), representationOf(length), label, (range) =>
          gone.push(range),
        );
        const step = segmentSize / 4;
        for (let playhead = 0; playhead < length; playhead += step) {
          await clock.advance(100);
          object.attend?.([playhead]);
          await writeContent(object, { start: playhead, end: playhead + step });
          await assertContent(object, { start: Math.max(0, playhead - step), end: playhead + step });
          assert.ok(store.usage().bytes <= maxSize);
          if (playhead % segmentSize === 0) await object.commit();
        }
        assert.ok(gone.length >= 35);
        assert.deepEqual(gone[0], { start: 0, end: segmentSize });
        await object.close();
      },
    );

    behaviour('what comes ahead of nobody does not push out what was just watched', async (set, store) => {
      const watched = await set.film('watched', 4);
      for (let start = 0; start < 4 * segmentSize; start += segmentSize) {
        watched.attend?.([start]);
        await assertContent(watched, { start, end: start + segmentSize });
      }
      await watched.close();
      const label = { origin: 'films', path: '/ahead' };
      const ahead = await store.create(objectName('ahead'), representationOf(segmentSize), label, unheard);
      assert.throws(() => ahead.write(0, contentAt(0, 1000)), { code: 'FULL' });
      await set.clock.advance(1000);
      ahead.attend?.([0]);
      await ahead.write(0, contentAt(0, 1000));
      await ahead.close();
      assert.ok((await segmentsOf(store, 'watched')) < 4);
    });

    behaviour('how far ahead it can hold shrinks with those who read', async (set, store) => {
      const one = await set.film('one', 1);
      one.attend?.([0]);
      const alone = one.ahead ?? Number.NaN;
      assert.ok(alone <= maxSize || alone === 1024 * 1024);
      const other = await set.film('other', 1);
      other.attend?.([0]);
      assert.ok((one.ahead ?? Number.NaN) <= alone);
      await one.close();
      await other.close();
      assert.ok(store.usage().bytes > 0);
    });
  });
}
