import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { StoreError } from '../../src/cache/read-session.ts';
import { Readiness } from '../../src/control/readiness.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** A store that is read as the test says; `reads` counts how often. */
function stage(read: (signal: AbortSignal) => Promise<void>) {
  const clock = new VirtualClock();
  const state = { reads: 0, unready: null as string | null };
  const readiness = new Readiness({
    clock,
    unready: () => state.unready,
    tryRead: (signal) => {
      state.reads += 1;
      return read(signal);
    },
  });
  return { clock, state, readiness };
}

/** A store that gives nothing: a read ends when its signal does, as one that waited for this. */
const waitingFor = (code: string) => (signal: AbortSignal) =>
  new Promise<void>((_, reject) => {
    signal.addEventListener('abort', () => reject(new StoreError(code, 'nothing came', signal.reason)), { once: true });
  });

describe('readiness', () => {
  test('is given while what is stored can be read, and looked at once in ten seconds, however many ask', async () => {
    const { clock, state, readiness } = stage(async () => {});
    const asked = await Promise.all(Array.from({ length: 20 }, () => readiness.trouble()));
    assert.deepEqual([new Set(asked), state.reads], [new Set([null]), 1]);
    await clock.advance(9999);
    assert.equal(await readiness.trouble(), null);
    assert.equal(state.reads, 1);
    await clock.advance(1);
    await readiness.trouble();
    assert.equal(state.reads, 2);
    await clock.advance(3_600_000);
    assert.deepEqual([state.reads, clock.pending], [2, 0], 'nobody asks, nobody looks');
  });

  for (const [code, said] of [
    ['ENOBUFS', /memory.*\(bufferMemory\)/],
    ['ETIMEDOUT', /^The disk of the cache has given nothing/],
  ] as const) {
    test(`is refused after a second in which nothing was read (${code}), and given again when there is something`, async () => {
      let broken = true;
      const { clock, readiness } = stage((signal) => (broken ? waitingFor(code)(signal) : Promise.resolve()));
      const first = readiness.trouble();
      await clock.advance(999);
      let told = false;
      void first.then(() => {
        told = true;
      });
      await clock.settle();
      assert.equal(told, false);
      await clock.advance(1);
      assert.match((await first) ?? '', said);
      broken = false;
      await clock.advance(9_000);
      assert.equal(await readiness.trouble(), null);
      assert.equal(clock.pending, 0);
    });
  }

  test('is given where the store fails at once: playback goes past it', async () => {
    const { readiness } = stage(async () => {
      throw new StoreError('EIO', 'The disk is broken.');
    });
    assert.equal(await readiness.trouble(), null);
  });

  test('is refused without a look while no requests are taken', async () => {
    const { state, readiness } = stage(async () => {});
    state.unready = 'It is shutting down.';
    assert.equal(await readiness.trouble(), 'It is shutting down.');
    assert.equal(state.reads, 0);
  });

  test('holds nobody up who stops it', async () => {
    let seen: AbortSignal | null = null;
    const { clock, readiness } = stage((signal) => {
      seen = signal;
      return waitingFor('ETIMEDOUT')(signal);
    });
    const asked = readiness.trouble();
    readiness.stop();
    assert.match((await asked) ?? '', /disk/);
    assert.equal(clock.pending, 0);
    assert.equal(seen === null ? -1 : getEventListeners(seen, 'abort').length, 0);
  });
});
