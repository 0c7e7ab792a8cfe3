/** What `Range: bytes=…` gives of a file of 1000 bytes, row by row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRange, resolveRanges } from '../../src/http/range-field.ts';
import { runs } from '../support/runs.ts';

/** `416`, `200`, or the ranges as `first-last,…` */
function answer(value: string, length = 1000): string {
  const specs = parseRange(value);
  if (specs === null) return '200';
  const resolved = resolveRanges(specs, length);
  if (resolved.kind === 'unsatisfiable') return '416';
  if (resolved.kind === 'whole') return '200';
  return resolved.ranges.map(({ start, end }) => `${start}-${end - 1}`).join(',');
}

const rows: [set: string, expected: string][] = [
  ['0-', '0-999'],
  ['0-0', '0-0'],
  ['990-', '990-999'],
  ['-10', '990-999'],
  ['999-999', '999-999'],
  ['0-999', '0-999'],
  ['0-1000', '0-999'],
  ['500-99999', '500-999'],
  ['-1000', '0-999'],
  ['-5000', '0-999'],
  ['1000-', '416'],
  ['1000-1001', '416'],
  ['-0', '416'],
  ['1000-,-0', '416'],
  ['007-0009', '7-9'],
  ['0-9007199254740992', '0-999'],
  ['0-18446744073709551616', '0-999'],
  ['9007199254740993-', '416'],
  ['18446744073709551616-18446744073709551617', '416'],
  [`${'9'.repeat(400)}-`, '416'],
  ['-18446744073709551616', '0-999'],
  ['18446744073709551617-18446744073709551616', '200'],
  ['5-2', '200'],
  ['abc', '200'],
  ['-', '200'],
  ['', '200'],
  [',', '200'],
  ['0- 9', '200'],
  ['0 -9', '200'],
  ['--5', '200'],
  ['0.5-9', '200'],
  ['0x1-0x9', '200'],
  ['+1-9', '200'],
  ['1e1-20', '200'],
  ['0-9-', '200'],
  ['0-9;x', '200'],
  ['0-9,abc', '200'],
  ['0-9,5-2', '200'],
  ['0-9, bytes=20-29', '200'],
  ['\u00a00-9', '200'],
  [',0-9', '0-9'],
  ['0-9,', '0-9'],
  [' 0-9 ,\t, 20-29 ', '0-9,20-29'],
  ['20-29,0-9', '20-29,0-9'],
  ['0-9,2000-', '0-9'],
  ['0-5,3-8', '0-5,3-8'],
  ['0-,0-', '200'],
  ['-600,0-600', '200'],
];

for (const [set, expected] of rows) {
  test(`bytes=${set.length > 60 ? `${set.slice(0, 20)}…` : set} of 1000 bytes gives ${expected}`, () => {
    assert.equal(answer(`bytes=${set}`), expected);
  });
}

test('an absent field and another unit ask for nothing; the unit is read in any case', () => {
  assert.equal(parseRange(null), null);
  for (const value of ['items=0-9', 'bytes 0-9', 'bytes', 'bytes =0-9', 'xbytes=0-9', '0-9']) {
    assert.equal(parseRange(value), null, value);
  }
  assert.equal(answer('BYTES=0-9'), '0-9');
});

test('of an empty file a suffix is the whole and a position is nowhere', () => {
  assert.equal(answer('bytes=-5', 0), '200');
  assert.equal(answer('bytes=0-0', 0), '416');
  assert.equal(answer('bytes=0-', 0), '416');
  assert.equal(answer('bytes=-0', 0), '416');
});

test('a thousand ranges are served, and many more are the whole file', () => {
  const set = (count: number) => Array.from({ length: count }, (_, index) => `${index * 2}-${index * 2}`).join(',');
  assert.equal(answer(`bytes=${set(1000)}`, 10_000).split(',').length, 1000);
  assert.equal(answer(`bytes=${set(1025)}`, 10_000), '200');
  assert.equal(answer(`bytes=${'0-,'.repeat(1000)}`), '200');
});

test('no request draws a byte that is not there, nor more bytes than the file has', () => {
  const position = fc.oneof(fc.nat(30), fc.constant(2 ** 53), fc.constant(''));
  const sets = fc.array(
    fc.tuple(position, position).map(([first, last]) => `${first}-${last}`),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(sets, fc.nat(20), (set, length) => {
      const specs = parseRange(`bytes=${set.join(',')}`);
      if (specs === null) return;
      const resolved = resolveRanges(specs, length);
      if (resolved.kind !== 'ranges') return;
      assert.ok(resolved.ranges.length > 0);
      for (const { start, end } of resolved.ranges) assert.ok(0 <= start && start < end && end <= length);
      assert.ok(resolved.ranges.reduce((sum, { start, end }) => sum + end - start, 0) <= length);
    }),
    { numRuns: runs(1000) },
  );
});
