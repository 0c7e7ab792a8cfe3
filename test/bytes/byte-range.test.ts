import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteLength, intersect } from '../../src/bytes/byte-range.ts';

test('the length of a range does not count its end', () => {
  assert.equal(byteLength({ start: 3, end: 10 }), 7);
  assert.equal(byteLength({ start: 3, end: 3 }), 0);
  assert.equal(byteLength({ start: 2 ** 52, end: 2 ** 53 }), 2 ** 52);
});

test('ranges that only touch have no byte in common', () => {
  assert.equal(intersect({ start: 0, end: 5 }, { start: 5, end: 9 }), null);
  assert.equal(intersect({ start: 7, end: 9 }, { start: 0, end: 5 }), null);
  assert.deepEqual(intersect({ start: 0, end: 6 }, { start: 5, end: 9 }), { start: 5, end: 6 });
  assert.deepEqual(intersect({ start: 0, end: 90 }, { start: 5, end: 9 }), { start: 5, end: 9 });
});
