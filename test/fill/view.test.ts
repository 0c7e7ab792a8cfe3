import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProxyError } from '../../src/errors.ts';
import { type FillStateView, phaseReason } from '../../src/fill/view.ts';

const now = 100_000;
const refused = {
  kind: 'error',
  error: new ProxyError('connection_refused', 'films refused the connection.'),
} as const;
const unavailable = { kind: 'answer', answer: { status: 503, fields: [], body: Buffer.alloc(0) } } as const;
const starting = { phase: 'starting', since: now - 12_400, budget: 30_000 } as const;

const rows: [FillStateView, string][] = [
  [{ phase: 'idle' }, 'nobody asks for it'],
  [{ phase: 'queued', since: now - 250, budget: 30_000 }, "waiting for one of the origin's connections: 0.3 s of 30 s"],
  [{ ...starting, attempt: 1, lastFailure: null }, 'waiting for the origin: 12.4 s of 30 s, attempt 1'],
  [
    { ...starting, attempt: 3, lastFailure: refused },
    'waiting for the origin: 12.4 s of 30 s, attempt 3, connection refused',
  ],
  [
    { ...starting, attempt: 2, lastFailure: unavailable },
    'waiting for the origin: 12.4 s of 30 s, attempt 2, status 503',
  ],
  [
    { ...starting, attempt: 2, lastFailure: { kind: 'changed' } },
    'waiting for the origin: 12.4 s of 30 s, attempt 2, the origin now holds another representation',
  ],
  [{ phase: 'filling', since: now - 61_000 }, 'bytes have been landing for 61 s'],
  [{ phase: 'paused', by: 'idle' }, 'paused: nobody reads it'],
  [{ phase: 'paused', by: 'user' }, 'paused by its user until lifted'],
  [{ phase: 'complete' }, 'every byte is present'],
  [
    { phase: 'failed', failure: refused, retryAt: null },
    'failed: films refused the connection; a new request asks the origin again',
  ],
  [
    { phase: 'failed', failure: unavailable, retryAt: now + 2_500 },
    'failed: the origin answered 503; the origin wants 2.5 s of rest',
  ],
  [
    { phase: 'failed', failure: unavailable, retryAt: now },
    'failed: the origin answered 503; a new request asks the origin again',
  ],
];

for (const [state, words] of rows) {
  test(`a fill that is ${state.phase} says "${words}"`, () => assert.equal(phaseReason(state, now), words));
}
