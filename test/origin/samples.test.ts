/** What is compared before a base is joined that names a version differently. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeSet } from '../../src/bytes/range-set.ts';
import { leastSampled, samplesFor } from '../../src/origin/samples.ts';

const kib = 1024;

test('the bytes before the missing one are compared, and both ends of what is present', () => {
  const present = [
    { start: 0, end: 2048 * kib },
    { start: 9000 * kib, end: 9100 * kib },
  ];
  assert.deepEqual(samplesFor(present, 2048 * kib), [
    { start: 0, end: 64 * kib },
    { start: 1792 * kib, end: 2048 * kib },
    { start: 9036 * kib, end: 9100 * kib },
  ]);
});

test('what lies nearest before a byte beyond a gap is compared', () => {
  const present = [{ start: 0, end: 100 * kib }, { start: 500 * kib, end: 510 * kib }]; // biome-ignore format: one line reads best
  assert.deepEqual(samplesFor(present, 700 * kib), [{ start: 0, end: 64 * kib }, { start: 500 * kib, end: 510 * kib }]); // biome-ignore format: one line reads best
});

test('less than 64 KiB prove nothing', () => {
  assert.deepEqual(samplesFor([], 5), []);
  assert.deepEqual(samplesFor([{ start: 0, end: leastSampled - 1 }], leastSampled - 1), []);
  assert.deepEqual(samplesFor([{ start: 0, end: leastSampled }], leastSampled), [{ start: 0, end: leastSampled }]);
});

test('all that is compared is present, comes in order, and is no more than 384 KiB', () => {
  const runs = fc.array(fc.tuple(fc.nat(4000), fc.integer({ min: 1, max: 900 })), { maxLength: 8 });
  fc.assert(
    fc.property(runs, fc.nat(5000), (written, position) => {
      const present = RangeSet.from(
        written.map(([start, size]) => ({ start: start * kib, end: (start + size) * kib })),
      );
      const samples = samplesFor(present, position * kib);
      assert.ok(samples.every((sample) => present.covers(sample)));
      assert.ok(samples.every(({ start }, index) => start > (samples[index - 1]?.end ?? -1)));
      const size = samples.reduce((sum, { start, end }) => sum + end - start, 0);
      assert.ok(size <= 384 * kib && (size === 0 || size >= leastSampled), `${size}`);
      if (present.covers({ start: 0, end: leastSampled })) assert.equal(samples[0]?.start, 0);
    }),
  );
});
