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
const wait = { since: now - 12_400, until: now + 17_600 };
const starting = { phase: 'starting', wait } as const;
const filling = { phase: 'filling', since: now - 61_000 } as const;

const rows: [FillStateView, string][] = [
  [{ phase: 'idle' }, 'nobody is playing it'],
  [
    { phase: 'queued', wait: { since: now - 250, until: now + 29_750 } },
    'waiting for a free connection: 0.3 s of 30 s',
  ],
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
    'waiting for the origin: 12.4 s of 30 s, attempt 2, it has changed at the origin, or was removed from the cache',
  ],
  [
    { phase: 'starting', wait: { since: now - 12_400, until: null }, attempt: 1, lastFailure: null },
    'waiting for the origin: 12.4 s, attempt 1',
  ],
  [{ ...filling, stalled: null }, 'downloading for 1 min 1 s'],
  [
    { ...filling, stalled: { wait, attempt: 2, lastFailure: refused } },
    'waiting for the origin: 12.4 s of 30 s, attempt 2, connection refused',
  ],
  [{ phase: 'paused', by: 'idle' }, 'paused: nobody is playing it'],
  [{ phase: 'paused', by: 'user' }, 'paused by you'],
  [{ phase: 'complete' }, 'complete'],
  [
    { phase: 'failed', failure: refused, retryAt: null },
    'failed: films refused the connection; the next request tries again',
  ],
  [
    { phase: 'failed', failure: unavailable, retryAt: now + 2_500 },
    'failed: the origin answered 503; the origin asks for a pause of 2.5 s',
  ],
  [
    { phase: 'failed', failure: unavailable, retryAt: now },
    'failed: the origin answered 503; the next request tries again',
  ],
];

for (const [state, words] of rows) {
  test(`a fill that is ${state.phase} says "${words}"`, () => assert.equal(phaseReason(state, now), words));
}
