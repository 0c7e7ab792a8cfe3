import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ConnectionSlots, type Slot, type Urgency } from '../../src/fill/connection-slots.ts';
import { runs } from '../support/runs.ts';

const never = new AbortController().signal;
const waited = (): Urgency => 'waited for';
const ahead = (): Urgency => 'ahead';
const background = (): Urgency => 'background';

/** The names of those who got a slot, in order. */
function queueOf(slots: ConnectionSlots) {
  const granted: string[] = [];
  const held = new Map<string, Slot>();
  const ask = (name: string, urgency: () => Urgency = waited, signal: AbortSignal = never) =>
    slots.acquire({ urgency }, signal).then((slot) => {
      granted.push(name);
      held.set(name, slot);
    });
  return { granted, ask, give: (name: string) => held.get(name)?.release() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("an origin's connections", () => {
  it('are given at once up to the limit, then in order of coming', async () => {
    const slots = new ConnectionSlots(2, 10);
    const { ask, give, granted } = queueOf(slots);
    for (const name of ['a', 'b', 'c', 'd']) void ask(name);
    await turn();
    assert.deepEqual([granted, slots.used, slots.queued], [['a', 'b'], 2, 2]);
    give('b');
    await turn();
    assert.deepEqual([granted, slots.used, slots.queued], [['a', 'b', 'c'], 2, 1]);
    give('a');
    give('c');
    await turn();
    give('d');
    assert.deepEqual([granted, slots.used, slots.queued], [['a', 'b', 'c', 'd'], 0, 0]);
  });

  it('are more or fewer as soon as the limit changes, and nobody loses one', async () => {
    const slots = new ConnectionSlots(1, 10);
    const { ask, give, granted } = queueOf(slots);
    for (const name of ['a', 'b', 'c', 'd']) void ask(name);
    await turn();
    slots.allowed = 3;
    await turn();
    assert.deepEqual([granted, slots.used, slots.queued], [['a', 'b', 'c'], 3, 1]);
    slots.allowed = 1;
    give('a');
    give('b');
    await turn();
    assert.deepEqual([slots.used, slots.queued], [1, 1]);
    give('c');
    await turn();
    assert.deepEqual([granted.at(-1), slots.used, slots.queued], ['d', 1, 0]);
  });

  it('that come to somebody in the turn in which he leaves take nobody else out of the queue', async () => {
    const slots = new ConnectionSlots(1, 10);
    const { ask, give, granted } = queueOf(slots);
    const leaving = new AbortController();
    void ask('a');
    const left = ask('b', waited, leaving.signal).catch(() => {});
    void ask('c');
    await turn();
    give('a');
    leaving.abort(new Error('left'));
    await left;
    give('b');
    await turn();
    assert.deepEqual([granted.at(-1), slots.used, slots.queued], ['c', 1, 0]);
  });

  it('go to a waiting reader before read-ahead, and to read-ahead before background work', async () => {
    const slots = new ConnectionSlots(1, 10);
    const { ask, give, granted } = queueOf(slots);
    void ask('holder');
    void ask('background', background);
    void ask('read-ahead', ahead);
    void ask('first reader');
    void ask('second reader');
    const order = ['holder', 'first reader', 'second reader', 'read-ahead', 'background'];
    for (const name of order) {
      await turn();
      give(name);
    }
    assert.deepEqual(granted, order);
  });

  it('are contended for what the most urgent in the queue wants', async () => {
    const slots = new ConnectionSlots(1, 10);
    const { ask } = queueOf(slots);
    void ask('holder');
    assert.equal(slots.contention, null);
    let wants: Urgency = 'background';
    void ask('other', () => wants);
    assert.equal(slots.contention, 'background');
    wants = 'waited for';
    assert.equal(slots.contention, 'waited for');
  });

  it('tell those who hold them that a waiting reader needs one, and not that read-ahead does', async () => {
    const slots = new ConnectionSlots(1, 10);
    let told = 0;
    const holder = await slots.acquire({ urgency: ahead, contended: () => (told += 1) }, never);
    const { ask, granted } = queueOf(slots);
    void ask('read-ahead', ahead);
    assert.equal(told, 0);
    void ask('reader');
    assert.equal(told, 1);
    holder.release();
    await turn();
    assert.deepEqual(granted, ['reader']);
  });

  it('refuse who comes when the queue is full, with the setting that says so', async () => {
    for (const most of [0, 2]) {
      const slots = new ConnectionSlots(1, most);
      const { ask } = queueOf(slots);
      void ask('holder');
      for (let count = 0; count < most; count += 1) void ask(`${count}`);
      await assert.rejects(ask('one too many'), {
        type: 'connection_limit_reached',
        status: 503,
        setting: 'maxQueued',
        retryAfter: 5,
      });
      assert.equal(slots.queued, most);
    }
  });

  it('refuse no reader for the sake of work that would come after it', async () => {
    const slots = new ConnectionSlots(1, 2);
    const { ask, give, granted } = queueOf(slots);
    void ask('holder');
    void ask('warm', background);
    void ask('read-ahead', ahead);
    await assert.rejects(ask('more of it', background), { setting: 'maxQueued' });
    void ask('reader');
    void ask('another');
    await assert.rejects(ask('one too many'), { setting: 'maxQueued' });
    give('holder');
    await turn();
    assert.deepEqual(granted, ['holder', 'reader']);
  });

  it('forget who leaves the queue', async () => {
    const slots = new ConnectionSlots(1, 1);
    const { ask, give, granted } = queueOf(slots);
    void ask('holder');
    const gone = new AbortController();
    const waiting = ask('gone', waited, gone.signal);
    gone.abort(new Error('the reader has left'));
    await assert.rejects(waiting, /the reader has left/);
    await assert.rejects(slots.acquire({ urgency: waited }, gone.signal), /the reader has left/);
    void ask('next');
    give('holder');
    await turn();
    assert.deepEqual([granted, slots.used], [['holder', 'next'], 1]);
  });

  it('come back once, however often they are given back', async () => {
    const slots = new ConnectionSlots(1, 10);
    const slot = await slots.acquire({ urgency: waited }, never);
    slot.release();
    slot.release();
    assert.equal(slots.used, 0);
  });

  it('are never more than the limit, and never idle while somebody queues', async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('ask' as const),
        urgency: fc.constantFrom<Urgency>('background', 'ahead', 'waited for'),
      }),
      fc.record({ do: fc.constant('give' as const), which: fc.nat(50) }),
      fc.record({ do: fc.constant('leave' as const), which: fc.nat(50) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), async (limit, steps) => {
        const slots = new ConnectionSlots(limit, 1000);
        const held: Slot[] = [];
        const asked: Array<{ leave: AbortController; over: boolean }> = [];
        for (const one of steps) {
          if (one.do === 'ask') {
            const entry = { leave: new AbortController(), over: false };
            asked.push(entry);
            slots
              .acquire({ urgency: () => one.urgency }, entry.leave.signal)
              .then(
                (slot) => held.push(slot),
                () => {},
              )
              .finally(() => (entry.over = true));
          } else if (one.do === 'give') {
            held.splice(one.which % Math.max(1, held.length), 1)[0]?.release();
          } else {
            const entry = asked[one.which % Math.max(1, asked.length)];
            entry?.leave.abort(new Error('left'));
          }
          await turn();
          assert.equal(held.length, slots.used);
          assert.ok(slots.used <= limit);
          assert.ok(slots.queued === 0 || slots.used === limit);
          assert.equal(slots.queued, asked.filter(({ over }) => !over).length);
        }
      }),
      { numRuns: runs(60) },
    );
  });
});

describe('the way to an origin', () => {
  it('is long where no connection came about quickly, of the last ones', () => {
    const slots = new ConnectionSlots(20, 10);
    assert.equal(slots.isFar, false);
    slots.connectedIn(600);
    assert.ok(slots.isFar);
    // The first one was delayed by something else.
    slots.connectedIn(15);
    assert.equal(slots.isFar, false);
    // A line that is full delays dozens of them in a row.
    for (let connection = 0; connection < 50; connection += 1) slots.connectedIn(120);
    assert.equal(slots.isFar, false);
    for (let connection = 0; connection < 50; connection += 1) slots.connectedIn(120);
    assert.ok(slots.isFar);
  });

  it('asks, where it is long, for as many connections in advance as begin together, and never more than are free', () => {
    const slots = new ConnectionSlots(20, 10);
    assert.equal(slots.spares({ together: 16, fetches: 1 }), 1);
    assert.equal(slots.spares({ together: 16, fetches: 4 }), 4);
    slots.connectedIn(600);
    assert.equal(slots.spares({ together: 16, fetches: 4 }), 16);
    const few = new ConnectionSlots(3, 10);
    few.connectedIn(600);
    few.acquireNow({ urgency: () => 'waited for' });
    assert.equal(few.spares({ together: 16, fetches: 1 }), 2);
  });
});
