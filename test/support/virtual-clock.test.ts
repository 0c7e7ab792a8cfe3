import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sleep } from '../../src/clock.ts';
import { runs } from './runs.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('VirtualClock', () => {
  it('stands still until it is moved', async () => {
    const clock = new VirtualClock();
    let woken = false;
    clock.after(10, () => {
      woken = true;
    });
    await clock.settle();
    assert.deepEqual([clock.now(), woken, clock.pending], [0, false, 1]);
    await clock.advance(9.5);
    assert.deepEqual([clock.now(), woken], [9.5, false]);
    await clock.advance(0.5);
    assert.deepEqual([clock.now(), woken, clock.pending], [10, true, 0]);
  });

  it('fires in the order of time, and those due together in the order of setting', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 60 }), async (script) => {
        const clock = new VirtualClock();
        const fired: Array<readonly [number, number]> = [];
        const timers = script.map(([delay], index) => clock.after(delay, () => fired.push([clock.now(), index])));
        for (const [index, [, cancelled]] of script.entries()) if (cancelled) timers[index]?.cancel();
        await clock.advance(20);
        const right = script
          .map(([delay, cancelled], index) => ({ delay, cancelled, index }))
          .filter(({ cancelled }) => !cancelled)
          .sort((a, b) => a.delay - b.delay || a.index - b.index)
          .map(({ delay, index }) => [delay, index]);
        assert.deepEqual(fired, right);
        assert.equal(clock.pending, 0);
      }),
      { numRuns: runs(50) },
    );
  });

  it('settles between two timers of the same instant', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    for (const name of ['first', 'second']) {
      clock.after(5, () => {
        seen.push(name);
        void Promise.resolve().then(() => setImmediate(() => seen.push(`after ${name}`)));
      });
    }
    await clock.advance(5);
    assert.deepEqual(seen, ['first', 'after first', 'second', 'after second']);
  });

  it('takes a timer set by a timer into the same advance', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const again = () => {
      seen.push(clock.now());
      clock.after(10, again);
    };
    clock.after(10, again);
    await clock.advance(35);
    assert.deepEqual([seen, clock.now()], [[10, 20, 30], 35]);
  });

  it('jumps to the moment a promise settles, and gives its value or its error', async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    const value = sleep(clock, 12_345, signal).then(() => 'woken');
    assert.equal(await clock.advanceUntil(value), 'woken');
    assert.equal(clock.now(), 12_345);
    const failing = sleep(clock, 5, signal).then(() => Promise.reject(new Error('as it should')));
    await assert.rejects(clock.advanceUntil(failing), /as it should/);
  });

  it('stops at its limit, and at once where nothing can come any more', async () => {
    const clock = new VirtualClock();
    await assert.rejects(
      clock.advanceUntil(() => false),
      /nothing is left to wait for/,
    );
    const timer = clock.after(1001, () => {});
    await assert.rejects(
      clock.advanceUntil(() => false, { limit: 1000 }),
      /1000 ms are over/,
    );
    assert.equal(timer.cancel(), undefined);
    assert.equal(clock.pending, 0);
  });

  it('refuses a delay that a real timer would not keep', () => {
    const clock = new VirtualClock();
    for (const delay of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      assert.throws(() => clock.after(delay, () => {}), RangeError);
    }
  });

  it('keeps wall-clock time beside the monotonic', async () => {
    const clock = new VirtualClock(Date.UTC(2030, 0, 1));
    await clock.advance(1500);
    assert.equal(clock.wallTime(), Date.UTC(2030, 0, 1) + 1500);
  });

  it('stands still while files are worked on, where it is told to wait for them', async () => {
    const clock = new VirtualClock(undefined, { files: true });
    const read: number[] = [];
    clock.after(1, async () => {
      await readFile(import.meta.filename);
      read.push(clock.now());
    });
    await clock.advance(1000);
    assert.deepEqual(read, [1]);
  });
});
