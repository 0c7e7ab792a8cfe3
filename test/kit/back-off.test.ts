import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOffMs } from '../../src/kit/back-off.ts';

test('the pause doubles with each failure, up to the longest, however many there are', () => {
  const backOff = { firstMs: 1000, longestMs: 30_000 };
  const pauses = [1, 2, 3, 4, 5, 6, 7, 2000].map((failures) => backOffMs(backOff, failures));
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});
