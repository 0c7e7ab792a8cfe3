/** Every way of waiting ends with what came, with its signal, or with its time, and leaves no listener and no timer. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { RangeSet } from '../src/bytes/range-set.ts';
import { sleep, within } from '../src/clock.ts';
import { BackgroundJobs } from '../src/fill/background-jobs.ts';
import { ConnectionSlots } from '../src/fill/connection-slots.ts';
import { Waiters } from '../src/fill/waiters.ts';
import { Client } from '../src/proxy/client.ts';
import { ClientConnection } from '../src/proxy/client-connection.ts';
import { createBufferPool } from '../src/store/disk/buffer-pool.ts';
import { Semaphore } from '../src/store/disk/semaphore.ts';
import { untilAborted } from '../src/until-aborted.ts';
import { never } from './support/never.ts';
import { VirtualClock } from './support/virtual-clock.ts';

/** One wait under a signal, and how else it ends than by that. */
interface Wait {
  readonly promise: Promise<unknown>;
  /** Brings what is waited for. */
  give(): void;
  /** After so many milliseconds it ends by itself. */
  readonly late?: number;
}

const limit = 5000;

const waits: Readonly<Record<string, (signal: AbortSignal, clock: VirtualClock) => Promise<Wait> | Wait>> = {
  'for a promise': (signal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { promise: untilAborted(promise, signal), give: resolve };
  },
  'for a promise, and no longer than its time': (signal, clock) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const limits = { clock, limit, late: () => new Error('late'), signal };
    return { promise: within(limits, (inner) => untilAborted(promise, inner)), give: resolve, late: limit };
  },
  'for a time': (signal, clock) => ({ promise: sleep(clock, limit, signal), give: () => {}, late: limit }),
  'for a buffer': async (signal, clock) => {
    const pool = createBufferPool({ size: 1, limit: 1, clock });
    const loan = await pool.acquire(never);
    return { promise: pool.acquire(signal).then((next) => next.release()), give: () => loan.release() };
  },
  'for one of few places': async (signal) => {
    const semaphore = new Semaphore(1);
    const leave = await semaphore.acquire(never);
    return { promise: semaphore.acquire(signal).then((done) => done()), give: leave };
  },
  "for an origin's connection": async (signal) => {
    const slots = new ConnectionSlots(1, 1);
    const claimant = { urgency: () => 'waited for' as const };
    const slot = await slots.acquire(claimant, never);
    return { promise: slots.acquire(claimant, signal).then((next) => next.release()), give: () => slot.release() };
  },
  'for a byte': (signal, clock) => {
    const waiters = new Waiters(clock);
    let byte: number | null = null;
    const give = () => {
      byte = 1;
      waiters.wake();
    };
    return {
      promise: waiters.wait(
        () => byte,
        () => limit,
        signal,
      ),
      give,
      late: limit,
    };
  },
  'for ranges to be brought in': (signal, clock) => {
    const present = new RangeSet();
    const upstream = { content: { present, length: 10, ranges: true } };
    const background = new BackgroundJobs(clock, { retryMax: 1000 }, upstream, () => {});
    const give = () => {
      present.add({ start: 0, end: 10 });
      background.look();
    };
    return { promise: background.warm([{ start: 0, end: 10 }], () => {}, signal), give };
  },
  'for others of the same client': async (signal, clock) => {
    const limits = { connections: 9, requests: 1, unread: 1 };
    const told = { onBound: () => {}, onLeft: () => {} };
    const client = new Client({ key: 'a', name: 'a', limits, queueTimeout: limit, clock, ...told });
    const connection = () => new ClientConnection(new Duplex(), clock);
    const permit = await client.enter(connection(), never);
    const promise = client.enter(connection(), signal).then((next) => next?.release());
    return { promise, give: () => permit?.release(), late: limit };
  },
};

for (const [what, begin] of Object.entries(waits)) {
  describe(`a wait ${what}`, () => {
    async function beginning() {
      const clock = new VirtualClock();
      const gone = new AbortController();
      const wait = await begin(gone.signal, clock);
      wait.promise.catch(() => {});
      await clock.settle();
      assert.equal(getEventListeners(gone.signal, 'abort').length, 1, 'it listens');
      const assertNothingLeft = async () => {
        await clock.settle();
        assert.deepEqual([getEventListeners(gone.signal, 'abort').length, clock.pending], [0, 0]);
      };
      return { clock, gone, wait, assertNothingLeft };
    }

    test('that gets what it waits for leaves nothing', async () => {
      const { clock, wait, assertNothingLeft } = await beginning();
      wait.give();
      if (what === 'for a time') await clock.advance(limit);
      await wait.promise;
      await assertNothingLeft();
    });

    test('that is given up leaves nothing, and nobody without what comes later', async () => {
      const { gone, wait, assertNothingLeft } = await beginning();
      gone.abort(new Error('gone'));
      wait.give();
      await assert.rejects(wait.promise);
      await assertNothingLeft();
    });

    test('that is given up before it begins leaves nothing', async () => {
      const clock = new VirtualClock();
      const wait = await begin(AbortSignal.abort(new Error('gone')), clock);
      await assert.rejects(wait.promise);
      await clock.settle();
      assert.equal(clock.pending, 0);
    });

    test('whose time is over leaves nothing', async () => {
      const { clock, wait, assertNothingLeft } = await beginning();
      if (wait.late === undefined) {
        await clock.advance(3_600_000);
        wait.give();
        await wait.promise;
      } else {
        await clock.advance(wait.late);
        await wait.promise.catch(() => {});
      }
      await assertNothingLeft();
    });
  });
}
