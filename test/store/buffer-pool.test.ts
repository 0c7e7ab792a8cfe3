import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BufferPoolOptions, createBufferPool, type Loan } from '../../src/store/disk/buffer-pool.ts';
import { Chance } from '../faults/chance.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function poolOf(buffers: number, options: Partial<BufferPoolOptions> = {}) {
  return createBufferPool({ size: 16, limit: buffers * 16, clock: new VirtualClock(), ...options });
}

test('a buffer given back is lent again', async () => {
  const pool = poolOf(4);
  const loan = await pool.acquire(never);
  assert.equal(loan.buffer.length, 16);
  assert.equal(pool.lent, 1);
  loan.release();
  assert.equal(pool.lent, 0);
  assert.equal((await pool.acquire(never)).buffer, loan.buffer);
});

test('no more than the limit is out, and those who wait are served in order', async () => {
  const pool = poolOf(2, { limit: 39 });
  const first = await pool.acquire(never);
  const second = await pool.acquire(never);
  const served: string[] = [];
  const waiting = ['one', 'two'].map((name) => pool.acquire(never).then(() => served.push(name)));
  await Promise.resolve();
  assert.deepEqual(served, []);
  assert.deepEqual([pool.lent, pool.waiting], [2, 2]);
  first.release();
  await waiting[0];
  assert.deepEqual(served, ['one']);
  second.release();
  await waiting[1];
  assert.deepEqual(served, ['one', 'two']);
  assert.deepEqual([pool.lent, pool.waiting], [2, 0]);
});

test('whoever gives up waiting is told what it waited for, and loses no buffer', async () => {
  const pool = poolOf(1);
  const buffer = await pool.acquire(never);
  const gone = new AbortController();
  const given = pool.acquire(gone.signal);
  const next = pool.acquire(never);
  gone.abort(new Error('gone'));
  await assert.rejects(given, { name: 'StoreError', code: 'ENOBUFS' });
  assert.equal(pool.waiting, 1);
  buffer.release();
  assert.equal((await next).buffer, buffer.buffer);
  await assert.rejects(pool.acquire(gone.signal), { code: 'ENOBUFS' });
  assert.equal(pool.lent, 1);
});

test('a buffer that comes back in the turn in which one gives up is given to the next', async () => {
  const pool = poolOf(1);
  const buffer = await pool.acquire(never);
  const gone = new AbortController();
  const given = pool.acquire(gone.signal);
  const next = pool.acquire(never);
  gone.abort(new Error('gone'));
  buffer.release();
  await assert.rejects(given, { code: 'ENOBUFS' });
  (await next).release();
  assert.equal(pool.lent, 0);
});

test('one buffer is granted under any limit', async () => {
  const pool = poolOf(1, { limit: 1 });
  assert.equal((await pool.acquire(never)).buffer.length, 16);
});

test("a loan that is given back twice, or ceded after that, ends nobody else's loan of the same buffer", async () => {
  const pool = poolOf(1);
  const first = await pool.acquire(never);
  first.release();
  const second = await pool.acquire(never);
  assert.equal(second.buffer, first.buffer);
  first.release();
  first.cede();
  assert.equal(pool.lent, 1);
  assert.equal(pool.acquireSpare(), null);
});

describe('a buffer that was ceded', () => {
  test('counts no longer: whoever waits gets another', async () => {
    const pool = poolOf(1);
    const ceded = await pool.acquire(never);
    const waiting = pool.acquire(never);
    ceded.cede();
    const other = await waiting;
    assert.notEqual(other.buffer, ceded.buffer);
    assert.equal(pool.lent, 1);
    ceded.cede();
    assert.equal(pool.lent, 1, 'once is enough');
  });

  test('is never lent while it is not given back, and then as any other', async () => {
    const pool = poolOf(1);
    const ceded = await pool.acquire(never);
    ceded.cede();
    for (let round = 0; round < 5; round += 1) {
      const loan = await pool.acquire(never);
      assert.notEqual(loan.buffer, ceded.buffer);
      loan.cede();
    }
    ceded.release();
    assert.equal((await pool.acquire(never)).buffer, ceded.buffer);
  });

  test('makes no more buffers than the limit, were a hundred of them to come back', async () => {
    const pool = poolOf(2);
    const ceded: Loan[] = [];
    for (let count = 0; count < 100; count += 1) {
      const loan = await pool.acquire(never);
      loan.cede();
      ceded.push(loan);
    }
    for (const loan of ceded) loan.release();
    const known = new Set(ceded.map(({ buffer }) => buffer));
    const held = [await pool.acquire(never), await pool.acquire(never)];
    for (const { buffer } of held) assert.ok(known.has(buffer), 'they are used again');
    for (const loan of held) loan.cede();
    assert.ok(!known.has((await pool.acquire(never)).buffer), 'two were kept, and the others are garbage');
  });
});

test('who can do without gets a buffer only while half of them are there for those who can not', async () => {
  const pool = poolOf(4);
  const spare = [pool.acquireSpare(), pool.acquireSpare()];
  assert.ok(spare.every((buffer) => buffer !== null));
  assert.equal(pool.acquireSpare(), null);
  await pool.acquire(never);
  await pool.acquire(never);
  assert.equal(pool.lent, 4);
  assert.notEqual(poolOf(1).acquireSpare(), null, 'of one buffer, where nobody needs it');
});

test('each wait is told when it ends, with how and after how long', async () => {
  const clock = new VirtualClock();
  const told: unknown[] = [];
  const pool = poolOf(1, { clock, onWaited: (...wait) => told.push(wait) });
  const buffer = await pool.acquire(never);
  const gone = new AbortController();
  const [left, stayed] = [pool.acquire(gone.signal), pool.acquire(never)];
  await clock.advance(500);
  gone.abort();
  await assert.rejects(left);
  await clock.advance(1000);
  buffer.release();
  await stayed;
  assert.deepEqual(told, [
    ['given up', 500],
    ['given', 1500],
  ]);
  assert.equal(clock.pending, 0);
});

test('whatever is taken, ceded, given up and given back, two never have one buffer, and the count is right', async () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const chance = new Chance(seed);
    const most = chance.between(1, 4);
    const pool = poolOf(most);
    /** Those that are lent, those that were ceded, and those that are over: none of their calls may do anything. */
    const [held, left, over] = [new Set<Loan>(), new Set<Loan>(), new Set<Loan>()];
    const waits: { readonly gone: AbortController; readonly taken: Promise<void> }[] = [];
    const hold = (loan: Loan) => {
      const others = [...held, ...left].map(({ buffer }) => buffer);
      assert.ok(!others.includes(loan.buffer), `seed ${seed}`);
      held.add(loan);
    };
    const moves: readonly (() => void)[] = [
      () => {
        const gone = new AbortController();
        waits.push({ gone, taken: pool.acquire(gone.signal).then(hold, () => {}) });
      },
      () => waits[chance.between(0, Math.max(0, waits.length - 1))]?.gone.abort(),
      () => moveOne(held, over, (loan) => loan.release()),
      () => moveOne(held, left, (loan) => loan.cede()),
      () => moveOne(left, over, (loan) => loan.release()),
      () => moveOne(over, over, (loan) => (chance.is(0.5) ? loan.release() : loan.cede())),
    ];
    for (let step = 0; step < 60; step += 1) {
      // Several in one turn: a waiter that gives up as its buffer comes is in nobody's way.
      for (let move = chance.between(1, 3); move > 0; move -= 1) moves[chance.between(0, moves.length - 1)]?.();
      await new Promise(setImmediate);
      assert.ok(pool.lent <= most, `seed ${seed}`);
      assert.equal(pool.lent, held.size, `seed ${seed}`);
      assert.ok(pool.waiting === 0 || pool.lent === most, `seed ${seed}: somebody waits for what is there`);
    }
    for (const { gone } of waits) gone.abort();
    await Promise.all(waits.map(({ taken }) => taken));
    for (const loan of held) loan.release();
    assert.deepEqual([pool.lent, pool.waiting], [0, 0], `seed ${seed}`);
  }
});

function moveOne(from: Set<Loan>, to: Set<Loan>, act: (loan: Loan) => void): void {
  const [loan] = from;
  if (loan === undefined) return;
  from.delete(loan);
  to.add(loan);
  act(loan);
}
