import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RangeSet } from '../../src/bytes/range-set.ts';
import { ProxyError } from '../../src/errors.ts';
import { FillFailed } from '../../src/fill/failure.ts';
import { arrivalAt, deadlineOf, headAt } from '../../src/fill/first-byte.ts';
import type { Representation } from '../../src/http/representation.ts';
import { defaultPolicy } from './policy.ts';

const failed = new FillFailed({ kind: 'error', error: new ProxyError('connection_refused', 'Nobody listens.') });
const present = RangeSet.from([
  { start: 0, end: 10 },
  { start: 20, end: 30 },
]);

describe('what a reader sees at its offset', () => {
  const rows: ReadonlyArray<readonly [string, Parameters<typeof arrivalAt>, unknown]> = [
    ['bytes up to the end of the run', [0, null, null, present, null], { kind: 'bytes', end: 10 }],
    ['bytes from the middle of a run', [25, null, 100, present, null], { kind: 'bytes', end: 30 }],
    ['no more bytes than it wants', [0, 4, null, present, null], { kind: 'bytes', end: 4 }],
    ['one single byte', [9, null, null, present, null], { kind: 'bytes', end: 10 }],
    [
      'bytes that are present although the rest has failed',
      [20, null, null, present, failed],
      { kind: 'bytes', end: 30 },
    ],
    ['the end where it wants to stop', [4, 4, null, present, null], { kind: 'end' }],
    ['the end where it stands past its stop', [5, 4, null, present, null], { kind: 'end' }],
    ['the end of the representation', [30, null, 30, present, null], { kind: 'end' }],
    ['the end before a failure', [30, null, 30, present, failed], { kind: 'end' }],
    ['the end of an empty file', [0, null, 0, new RangeSet(), null], { kind: 'end' }],
    ['a failure where the byte will not come', [10, null, 100, present, failed], { kind: 'failed', error: failed }],
    ['nothing in a gap', [10, null, 100, present, null], null],
    ['nothing at the frontier while the length is unknown', [30, null, null, present, null], null],
    ['nothing before any byte', [0, null, null, new RangeSet(), null], null],
  ];
  for (const [what, question, answer] of rows) {
    it(`is ${what}`, () => assert.deepEqual(arrivalAt(...question), answer));
  }

  it('is the representation once it is known, even where a byte of it has failed', () => {
    const known: Representation = { length: 1, validator: null, fields: [], validatedAt: 0, ranges: true };
    assert.deepEqual(headAt(known, null), { kind: 'head', representation: known });
    assert.deepEqual(headAt(known, failed), { kind: 'head', representation: known });
    assert.deepEqual(headAt(null, failed), { kind: 'failed', error: failed });
    assert.equal(headAt(null, null), null);
  });
});

describe('the deadline of a wait', () => {
  const first = { since: 0, begun: false, queuedBefore: 0 };
  const silent = { queued: false, queuedFor: 0, progressAt: null };
  const rows: ReadonlyArray<readonly [string, Parameters<typeof deadlineOf>, number, string]> = [
    ['30 s after a reader came to a silent cursor', [first, silent, defaultPolicy, 0], 30_000, 'firstByteTimeout'],
    ['the same however late one looks', [first, silent, defaultPolicy, 29_999], 30_000, 'firstByteTimeout'],
    [
      '30 s of its own for a reader that joins at 29 s',
      [{ ...first, since: 29_000 }, silent, defaultPolicy, 29_000],
      59_000,
      'firstByteTimeout',
    ],
    [
      'what firstByteTimeout says',
      [first, silent, { ...defaultPolicy, firstByteTimeout: 7 }, 0],
      7,
      'firstByteTimeout',
    ],
    [
      'queueTimeout in all for one that queues',
      [first, { ...silent, queued: true, queuedFor: 10_000 }, defaultPolicy, 10_000],
      30_000,
      'queueTimeout',
    ],
    [
      'the same for one that joined a cursor that had queued for 5 s',
      [
        { since: 5000, begun: false, queuedBefore: 5000 },
        { ...silent, queued: true, queuedFor: 10_000 },
        defaultPolicy,
        10_000,
      ],
      35_000,
      'queueTimeout',
    ],
    [
      'none of it spent in the queue',
      [first, { ...silent, queuedFor: 20_000 }, defaultPolicy, 20_000],
      50_000,
      'firstByteTimeout',
    ],
    [
      'not moved by what the cursor queued before',
      [{ since: 20_000, begun: false, queuedBefore: 20_000 }, { ...silent, queuedFor: 20_000 }, defaultPolicy, 20_000],
      50_000,
      'firstByteTimeout',
    ],
    [
      '90 s after the last byte of a cursor that flows',
      [first, { ...silent, progressAt: 40_000 }, defaultPolicy, 41_000],
      130_000,
      'healTimeout',
    ],
    [
      '90 s after its own coming where the last byte is older',
      [{ ...first, since: 50_000 }, { ...silent, progressAt: 40_000 }, defaultPolicy, 50_000],
      140_000,
      'healTimeout',
    ],
    [
      '90 s for a reply that has begun, on a cursor that has not',
      [{ since: 1000, begun: true, queuedBefore: 0 }, silent, defaultPolicy, 1000],
      91_000,
      'healTimeout',
    ],
    [
      'what healTimeout says',
      [first, { ...silent, progressAt: 10 }, { ...defaultPolicy, healTimeout: 5 }, 11],
      15,
      'healTimeout',
    ],
  ];
  for (const [what, question, at, budget] of rows) {
    it(`is ${what}`, () => assert.deepEqual(deadlineOf(...question), { at, budget }));
  }
});
