import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBufferPool } from '../../src/store/buffer-pool.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

test('a buffer given back is lent again', async () => {
  const pool = createBufferPool({ size: 16, limit: 64, clock: new VirtualClock() });
  const buffer = await pool.take();
  assert.equal(buffer.length, 16);
  assert.equal(pool.lent, 1);
  pool.giveBack(buffer);
  assert.equal(pool.lent, 0);
  assert.equal(await pool.take(), buffer);
});

test('no more than the limit is out, and those who wait are served in order', async () => {
  const pool = createBufferPool({ size: 16, limit: 39, clock: new VirtualClock() });
  const first = await pool.take();
  const second = await pool.take();
  const served: string[] = [];
  const waiting = ['one', 'two'].map((name) => pool.take().then(() => served.push(name)));
  await Promise.resolve();
  assert.deepEqual(served, []);
  assert.equal(pool.lent, 2);
  pool.giveBack(first);
  await waiting[0];
  assert.deepEqual(served, ['one']);
  pool.giveBack(second);
  await waiting[1];
  assert.deepEqual(served, ['one', 'two']);
  assert.equal(pool.lent, 2);
});

test('whoever gives up waiting loses no buffer', async () => {
  const pool = createBufferPool({ size: 16, limit: 16, clock: new VirtualClock() });
  const buffer = await pool.take();
  const gone = new AbortController();
  const given = pool.take(gone.signal);
  const next = pool.take();
  gone.abort(new Error('gone'));
  await assert.rejects(given, { message: 'gone' });
  pool.giveBack(buffer);
  assert.equal(await next, buffer);
  await assert.rejects(pool.take(gone.signal), { message: 'gone' });
});

test('one buffer is granted under any limit', async () => {
  const pool = createBufferPool({ size: 16, limit: 1, clock: new VirtualClock() });
  assert.equal((await pool.take()).length, 16);
});

test('while anybody waits it says so, at once and each second', async () => {
  const clock = new VirtualClock();
  let complaints = 0;
  const onStarved = () => {
    complaints += 1;
  };
  const pool = createBufferPool({ size: 16, limit: 16, clock, onStarved });
  const buffer = await pool.take();
  assert.equal(complaints, 0);
  const waiting = pool.take();
  assert.equal(complaints, 1);
  await clock.advance(2500);
  assert.equal(complaints, 3);
  pool.giveBack(buffer);
  await waiting;
  await clock.advance(5000);
  assert.equal(complaints, 3);
  assert.equal(clock.pending, 0);
});
