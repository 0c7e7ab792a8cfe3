import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Waiters } from '../../src/fill/waiters.ts';
import { runs } from '../support/runs.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const never = new AbortController().signal;

/** Whether a promise has settled by now. */
function settled(promise: Promise<unknown>): () => boolean {
  let over = false;
  promise.then(
    () => (over = true),
    () => (over = true),
  );
  return () => over;
}

describe('those who wait', () => {
  it('do not wait for what is there already', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    assert.equal(
      await waiters.wait(
        () => 'here',
        () => 0,
        never,
      ),
      'here',
    );
    assert.deepEqual([waiters.size, clock.pending], [0, 0]);
  });

  it('lose no wake-up, in whatever order looks, changes and wakes fall', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('wait' as const), wants: fc.nat(5), midReply: fc.boolean(), times: fc.nat(12) }),
      fc.record({ do: fc.constant('land' as const), at: fc.nat(5), piece: fc.boolean() }),
      fc.record({ do: fc.constant('turn' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new VirtualClock();
        const waiters = new Waiters(clock);
        const landed = new Set<number>();
        const waits: Array<{ wants: number; over: () => boolean }> = [];
        for (const one of steps) {
          if (one.do === 'turn') {
            await Promise.resolve();
          } else if (one.do === 'land') {
            landed.add(one.at);
            if (one.piece) waiters.received();
            else waiters.wake();
          } else {
            const look = () => (landed.has(one.wants) ? one.wants : null);
            for (let time = 0; time <= one.times; time += 1) {
              waits.push({ wants: one.wants, over: settled(waiters.wait(look, () => 1000, never, one.midReply)) });
            }
          }
        }
        await clock.settle();
        for (const { wants, over } of waits) assert.equal(over(), landed.has(wants), `a wait for ${wants}`);
        assert.equal(waiters.size, waits.filter(({ over }) => !over()).length);
        assert.equal(clock.pending, waiters.size, 'one timer for each that still waits');
        await clock.advance(1000);
        assert.deepEqual([waits.every(({ over }) => over()), waiters.size, clock.pending], [true, 0, 0]);
      }),
      { numRuns: runs(200) },
    );
  });

  it('get nothing when their deadline has passed, and not before', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    const wait = waiters.wait(
      () => null,
      () => 30_000,
      never,
    );
    const over = settled(wait);
    await clock.advance(29_999);
    assert.equal(over(), false);
    await clock.advance(1);
    assert.deepEqual([over(), await wait, waiters.size, clock.pending], [true, null, 0, 0]);
  });

  it('wait on where the deadline has moved away, even if nobody said so', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    let deadline = 10;
    const wait = waiters.wait(
      () => null,
      () => deadline,
      never,
    );
    const over = settled(wait);
    deadline = 1000;
    await clock.advance(999);
    assert.equal(over(), false);
    await clock.advance(1);
    assert.equal(await wait, null);
  });

  it('wait no longer where a wake tells that the deadline has come nearer', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    let deadline = 90_000;
    const wait = waiters.wait(
      () => null,
      () => deadline,
      never,
    );
    const over = settled(wait);
    await clock.advance(1000);
    deadline = 5000;
    waiters.wake();
    await clock.advance(3999);
    assert.equal(over(), false);
    await clock.advance(1);
    assert.deepEqual([await wait, clock.pending], [null, 0]);
  });

  it('get nothing at once where the deadline lies in the past', async () => {
    const clock = new VirtualClock();
    await clock.advance(100);
    const waiters = new Waiters(clock);
    const wait = waiters.wait(
      () => null,
      () => 50,
      never,
    );
    await clock.advance(0);
    assert.equal(await wait, null);
    assert.equal(clock.now(), 100);
  });

  it('prefer what is there to a deadline of the same instant', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    let landed: string | null = null;
    clock.after(100, () => {
      landed = 'in time';
      waiters.wake();
    });
    const wait = waiters.wait(
      () => landed,
      () => 100,
      never,
    );
    await clock.advance(100);
    assert.equal(await wait, 'in time');
  });

  it('leave at once, with the reason, when they are told to', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    const [early, late] = [new AbortController(), new AbortController()];
    early.abort(new Error('gone before'));
    await assert.rejects(
      waiters.wait(
        () => 'here',
        () => 10,
        early.signal,
      ),
      /gone before/,
    );
    const wait = waiters.wait(
      () => null,
      () => 10,
      late.signal,
    );
    late.abort(new Error('gone since'));
    await assert.rejects(wait, /gone since/);
    assert.deepEqual([waiters.size, clock.pending], [0, 0]);
    waiters.wake();
  });

  it('see each change once, all 200 of them, and leave no timer', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    let [looks, landed] = [0, false];
    const waits = Array.from({ length: 200 }, () =>
      waiters.wait(
        () => {
          looks += 1;
          return landed || null;
        },
        () => 30_000,
        never,
      ),
    );
    assert.deepEqual([waiters.size, looks, clock.pending], [200, 200, 200]);
    await clock.advance(10_000);
    assert.equal(looks, 200, 'nobody polls');
    waiters.wake();
    assert.equal(looks, 400);
    landed = true;
    waiters.wake();
    assert.deepEqual([looks, waiters.size, clock.pending], [600, 0, 0]);
    assert.equal((await Promise.all(waits)).length, 200);
    assert.equal(clock.now(), 10_000);
  });

  it('may begin another wait, or end one, while they are woken', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    const second = new AbortController();
    let [landed, begun] = [false, false];
    const inner: Array<Promise<boolean | null>> = [];
    const first = waiters.wait(
      () => {
        if (!landed) return null;
        if (!begun)
          inner.push(
            waiters.wait(
              () => landed || null,
              () => 10,
              never,
            ),
          );
        begun = true;
        second.abort(new Error('not needed'));
        return true;
      },
      () => 10,
      never,
    );
    const other = waiters.wait(
      () => null,
      () => 10,
      second.signal,
    );
    landed = true;
    waiters.wake();
    await assert.rejects(other, /not needed/);
    assert.deepEqual([await first, await inner[0], waiters.size, clock.pending], [true, true, 0, 0]);
  });

  it('look at each piece, but a crowd in mid-reply once at all of a turn', async () => {
    const clock = new VirtualClock();
    const waiters = new Waiters(clock);
    const crowd = 50;
    const looks = { first: 0, next: 0 };
    const wait = (midReply: boolean) => {
      const look = () => {
        looks[midReply ? 'next' : 'first'] += 1;
        return looks.first >= 4 || null;
      };
      return waiters.wait(look, () => 30_000, never, midReply);
    };
    const few = wait(true);
    waiters.received();
    assert.deepEqual(looks, { first: 0, next: 2 });
    const all = [few, wait(false), ...Array.from({ length: crowd - 1 }, () => wait(true))];
    for (let piece = 0; piece < 3; piece += 1) {
      waiters.received();
      await Promise.resolve();
    }
    assert.deepEqual(looks, { first: 4, next: crowd + 1 });
    await clock.settle();
    assert.deepEqual(looks, { first: 4, next: 2 * crowd + 1 });
    assert.ok((await Promise.all(all)).every(Boolean));
  });
});
