/** RangeSet against a naive oracle: one boolean a byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { RangeSet } from '../../src/bytes/range-set.ts';
import { runs } from '../support/runs.ts';

const space = 19;
/** Far beyond 32 bits, so that an operator that cuts to them shows. */
const far = 2 ** 40 + 1;

const someRange = fc
  .tuple(fc.integer({ min: 0, max: space }), fc.integer({ min: 0, max: space }))
  .map(([start, end]) => ({ start, end }));
const changes = fc.array(fc.record({ absent: fc.boolean(), range: someRange }), { maxLength: 20 });

function moved(range: ByteRange, by: number): ByteRange {
  return { start: range.start + by, end: range.end + by };
}

function runsOf(present: readonly boolean[]): ByteRange[] {
  const runs: ByteRange[] = [];
  for (let offset = 0; offset < present.length; offset += 1) {
    if (!present[offset]) continue;
    const start = offset;
    while (present[offset]) offset += 1;
    runs.push({ start, end: offset });
  }
  return runs;
}

function firstIndex(present: readonly boolean[], from: number, wanted: boolean): number | null {
  for (let offset = from; offset <= space; offset += 1) if ((present[offset] ?? false) === wanted) return offset;
  return null;
}

test('every answer of a set is that of one boolean a byte, near zero and far beyond 4 GiB', () => {
  fc.assert(
    fc.property(changes, fc.constantFrom(0, far), (steps, base) => {
      const set = new RangeSet();
      const present = new Array<boolean>(space).fill(false);
      for (const { absent, range } of steps) {
        if (absent) set.remove(moved(range, base));
        else set.add(moved(range, base));
        if (range.start < range.end) present.fill(!absent, range.start, range.end);
      }

      assert.deepEqual(
        [...set],
        runsOf(present).map((run) => moved(run, base)),
      );
      assert.equal(set.size, present.filter(Boolean).length);
      assert.equal(set.runs, [...set].length);
      for (let start = 0; start <= space; start += 1) {
        const next = firstIndex(present, start, true);
        const gap = firstIndex(present, start, false) ?? start;
        assert.equal(set.has(base + start), present[start] ?? false);
        assert.equal(set.runEnd(base + start), base + gap);
        assert.equal(set.nextStart(base + start), next === null ? null : base + next);
        for (let end = start; end <= space; end += 1) {
          const within = { start: base + start, end: base + end };
          const gapEnd = Math.min(firstIndex(present, gap, true) ?? end, end);
          assert.equal(set.covers(within), gap >= end);
          assert.equal(set.sizeWithin(within), present.slice(start, end).filter(Boolean).length);
          assert.deepEqual(set.firstGap(within), gap >= end ? null : { start: base + gap, end: base + gapEnd });
        }
      }
    }),
    { numRuns: runs(300) },
  );
});

test('runs that touch are one run', () => {
  const set = RangeSet.from([
    { start: 20, end: 30 },
    { start: 0, end: 10 },
    { start: 10, end: 20 },
  ]);
  assert.deepEqual([...set], [{ start: 0, end: 30 }]);
});

test('an empty or inverted range changes nothing', () => {
  const set = RangeSet.from([{ start: 0, end: 10 }]);
  set.add({ start: 20, end: 20 });
  set.add({ start: 30, end: 25 });
  set.remove({ start: 5, end: 5 });
  assert.deepEqual([...set], [{ start: 0, end: 10 }]);
  assert.equal(set.size, 10);
});

test('offsets up to 2^53 - 1 are exact', () => {
  const end = Number.MAX_SAFE_INTEGER;
  const set = RangeSet.from([{ start: end - 2, end }]);
  assert.equal(set.has(end - 3), false);
  assert.equal(set.runEnd(end - 1), end);
  assert.deepEqual(set.firstGap({ start: 0, end }), { start: 0, end: end - 2 });
});

test('what an iteration gave cannot change the set', () => {
  const set = RangeSet.from([{ start: 0, end: 10 }]);
  const [run] = set;
  set.add({ start: 10, end: 20 });
  assert.deepEqual(run, { start: 0, end: 10 });
});
