import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Urgency } from '../../src/fill/connection-slots.ts';
import { TimeSlice } from '../../src/fill/time-slice.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const mebibyte = 1024 * 1024;

function sliced(contention: Urgency | null) {
  const clock = new VirtualClock();
  return { clock, slice: new TimeSlice(clock, { contention }) };
}

describe('a time slice', () => {
  it('is over after a second of bytes, or 4 MiB', async () => {
    const { clock, slice } = sliced('waited for');
    slice.begin(1000);
    assert.equal(slice.isOver(1000 + 4 * mebibyte - 1), false);
    assert.equal(slice.isOver(1000 + 4 * mebibyte), true);
    await clock.advance(999);
    assert.equal(slice.isOver(1000), false);
    assert.equal(slice.isOver(1000, 1), true, 'it will be in a millisecond');
    await clock.advance(1);
    assert.equal(slice.isOver(1000), true);
  });

  it('does not begin before its first body, and not anew with the next', async () => {
    const { clock, slice } = sliced('waited for');
    await clock.advance(1_000_000);
    assert.equal(slice.isOver(1_000_000_000), false);
    slice.begin(0);
    await clock.advance(900);
    slice.begin(2_000_000);
    await clock.advance(100);
    assert.equal(slice.isOver(2_000_000), true);
  });

  for (const contention of [null, 'background', 'ahead'] as const) {
    it(`is never over while ${contention ?? 'nobody'} waits for the connection`, async () => {
      const { clock, slice } = sliced(contention);
      slice.begin(0);
      await clock.advance(60_000);
      assert.equal(slice.isOver(1_000_000_000), false);
    });
  }

  it('does not count for whoever is more urgent', () => {
    const { slice } = sliced('ahead');
    const outranked = (['background', 'ahead', 'waited for'] as const).map((urgency) => slice.isOutranked(urgency));
    assert.deepEqual(outranked, [true, false, false]);
  });
});
