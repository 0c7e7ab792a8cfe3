import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RangeSet } from '../../src/bytes/range-set.ts';
import { ProxyError } from '../../src/errors.ts';
import { FillFailed } from '../../src/fill/failure.ts';
import { type Arrival, arrivalAt, headAt } from '../../src/fill/waiters.ts';
import type { Representation } from '../../src/http/representation.ts';

const failed = new FillFailed({ kind: 'error', error: new ProxyError('connection_refused', 'Nobody listens.') });
const present = RangeSet.from([
  { start: 0, end: 10 },
  { start: 20, end: 30 },
]);

describe('what a reader sees at its offset', () => {
  interface Row {
    readonly sees: string;
    readonly offset: number;
    readonly end?: number;
    readonly length?: number;
    readonly present?: RangeSet;
    readonly failed?: FillFailed;
    readonly right: Arrival | null;
  }
  const rows: readonly Row[] = [
    { sees: 'bytes up to the end of the run', offset: 0, right: { kind: 'bytes', end: 10 } },
    { sees: 'bytes from the middle of a run', offset: 25, length: 100, right: { kind: 'bytes', end: 30 } },
    { sees: 'no more bytes than it wants', offset: 0, end: 4, right: { kind: 'bytes', end: 4 } },
    { sees: 'one single byte', offset: 9, right: { kind: 'bytes', end: 10 } },
    {
      sees: 'bytes that are present although the rest has failed',
      offset: 20,
      failed,
      right: { kind: 'bytes', end: 30 },
    },
    { sees: 'the end where it wants to stop', offset: 4, end: 4, right: { kind: 'end' } },
    { sees: 'the end where it stands past its stop', offset: 5, end: 4, right: { kind: 'end' } },
    { sees: 'the end of the representation', offset: 30, length: 30, right: { kind: 'end' } },
    { sees: 'the end before a failure', offset: 30, length: 30, failed, right: { kind: 'end' } },
    { sees: 'the end of an empty file', offset: 0, length: 0, present: new RangeSet(), right: { kind: 'end' } },
    {
      sees: 'a failure where the byte will not come',
      offset: 10,
      length: 100,
      failed,
      right: { kind: 'failed', error: failed },
    },
    { sees: 'nothing in a gap', offset: 10, length: 100, right: null },
    { sees: 'nothing at the frontier while the length is unknown', offset: 30, right: null },
    { sees: 'nothing before any byte', offset: 0, present: new RangeSet(), right: null },
  ];
  for (const { sees, offset, end = null, length = null, failed = null, right, ...row } of rows) {
    it(`is ${sees}`, () => {
      assert.deepEqual(arrivalAt(offset, end, length, row.present ?? present, failed), right);
    });
  }

  it('is the representation once it is known, even where a byte of it has failed', () => {
    const known: Representation = { length: 1, validator: null, fields: [], validatedAt: 0, ranges: true };
    assert.deepEqual(headAt(known, null), { kind: 'head', representation: known });
    assert.deepEqual(headAt(known, failed), { kind: 'head', representation: known });
    assert.deepEqual(headAt(null, failed), { kind: 'failed', error: failed });
    assert.equal(headAt(null, null), null);
  });
});
