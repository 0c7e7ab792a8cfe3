import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProxyError } from '../../src/errors.ts';
import type { FillPhase } from '../../src/events.ts';
import { type Activity, eventFor, type FillState, transition } from '../../src/fill/fill-state.ts';
import type { Representation } from '../../src/http/representation.ts';

const known: Representation = { length: 1000, validator: null, fields: [], validatedAt: 1, ranges: true };
const failure = { kind: 'error', error: new ProxyError('connection_refused', 'Nobody listens.') } as const;

const states: readonly FillState[] = [
  { phase: 'idle', stored: null },
  { phase: 'queued', since: 1, stored: null },
  { phase: 'starting', since: 1, attempt: 1, stored: null },
  { phase: 'starting', since: 1, attempt: 4, stored: known },
  { phase: 'filling', since: 1, representation: known },
  { phase: 'paused', by: 'idle', stored: known },
  { phase: 'complete', representation: known },
  { phase: 'failed', failure, retryAt: null, stored: null },
];

/** The state after every event that the cursors' doing asks for. */
function settle(from: FillState, activity: Activity): FillState {
  let state = from;
  for (let events = 0; ; events += 1) {
    assert.ok(events < 5, `${from.phase} never comes to rest`);
    const event = eventFor(state, activity, 9, 77);
    if (event === null) return state;
    state = transition(state, event);
  }
}

const none: Activity = { cursors: 0, queued: 0, attempt: Number.NEGATIVE_INFINITY, read: true, failure: null };

describe('a fill in line with its cursors', () => {
  const rows: ReadonlyArray<readonly [string, FillPhase, Partial<Activity>, FillPhase]> = [
    ['is queued while all of them queue', 'idle', { cursors: 2, queued: 2, attempt: 1 }, 'queued'],
    ['is starting as soon as one has a connection', 'idle', { cursors: 2, queued: 1, attempt: 1 }, 'starting'],
    [
      'is queued again where the last connection was given up',
      'starting',
      { cursors: 1, queued: 1, attempt: 1 },
      'queued',
    ],
    ['is paused when nobody reads and nothing comes', 'filling', { read: false }, 'paused'],
    ['is paused when nobody waits any more', 'starting', { read: false }, 'paused'],
    ['fills on where somebody reads what is there', 'filling', {}, 'filling'],
    ['has failed when the last of them has', 'starting', { failure }, 'failed'],
    ['has not failed while another goes on', 'filling', { failure, cursors: 1, attempt: 1 }, 'filling'],
    ['starts anew after a failure', 'failed', { cursors: 1, attempt: 1 }, 'starting'],
    ['starts anew after a pause', 'paused', { cursors: 1, attempt: 1 }, 'starting'],
    ['stays failed where nothing is tried', 'failed', {}, 'failed'],
    ['stays complete whatever they do', 'complete', { cursors: 1, attempt: 3, failure }, 'complete'],
  ];
  for (const [what, from, activity, to] of rows) {
    it(what, () => {
      const state = states.find(({ phase }) => phase === from);
      assert.ok(state !== undefined);
      assert.equal(settle(state, { ...none, ...activity }).phase, to);
    });
  }

  it('counts the tries of that which has tried most', () => {
    const state = settle(
      { phase: 'starting', since: 1, attempt: 1, stored: null },
      { ...none, cursors: 2, attempt: 3 },
    );
    assert.deepEqual(state, { phase: 'starting', since: 1, attempt: 3, stored: null });
  });

  it('knows until when the origin asked for rest', () => {
    const state = settle({ phase: 'starting', since: 1, attempt: 1, stored: null }, { ...none, failure });
    assert.deepEqual(state, { phase: 'failed', failure, retryAt: 77, stored: null });
  });

  it('comes to rest from every state, and is idle for nobody who has a cursor', () => {
    const activities = fc
      .record({
        cursors: fc.nat(3),
        queued: fc.nat(3),
        attempt: fc.integer({ min: 1, max: 5 }),
        read: fc.boolean(),
        failed: fc.boolean(),
      })
      .map(({ failed, ...seen }) => ({
        ...seen,
        queued: Math.min(seen.queued, seen.cursors),
        failure: failed ? failure : null,
      }));
    fc.assert(
      fc.property(fc.constantFrom(...states), activities, (state, activity) => {
        const { phase } = settle(state, activity);
        if (activity.cursors > 0) assert.ok(['queued', 'starting', 'filling', 'complete'].includes(phase), phase);
        if (activity.cursors === 0 && !activity.read)
          assert.ok(!['queued', 'starting', 'filling'].includes(phase), phase);
      }),
    );
  });
});
