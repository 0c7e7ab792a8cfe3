/** BlockMap against a naive oracle, with sizes that are multiples of nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockMap } from '../../src/bytes/block-map.ts';
import { RangeSet } from '../../src/bytes/range-set.ts';

const kib256 = 256 * 1024;

test('the last block of a known length is short and whole', () => {
  const map = new BlockMap(kib256, kib256 + 1);
  assert.deepEqual(map.blockRange(0), { start: 0, end: kib256 });
  assert.deepEqual(map.blockRange(1), { start: kib256, end: kib256 + 1 });
  map.mark(1);
  assert.deepEqual(map.ranges(), [{ start: kib256, end: kib256 + 1 }]);
});

test('while the length is unknown no block is short', () => {
  const map = new BlockMap(10, null);
  assert.deepEqual(map.blockRange(3), { start: 30, end: 40 });
  map.length = 39;
  assert.deepEqual(map.blockRange(3), { start: 30, end: 39 });
});

test('an empty file has no blocks', () => {
  const map = new BlockMap(10, 0);
  assert.throws(() => map.mark(0), RangeError);
  assert.deepEqual(map.ranges(), []);
});

test('a block that does not exist cannot be marked', () => {
  const map = new BlockMap(10, 20);
  for (const index of [2, -1, 0.5, Number.NaN]) assert.throws(() => map.mark(index), RangeError, String(index));
});

test('blocks beyond 4 GiB keep their offsets', () => {
  const length = 5 * 2 ** 30 + 7;
  const map = new BlockMap(kib256, length);
  const last = map.blockOf(length - 1);
  assert.equal(last, 20_480);
  map.mark(last - 1);
  map.mark(last);
  assert.deepEqual(map.ranges(), [{ start: length - 7 - kib256, end: length }]);
});

test('marked blocks and their bytes agree with counting one by one', () => {
  const sizes = fc.record({
    blockSize: fc.integer({ min: 1, max: 13 }),
    length: fc.option(fc.integer({ min: 0, max: 97 })),
    steps: fc.array(fc.record({ clear: fc.boolean(), index: fc.nat(30) }), { maxLength: 30 }),
  });
  fc.assert(
    fc.property(sizes, ({ blockSize, length, steps }) => {
      const limit = length ?? Number.POSITIVE_INFINITY;
      const map = new BlockMap(blockSize, length);
      const marked = new Set<number>();
      for (const { clear, index } of steps) {
        if (index * blockSize >= limit) continue;
        if (clear) {
          map.clear(index);
          marked.delete(index);
        } else {
          map.mark(index);
          marked.add(index);
        }
      }

      const bytes = new RangeSet();
      for (let index = 0; index <= 100 && index * blockSize < limit; index += 1) {
        const block = { start: index * blockSize, end: Math.min((index + 1) * blockSize, limit) };
        assert.equal(map.has(index), marked.has(index));
        assert.deepEqual(map.blockRange(index), block);
        for (let offset = block.start; offset < block.end; offset += 1) assert.equal(map.blockOf(offset), index);
        if (marked.has(index)) bytes.add(block);
      }
      assert.deepEqual(map.ranges(), [...bytes]);
    }),
    { numRuns: 400 },
  );
});
