/** BlockIndex against a naive oracle, with sizes that are multiples of nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockIndex } from '../../src/store/disk/block-index.ts';
import { runs } from '../support/runs.ts';

const layout = { blockSize: 7, segmentSize: 35 };

test('the last block of a known length is as short as what is left', () => {
  const index = new BlockIndex(layout, 15, []);
  assert.deepEqual(
    [1, 2, 3].map((block) => index.blockRange(block)),
    [
      { start: 7, end: 14 },
      { start: 14, end: 15 },
      { start: 15, end: 15 },
    ],
  );
  assert.deepEqual(index.blocksIn({ start: 6, end: 15 }), [0, 1, 2]);
  assert.deepEqual(index.blocksIn({ start: 7, end: 7 }), []);
});

test('every block is what was last said of it, also when it comes from its row', () => {
  const said = fc.record({
    block: fc.nat(40),
    kind: fc.constantFrom('early', 'durable', 'none'),
    sum: fc.nat(0xffff_ffff),
  });
  fc.assert(
    fc.property(fc.array(said, { maxLength: 60 }), fc.option(fc.integer({ min: 281, max: 287 })), (all, length) => {
      const index = new BlockIndex(layout, length, []);
      const oracle = new Map<number, { kind: string; sum: number }>();
      for (const { block, kind, sum } of all) {
        if (kind === 'none') index.drop(block);
        else if (kind === 'durable') index.mark(block, sum);
        else index.markEarly(block, sum);
        if (kind === 'none') oracle.delete(block);
        else oracle.set(block, { kind, sum });
      }
      const rows = index.takeChangedRows();
      assert.deepEqual(index.takeChangedRows(), []);
      for (const [one, isRestored] of [
        [index, false],
        [new BlockIndex(layout, length, rows), true],
      ] as const) {
        const blocks = [...oracle.keys()].sort((a, b) => a - b);
        assert.deepEqual([...one.blocks()], blocks);
        assert.deepEqual(
          [...one.early()],
          blocks.filter((block) => oracle.get(block)?.kind === 'early'),
        );
        assert.deepEqual(one.segments(), new Set(blocks.map((block) => Math.floor(block / 5))));
        const covered = new Set(blocks.flatMap((block) => Array.from({ length: 7 }, (_, at) => block * 7 + at)));
        const found = one
          .ranges()
          .flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at));
        assert.deepEqual(new Set(found), new Set([...covered].filter((offset) => length === null || offset < length)));
        for (let block = 0; block < 45; block += 1) {
          assert.equal(one.has(block), oracle.get(block)?.kind === 'durable');
          assert.equal(one.sumOf(block), oracle.get(block)?.sum);
          assert.equal(one.expectedSum(block), isRestored ? oracle.get(block)?.sum : undefined);
          one.checked(block);
          assert.equal(one.expectedSum(block), undefined);
        }
      }
    }),
    { numRuns: runs(500) },
  );
});

test('ranges neither touch nor overlap, and are in order', () => {
  const index = new BlockIndex(layout, null, []);
  for (const block of [9, 3, 4, 5]) index.mark(block, 0);
  assert.deepEqual(index.ranges(), [
    { start: 21, end: 42 },
    { start: 63, end: 70 },
  ]);
  index.drop(4);
  assert.deepEqual(index.ranges(), [
    { start: 21, end: 28 },
    { start: 35, end: 42 },
    { start: 63, end: 70 },
  ]);
});
