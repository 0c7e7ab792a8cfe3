import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BufferPoolOptions, createBufferPool } from '../../src/store/buffer-pool.ts';
import { Chance } from '../faults/chance.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function poolOf(buffers: number, options: Partial<BufferPoolOptions> = {}) {
  return createBufferPool({ size: 16, limit: buffers * 16, clock: new VirtualClock(), ...options });
}

test('a buffer given back is lent again', async () => {
  const pool = poolOf(4);
  const buffer = await pool.take(never);
  assert.equal(buffer.length, 16);
  assert.equal(pool.lent, 1);
  pool.giveBack(buffer);
  assert.equal(pool.lent, 0);
  assert.equal(await pool.take(never), buffer);
});

test('no more than the limit is out, and those who wait are served in order', async () => {
  const pool = poolOf(2, { limit: 39 });
  const first = await pool.take(never);
  const second = await pool.take(never);
  const served: string[] = [];
  const waiting = ['one', 'two'].map((name) => pool.take(never).then(() => served.push(name)));
  await Promise.resolve();
  assert.deepEqual(served, []);
  assert.deepEqual([pool.lent, pool.waiting], [2, 2]);
  pool.giveBack(first);
  await waiting[0];
  assert.deepEqual(served, ['one']);
  pool.giveBack(second);
  await waiting[1];
  assert.deepEqual(served, ['one', 'two']);
  assert.deepEqual([pool.lent, pool.waiting], [2, 0]);
});

test('whoever gives up waiting is told what it waited for, and loses no buffer', async () => {
  const pool = poolOf(1);
  const buffer = await pool.take(never);
  const gone = new AbortController();
  const given = pool.take(gone.signal);
  const next = pool.take(never);
  gone.abort(new Error('gone'));
  await assert.rejects(given, { name: 'StoreError', code: 'ENOBUFS' });
  assert.equal(pool.waiting, 1);
  pool.giveBack(buffer);
  assert.equal(await next, buffer);
  await assert.rejects(pool.take(gone.signal), { code: 'ENOBUFS' });
  assert.equal(pool.lent, 1);
});

test('a buffer that comes back in the turn in which one gives up is given to the next', async () => {
  const pool = poolOf(1);
  const buffer = await pool.take(never);
  const gone = new AbortController();
  const given = pool.take(gone.signal);
  const next = pool.take(never);
  gone.abort(new Error('gone'));
  pool.giveBack(buffer);
  await assert.rejects(given, { code: 'ENOBUFS' });
  pool.giveBack(await next);
  assert.equal(pool.lent, 0);
});

test('one buffer is granted under any limit', async () => {
  const pool = poolOf(1, { limit: 1 });
  assert.equal((await pool.take(never)).length, 16);
});

test('a buffer that is given back twice is lent once', async () => {
  const pool = poolOf(2);
  const buffer = await pool.take(never);
  pool.giveBack(buffer);
  pool.giveBack(buffer);
  assert.equal(pool.lent, 0);
  const [one, other] = [await pool.take(never), await pool.take(never)];
  assert.notEqual(one, other);
});

describe('a buffer that was ceded', () => {
  test('counts no longer: whoever waits gets another', async () => {
    const pool = poolOf(1);
    const ceded = await pool.take(never);
    const waiting = pool.take(never);
    pool.cede(ceded);
    const other = await waiting;
    assert.notEqual(other, ceded);
    assert.equal(pool.lent, 1);
    pool.cede(ceded);
    assert.equal(pool.lent, 1, 'once is enough');
  });

  test('is never lent while it is not given back, and then as any other', async () => {
    const pool = poolOf(1);
    const ceded = await pool.take(never);
    pool.cede(ceded);
    for (let round = 0; round < 5; round += 1) {
      const buffer = await pool.take(never);
      assert.notEqual(buffer, ceded);
      pool.cede(buffer);
    }
    pool.giveBack(ceded);
    assert.equal(await pool.take(never), ceded);
  });

  test('makes no more buffers than the limit, were a hundred of them to come back', async () => {
    const pool = poolOf(2);
    const ceded: Buffer[] = [];
    for (let count = 0; count < 100; count += 1) {
      const buffer = await pool.take(never);
      pool.cede(buffer);
      ceded.push(buffer);
    }
    for (const buffer of ceded) pool.giveBack(buffer);
    const held = [await pool.take(never), await pool.take(never)];
    assert.ok(
      held.every((buffer) => ceded.includes(buffer)),
      'they are used again',
    );
    for (const buffer of held) pool.cede(buffer);
    assert.ok(!ceded.includes(await pool.take(never)), 'two were kept, and the others are garbage');
  });
});

test('who can do without gets a buffer only while half of them are there for those who can not', async () => {
  const pool = poolOf(4);
  const spare = [pool.takeSpare(), pool.takeSpare()];
  assert.ok(spare.every((buffer) => buffer !== null));
  assert.equal(pool.takeSpare(), null);
  await pool.take(never);
  await pool.take(never);
  assert.equal(pool.lent, 4);
  assert.notEqual(poolOf(1).takeSpare(), null, 'of one buffer, where nobody needs it');
});

test('each wait is told when it ends, with how and after how long', async () => {
  const clock = new VirtualClock();
  const told: unknown[] = [];
  const pool = poolOf(1, { clock, onWaited: (...wait) => told.push(wait) });
  const buffer = await pool.take(never);
  const gone = new AbortController();
  const [left, stayed] = [pool.take(gone.signal), pool.take(never)];
  await clock.advance(500);
  gone.abort();
  await assert.rejects(left);
  await clock.advance(1000);
  pool.giveBack(buffer);
  await stayed;
  assert.deepEqual(told, [
    ['given up', 500],
    ['given', 1500],
  ]);
  assert.equal(clock.pending, 0);
});

test('whatever is taken, ceded, given up and given back, two never have one buffer, and the count is right', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const chance = new Chance(seed);
    const most = chance.between(1, 4);
    const pool = poolOf(most);
    const held = new Set<Buffer>();
    const left = new Set<Buffer>();
    const waits: { readonly gone: AbortController; readonly taken: Promise<void> }[] = [];
    const hold = (buffer: Buffer) => {
      assert.ok(!held.has(buffer) && !left.has(buffer), `seed ${seed}`);
      held.add(buffer);
    };
    for (let step = 0; step < 60; step += 1) {
      const [first] = held;
      const [one] = left;
      const what = chance.between(0, 5);
      if (what <= 1) {
        const gone = new AbortController();
        waits.push({ gone, taken: pool.take(gone.signal).then(hold, () => {}) });
      } else if (what === 2) {
        waits[chance.between(0, Math.max(0, waits.length - 1))]?.gone.abort();
      } else if (what === 3 && first !== undefined) {
        held.delete(first);
        pool.giveBack(first);
      } else if (what === 4 && first !== undefined) {
        held.delete(first);
        left.add(first);
        pool.cede(first);
      } else if (one !== undefined) {
        left.delete(one);
        pool.giveBack(one);
      }
      await new Promise(setImmediate);
      assert.ok(pool.lent <= most, `seed ${seed}`);
      assert.equal(pool.lent, held.size, `seed ${seed}`);
    }
    for (const { gone } of waits) gone.abort();
    await Promise.all(waits.map(({ taken }) => taken));
    for (const buffer of held) pool.giveBack(buffer);
    assert.deepEqual([pool.lent, pool.waiting], [0, 0], `seed ${seed}`);
  }
});
