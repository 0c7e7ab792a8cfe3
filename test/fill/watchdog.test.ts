import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Watchdog } from '../../src/fill/watchdog.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function guarded() {
  const clock = new VirtualClock();
  const abort = new AbortController();
  return { clock, abort, watchdog: new Watchdog(clock, abort) };
}

describe('the patience with one connection', () => {
  it('ends after its limit, with the setting that governs it', async () => {
    const { clock, abort, watchdog } = guarded();
    watchdog.set(10_000, 'stallTimeout');
    await clock.advance(9999);
    assert.equal(abort.signal.aborted, false);
    await clock.advance(1);
    const { type, setting, message } = abort.signal.reason;
    assert.deepEqual([type, setting], ['connection_read_timeout', 'stallTimeout']);
    assert.match(message, /silent for 10\.0 s/);
    assert.equal(clock.pending, 0);
  });

  it('begins anew with each byte, over one timer', async () => {
    const { clock, abort, watchdog } = guarded();
    for (let at = 0; at < 100; at += 1) {
      watchdog.set(10_000, 'stallTimeout');
      assert.equal(clock.pending, 1);
      await clock.advance(9000);
    }
    assert.equal(abort.signal.aborted, false);
    await clock.advance(1000);
    assert.equal(abort.signal.aborted, true);
  });

  it('can become shorter, and longer', async () => {
    for (const [first, then] of [
      [60_000, 10_000],
      [10_000, 60_000],
    ] as const) {
      const { clock, abort, watchdog } = guarded();
      watchdog.set(first, 'firstByteTimeout');
      await clock.advance(5000);
      watchdog.set(then, 'stallTimeout');
      await clock.advance(then - 1);
      assert.equal(abort.signal.aborted, false);
      await clock.advance(1);
      assert.equal(abort.signal.reason.setting, 'stallTimeout');
    }
  });

  it('is suspended where nobody reads, and set again afterwards', async () => {
    const { clock, abort, watchdog } = guarded();
    watchdog.set(10_000, 'stallTimeout');
    watchdog.cancel();
    watchdog.cancel();
    await clock.advance(600_000);
    assert.deepEqual([abort.signal.aborted, clock.pending], [false, 0]);
    watchdog.set(10_000, 'stallTimeout');
    await clock.advance(10_000);
    assert.equal(abort.signal.aborted, true);
  });
});
