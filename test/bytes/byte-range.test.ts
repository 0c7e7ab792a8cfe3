import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteLength, clipTo, splitAt, totalLength } from '../../src/bytes/byte-range.ts';

test('the length of a range does not count its end', () => {
  assert.equal(byteLength({ start: 3, end: 10 }), 7);
  assert.equal(byteLength({ start: 3, end: 3 }), 0);
  assert.equal(byteLength({ start: 2 ** 52, end: 2 ** 53 }), 2 ** 52);
});

test('an open range ends where the file does, as far as that is known', () => {
  assert.deepEqual(clipTo({ start: 3, end: null }, 10), { start: 3, end: 10 });
  assert.deepEqual(clipTo({ start: 3, end: 20 }, 10), { start: 3, end: 10 });
  assert.deepEqual(clipTo({ start: 3, end: 7 }, null), { start: 3, end: 7 });
  assert.deepEqual(clipTo({ start: 3, end: null }, null), { start: 3, end: Number.POSITIVE_INFINITY });
  assert.deepEqual(clipTo({ start: 30, end: null }, 10), { start: 10, end: 10 });
});

const anyRange = fc
  .tuple(fc.nat({ max: 2 ** 40 }), fc.nat({ max: 10_000 }))
  .map(([start, length]) => ({ start, end: start + length }));

test('the pieces of a range that is cut make it up, and none crosses a multiple of the unit', () => {
  fc.assert(
    fc.property(anyRange, fc.integer({ min: 1, max: 20_000 }), (range, unit) => {
      const pieces = [...splitAt(range, unit)];
      let next = range.start;
      for (const { start, end } of pieces) {
        assert.equal(start, next);
        assert.ok(start < end);
        assert.equal(Math.floor(start / unit), Math.floor((end - 1) / unit));
        next = end;
      }
      assert.equal(next, range.end);
      assert.equal(totalLength(pieces), byteLength(range));
    }),
  );
});
