import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TimeSlice } from '../../src/fill/time-slice.ts';

describe('a time slice', () => {
  it('is over after a second of bytes, or 4 MiB', () => {
    const slice = new TimeSlice();
    slice.begin(100, 1000);
    assert.equal(slice.isOver(1099, 1000), false);
    assert.equal(slice.isOver(1100, 1000), true);
    assert.equal(slice.isOver(101, 1000 + 4 * 1024 * 1024 - 1), false);
    assert.equal(slice.isOver(101, 1000 + 4 * 1024 * 1024), true);
  });

  it('does not begin before its first body, and not anew with the next', () => {
    const slice = new TimeSlice();
    assert.equal(slice.isOver(1_000_000, 1_000_000_000), false);
    slice.begin(0, 0);
    slice.begin(900, 2_000_000);
    assert.equal(slice.isOver(1000, 2_000_000), true);
  });
});
