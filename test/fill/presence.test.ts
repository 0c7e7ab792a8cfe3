import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Presence, type Taken } from '../../src/fill/presence.ts';
import { readUnit } from '../../src/fill/read-unit.ts';
import type { Representation } from '../../src/http/representation.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { type Slice, StoreError, type StoreObject } from '../../src/store/store.ts';
import { film } from '../support/film.ts';
import { never } from '../support/never.ts';

const movie = film(2_000_000);
const described: Representation = { length: movie.size, validator: null, fields: [], validatedAt: 0, ranges: true };
const label = { origin: 'films', path: '/film.mp4' };
const unheard = () => {};
const object = () => createMemoryStore().create('a'.repeat(64), described, label, unheard);

async function check(taken: Taken | null, start: number, end: number): Promise<void> {
  assert.ok(taken !== null, `nothing at ${start}`);
  const slice = await taken.slice;
  movie.assertBytes(start, slice.bytes);
  assert.deepEqual([taken.start, taken.start + slice.bytes.length], [start, end]);
  slice.release();
}

/** An object whose medium fails at the write of that number, from 1: at once, or by the promise of a write. */
function failing(inner: StoreObject, at: number, how: 'throws' | 'rejects'): StoreObject {
  let writes = 0;
  const error = new StoreError('ENOSPC', 'The disk is full.');
  return {
    name: inner.name,
    durable: inner.durable,
    representation: inner.representation,
    ahead: inner.ahead ?? Number.POSITIVE_INFINITY,
    write(offset, bytes) {
      writes += 1;
      if (writes < at) return inner.write(offset, bytes);
      if (how === 'throws') throw error;
      inner.write(offset, bytes);
      return Promise.reject(error);
    },
    read: (...given) => inner.read(...given),
    attend: (playheads) => inner.attend?.(playheads),
    describe: (representation) => inner.describe(representation),
    commit: () => inner.commit(),
    close: () => inner.close(),
  };
}

describe('the bytes of a fill', () => {
  it('are read on when their object has been let go of, which is asked for nothing else', async () => {
    const inner = await object();
    const calls: string[] = [];
    const told = new Proxy(inner, {
      get(_, name) {
        const member: unknown = Reflect.get(inner, name);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => {
          calls.push(String(name));
          return Reflect.apply(member, inner, given);
        };
      },
    });
    const bytes = new Presence(null);
    bytes.writeTo(told);
    bytes.write(0, movie.bytesAt(0, 100));
    calls.length = 0;
    await bytes.close();
    bytes.write(100, movie.bytesAt(100, 200));
    bytes.attend([50]);
    bytes.leaveAt(50);
    bytes.describe(described);
    await bytes.commit();
    await bytes.close();
    assert.deepEqual(calls, ['close']);
    await check(bytes.take(0, 100, never), 0, 100);
    await check(bytes.take(100, 200, never), 100, 200);
  });

  it('are present as soon as they are written, one by one', async () => {
    const bytes = new Presence(null);
    bytes.writeTo(await object());
    for (let at = 0; at < 5; at += 1) {
      assert.equal(bytes.take(at, 100, never), null);
      bytes.write(at, movie.bytesAt(at, at + 1));
      await check(bytes.take(at, 100, never), at, at + 1);
    }
    assert.deepEqual([...bytes.present], [{ start: 0, end: 5 }]);
  });

  it('begin with what was durable', async () => {
    const store = createMemoryStore();
    const first = await store.create('a'.repeat(64), described, label, unheard);
    first.write(100, movie.bytesAt(100, 300));
    await first.close();
    const bytes = new Presence(await store.find('a'.repeat(64), unheard));
    assert.deepEqual([...bytes.present], [{ start: 100, end: 300 }]);
    await check(bytes.take(150, 250, never), 150, 250);
  });

  it('are written once where they come twice', async () => {
    const inner = await object();
    const writes: Array<[number, number]> = [];
    const bytes = new Presence(null);
    bytes.writeTo({
      ...failing(inner, Number.POSITIVE_INFINITY, 'throws'),
      write: (offset, given) => {
        writes.push([offset, given.length]);
        return inner.write(offset, given);
      },
    });
    bytes.write(10, movie.bytesAt(10, 20));
    bytes.write(30, movie.bytesAt(30, 40));
    bytes.write(0, movie.bytesAt(0, 50));
    bytes.write(0, movie.bytesAt(0, 50));
    assert.deepEqual(writes, [
      [10, 10],
      [30, 10],
      [0, 10],
      [20, 10],
      [40, 10],
    ]);
    assert.deepEqual([...bytes.present], [{ start: 0, end: 50 }]);
  });

  it('are given up to the end of a unit at most', async () => {
    const bytes = new Presence(null);
    bytes.writeTo(await object());
    bytes.write(0, movie.bytesAt(0, 1_000_000));
    await check(bytes.take(0, 2_000_000, never), 0, readUnit);
    await check(bytes.take(readUnit - 1, 2_000_000, never), readUnit - 1, readUnit);
    await check(bytes.take(readUnit, 2_000_000, never), readUnit, 2 * readUnit);
    await check(bytes.take(999_990, 2_000_000, never), 999_990, 1_000_000);
  });

  for (const how of ['throws', 'rejects'] as const) {
    it(`are played on where the store ${how} in the middle, and those before stay`, async () => {
      const bytes = new Presence(null);
      bytes.writeTo(failing(await object(), 3, how));
      for (let at = 0; at < 50; at += 10) await bytes.write(at, movie.bytesAt(at, at + 10));
      assert.equal(bytes.passing, how === 'throws');
      for (let at = 0; at < 50; at += 10) await check(bytes.take(at, at + 10, never), at, at + 10);
    });
  }

  it('pass in bounded memory where nothing is stored, and are missing again when they are gone', async () => {
    const bytes = new Presence(null);
    bytes.writeTo(null);
    for (let at = 0; at < 3_000_000 && at < movie.size; at += 100_000) bytes.write(at, movie.bytesAt(at, at + 100_000));
    assert.equal(bytes.passing, true);
    bytes.write(5_000_000, Buffer.alloc(1_000_000));
    assert.equal(bytes.present.has(0), false);
    assert.equal(bytes.take(0, 100, never), null);
    assert.ok(bytes.present.size <= 2 * 1024 * 1024);
    assert.equal(bytes.take(1_999_990, 2_000_000, never)?.source, 'pass-through');
  });

  it('can be lost, and written again', async () => {
    const bytes = new Presence(null);
    bytes.writeTo(await object());
    bytes.write(0, movie.bytesAt(0, 100));
    bytes.lose({ start: 40, end: 60 });
    assert.deepEqual(
      [...bytes.present],
      [
        { start: 0, end: 40 },
        { start: 60, end: 100 },
      ],
    );
    assert.equal(bytes.take(40, 100, never), null);
  });

  it('survive a store that cannot make them durable', async () => {
    const inner = await object();
    const broken = () => Promise.reject(new StoreError('EIO', 'The disk is broken.'));
    const bytes = new Presence(null);
    bytes.writeTo({ ...failing(inner, Number.POSITIVE_INFINITY, 'throws'), commit: broken, close: broken });
    bytes.write(0, movie.bytesAt(0, 100));
    await bytes.commit();
    await check(bytes.take(0, 100, never), 0, 100);
    await bytes.close();
  });
});

describe('what is looked at is given back', () => {
  /** An object of the film whose slices are counted. */
  async function counted() {
    const inner = await object();
    inner.write(0, movie.bytesAt(0, 600_000));
    await inner.commit();
    const lent = { now: 0, ever: 0 };
    const read = (...given: Parameters<StoreObject['read']>) => {
      const slice = inner.read(...given) as Slice;
      lent.now += 1;
      lent.ever += 1;
      const release = () => {
        lent.now -= 1;
      };
      return Promise.resolve({ bytes: slice.bytes, release, cede: release });
    };
    const watched: StoreObject = {
      name: inner.name,
      durable: inner.durable,
      representation: inner.representation,
      ahead: inner.ahead ?? Number.POSITIVE_INFINITY,
      write: (...given) => inner.write(...given),
      read,
      readAhead: read,
      attend: (playheads) => inner.attend?.(playheads),
      describe: (representation) => inner.describe(representation),
      commit: () => inner.commit(),
      close: () => inner.close(),
    };
    return { bytes: new Presence(watched), lent };
  }

  it('where it is compared, the same or not', async () => {
    const { bytes, lent } = await counted();
    assert.equal(await bytes.compare(0, movie.bytesAt(0, 600_000), never), 'same');
    assert.equal(await bytes.compare(0, movie.bytesAt(1, 1000), never), 'other');
    assert.deepEqual([lent.now, lent.ever >= 4], [0, true]);
  });

  it('where it is the beginning', async () => {
    const { bytes, lent } = await counted();
    assert.equal((await bytes.beginning(100, never))?.length, 100);
    assert.deepEqual([lent.now, lent.ever], [0, 1]);
  });
});
