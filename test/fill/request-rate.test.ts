import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionSlots, type Slot, type Urgency } from '../../src/fill/connection-slots.ts';
import { RequestRate } from '../../src/fill/request-rate.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const never = new AbortController().signal;

function slotsOf(rate: number, limit = 100) {
  const clock = new VirtualClock();
  const slots = new ConnectionSlots(limit, 1000, new RequestRate(rate, clock));
  const granted: Array<{ name: string; at: number; slot: Slot }> = [];
  const ask = (name: string, urgency: Urgency = 'waited for', signal = never) => {
    slots.acquire({ urgency: () => urgency }, signal).then(
      (slot) => granted.push({ name, at: clock.now(), slot }),
      () => {},
    );
  };
  return { clock, slots, granted, ask };
}

describe('requests a second', () => {
  it('come at once for one second, then one after another', async () => {
    const { clock, granted, ask } = slotsOf(4);
    for (let count = 0; count < 10; count += 1) ask(`${count}`);
    await clock.settle();
    assert.equal(granted.length, 4);
    await clock.advance(1500);
    assert.deepEqual(
      granted.map(({ at }) => at),
      [0, 0, 0, 0, 250, 500, 750, 1000, 1250, 1500],
    );
  });

  it('are more or fewer as soon as their rate changes', async () => {
    const { clock, slots, granted, ask } = slotsOf(1);
    for (let count = 0; count < 20; count += 1) ask(`${count}`);
    await clock.advance(1000);
    assert.equal(granted.length, 2);
    slots.rate = new RequestRate(4, clock);
    await clock.advance(1000);
    assert.equal(granted.length, 2 + 4 + 4);
    slots.rate = null;
    await clock.settle();
    assert.equal(granted.length, 20);
  });

  it('are saved up for one second, not longer', async () => {
    const { clock, granted, ask } = slotsOf(4);
    await clock.advance(3_600_000);
    for (let count = 0; count < 6; count += 1) ask(`${count}`);
    await clock.settle();
    assert.equal(granted.length, 4);
    await clock.advance(500);
    assert.equal(granted.length, 6);
  });

  it('go to a waiting reader before read-ahead, and read-ahead before background work', async () => {
    const { clock, granted, ask } = slotsOf(1);
    ask('first');
    ask('background', 'background');
    ask('ahead', 'ahead');
    ask('reader');
    await clock.advance(5000);
    assert.deepEqual(
      granted.map(({ name, at }) => [name, at]),
      [
        ['first', 0],
        ['reader', 1000],
        ['ahead', 2000],
        ['background', 3000],
      ],
    );
  });

  it('do not make a connection contended while one is free', async () => {
    const { clock, slots, ask } = slotsOf(1, 2);
    ask('holder');
    ask('reader');
    await clock.settle();
    assert.deepEqual([slots.used, slots.queued, slots.contention], [1, 1, null]);
    await clock.advance(1000);
    ask('third');
    await clock.settle();
    assert.deepEqual([slots.used, slots.queued, slots.contention], [2, 1, 'waited for']);
  });

  it('count over a connection that is held, and leave the next to who queues for it', async () => {
    const { clock, slots, ask, granted } = slotsOf(2);
    ask('holder');
    await clock.settle();
    assert.deepEqual([slots.spend(), slots.spend()], [true, false]);
    ask('reader');
    await clock.advance(499);
    assert.equal(slots.spend(), false);
    await clock.advance(1);
    assert.deepEqual([granted.length, slots.spend()], [2, false]);
  });

  it('leave no timer behind when those who queue have gone', async () => {
    const { clock, slots, ask } = slotsOf(1);
    ask('first');
    const gone = new AbortController();
    ask('second', 'waited for', gone.signal);
    await clock.settle();
    assert.equal(clock.pending, 1);
    gone.abort(new Error('gone'));
    await clock.settle();
    assert.deepEqual([clock.pending, slots.queued], [0, 0]);
  });
});
