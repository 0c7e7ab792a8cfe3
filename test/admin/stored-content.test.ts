import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { storedContent } from '../../src/admin/stored-content.ts';
import { type Slice, type Store, StoreError } from '../../src/store/store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** A store of one object of ten bytes, which gives two at a time; it counts what it has lent. */
function stage(durable = 10, hangs = false) {
  const clock = new VirtualClock();
  const lent = { slices: 0, objects: 0, closed: 0 };
  const signals: AbortSignal[] = [];
  const read = ({ start }: { start: number }, signal: AbortSignal): Slice | Promise<Slice> => {
    signals.push(signal);
    if (hangs) {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new StoreError('ETIMEDOUT', 'nothing came')), { once: true });
      });
    }
    lent.slices += 1;
    const release = () => {
      lent.slices -= 1;
    };
    return { bytes: Buffer.from([start, start + 1]), release, cede: release };
  };
  const find = async () => {
    lent.objects += 1;
    const close = async () => {
      lent.objects -= 1;
      lent.closed += 1;
    };
    return { representation: { length: 10 }, durable: [{ start: 0, end: durable }], read, close };
  };
  const store = { find } as unknown as Store;
  return { clock, lent, signals, open: () => storedContent(store, 'a'.repeat(64), clock) };
}

describe('the content of a stored object', () => {
  test('comes piece by piece, and nothing of it stays lent', async () => {
    const { clock, lent, open } = stage();
    const content = await open();
    assert.ok(content !== null);
    const pieces: number[] = [];
    for (let bytes = await content.next(); bytes !== null; bytes = await content.next()) pieces.push(...bytes);
    assert.deepEqual(pieces, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual([lent.slices, lent.objects, clock.pending], [0, 1, 0]);
    await content.close();
    await content.close();
    assert.deepEqual([lent.objects, lent.closed], [0, 1], 'once is enough');
  });

  test('of which a part is missing is not given, and not held open', async () => {
    const { lent, open } = stage(9);
    assert.equal(await open(), null);
    assert.equal(lent.objects, 0);
  });

  test('that does not come within half a minute fails', async () => {
    const { clock, open } = stage(10, true);
    const content = await open();
    const next = content?.next();
    const failed = assert.rejects(async () => next, { name: 'StoreError' });
    await clock.advance(30_000);
    await failed;
    assert.equal(clock.pending, 0);
  });

  test('that is closed while it is read ends the read', async () => {
    const { clock, lent, signals, open } = stage(10, true);
    const content = await open();
    const failed = assert.rejects(async () => content?.next(), { name: 'StoreError' });
    await clock.settle();
    await content?.close();
    await failed;
    assert.deepEqual([lent.objects, clock.pending], [0, 0]);
    for (const signal of signals) assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
});
