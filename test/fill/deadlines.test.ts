import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Deadline, deadlineOf, type FetchTimes, type Waiting } from '../../src/fill/deadlines.ts';
import type { FillPolicy } from '../../src/fill/policy.ts';
import { defaultPolicy } from './policy.ts';

interface Row extends Partial<Omit<Waiting, 'assignment'>>, Partial<Omit<FetchTimes, 'openedAt'>> {
  readonly is: string;
  readonly queuedBefore?: number;
  readonly policy?: Partial<FillPolicy>;
  readonly now?: number;
  readonly right: Deadline;
}

const rows: readonly Row[] = [
  {
    is: '30 s after a reader came to a silent fetch',
    right: { at: 30_000, budget: 'firstByteTimeout' },
  },
  {
    is: 'the same however late one looks',
    now: 29_999,
    right: { at: 30_000, budget: 'firstByteTimeout' },
  },
  {
    is: '30 s of its own for a reader that joins at 29 s',
    waitingSince: 29_000,
    now: 29_000,
    right: { at: 59_000, budget: 'firstByteTimeout' },
  },
  {
    is: 'what firstByteTimeout says',
    policy: { firstByteTimeout: 7 },
    right: { at: 7, budget: 'firstByteTimeout' },
  },
  {
    is: 'queueTimeout in all for one that queues',
    queued: true,
    queuedFor: 10_000,
    now: 10_000,
    right: { at: 30_000, budget: 'queueTimeout' },
  },
  {
    is: 'the same for one that joined a fetch that had queued for 5 s',
    waitingSince: 5000,
    queuedBefore: 5000,
    queued: true,
    queuedFor: 10_000,
    now: 10_000,
    right: { at: 35_000, budget: 'queueTimeout' },
  },
  {
    is: 'none of it spent in the queue',
    queuedFor: 20_000,
    now: 20_000,
    right: { at: 50_000, budget: 'firstByteTimeout' },
  },
  {
    is: 'not moved by what the fetch queued before',
    waitingSince: 20_000,
    queuedBefore: 20_000,
    queuedFor: 20_000,
    now: 20_000,
    right: { at: 50_000, budget: 'firstByteTimeout' },
  },
  {
    is: '90 s after the last byte of a fetch that streams',
    progressAt: 40_000,
    now: 41_000,
    right: { at: 130_000, budget: 'healTimeout' },
  },
  {
    is: '90 s after its own coming where the last byte is older',
    waitingSince: 50_000,
    progressAt: 40_000,
    now: 50_000,
    right: { at: 140_000, budget: 'healTimeout' },
  },
  {
    is: '90 s for a reply that has begun, on a fetch that has not',
    waitingSince: 1000,
    begun: true,
    now: 1000,
    right: { at: 91_000, budget: 'healTimeout' },
  },
  {
    is: 'what healTimeout says',
    progressAt: 10,
    policy: { healTimeout: 5 },
    now: 11,
    right: { at: 15, budget: 'healTimeout' },
  },
];

describe('the deadline of a wait', () => {
  for (const { is, right, ...row } of rows) {
    it(`is ${is}`, () => {
      const { waitingSince = 0, begun = false, queuedBefore = 0, now = 0, policy } = row;
      const { queued = false, queuedFor = 0, progressAt = null } = row;
      const fetch = { status: { openedAt: 0, queued, queuedFor, progressAt } };
      const assignment = { fetch, since: waitingSince ?? 0, queuedBefore };
      assert.deepEqual(deadlineOf({ waitingSince, begun, assignment }, { ...defaultPolicy, ...policy }, now), right);
    });
  }

  it('is that of a silent fetch where nobody is assigned yet', () => {
    const waiting = { waitingSince: 5, begun: false, assignment: null };
    assert.deepEqual(deadlineOf(waiting, defaultPolicy, 9), { at: 30_005, budget: 'firstByteTimeout' });
  });
});
