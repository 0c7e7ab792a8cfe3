/** A read gives its turn and its buffer back, in whatever way it ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBufferPool } from '../../src/store/disk/buffer-pool.ts';
import { DiskReads } from '../../src/store/disk/disk-reads.ts';
import { StoreError } from '../../src/store/store.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** More than run at once. */
const crowd = 20;

function stage(buffers: number) {
  const pool = createBufferPool({ size: 1, limit: buffers, clock: new VirtualClock() });
  return { pool, reads: new DiskReads(pool) };
}

const whole = async (buffer: Buffer) => buffer;

describe('a read from disk', () => {
  it('that got no buffer in time keeps nobody from reading', async () => {
    const { pool, reads } = stage(1);
    const lent = await pool.acquire(never);
    for (let count = 0; count < crowd; count += 1) {
      const stop = new AbortController();
      const read = reads.read(whole, stop.signal);
      await new Promise(setImmediate);
      stop.abort(new Error('late'));
      await assert.rejects(read, { code: 'ENOBUFS' });
    }
    lent.release();
    (await reads.read(whole, never)).release();
    assert.equal(pool.lent, 0);
  });

  it('that finds no buffer to spare keeps nobody from reading', async () => {
    const { pool, reads } = stage(2);
    const lent = await pool.acquire(never);
    for (let count = 0; count < crowd; count += 1) assert.equal(reads.readSpare(whole, never), null);
    lent.release();
    const slice = await reads.readSpare(whole, never);
    slice?.release();
    assert.deepEqual([slice?.bytes.length, pool.lent], [1, 0]);
  });

  it('that fails, or is left while it runs, gives back what it has as soon as it has ended', async () => {
    const { pool, reads } = stage(1);
    for (let count = 0; count < crowd; count += 1) {
      const failed = reads.read(() => Promise.reject(new StoreError('EIO', 'No.')), never);
      await assert.rejects(failed, { code: 'EIO' });
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = new AbortController();
      const left = reads.read((buffer) => promise.then(() => buffer), stop.signal);
      await new Promise(setImmediate);
      stop.abort(new Error('gone'));
      await assert.rejects(left, StoreError);
      assert.equal(pool.lent, 1, 'the system may still write into it');
      resolve();
      await new Promise(setImmediate);
      assert.equal(pool.lent, 0);
    }
    (await reads.read(whole, never)).release();
  });
});
