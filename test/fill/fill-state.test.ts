import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProxyError } from '../../src/errors.ts';
import type { FillPhase } from '../../src/events.ts';
import { type FillEvent, type FillState, representationOf, transition } from '../../src/fill/fill-state.ts';
import type { Representation } from '../../src/http/representation.ts';

const known: Representation = { length: 1000, validator: null, fields: [], validatedAt: 1, ranges: true };
const fresher: Representation = { ...known, validatedAt: 2 };
const endless: Representation = { ...known, length: null };
const failure = { kind: 'error', error: new ProxyError('connection_refused', 'Nobody listens.') } as const;

const states = {
  'idle, nothing stored': { phase: 'idle', stored: null },
  'idle, something stored': { phase: 'idle', stored: known },
  queued: { phase: 'queued', since: 10, stored: null },
  'queued again': { phase: 'queued', since: 10, stored: known },
  starting: { phase: 'starting', since: 20, attempt: 1, stored: null },
  'starting again': { phase: 'starting', since: 20, attempt: 2, stored: known },
  filling: { phase: 'filling', since: 30, representation: known },
  'filling without a length': { phase: 'filling', since: 30, representation: endless },
  'paused as nobody reads': { phase: 'paused', by: 'idle', stored: known },
  'paused by its user': { phase: 'paused', by: 'user', stored: known },
  'paused by the disk': { phase: 'paused', by: 'disk', stored: known },
  complete: { phase: 'complete', representation: known },
  'failed before a head': { phase: 'failed', failure, retryAt: null, stored: null },
  'failed after one': { phase: 'failed', failure, retryAt: 99, stored: known },
} as const satisfies Record<string, FillState>;

type StateName = keyof typeof states;
const names = Object.keys(states) as StateName[];

const events = {
  wanted: { type: 'wanted', at: 40 },
  granted: { type: 'granted', at: 40 },
  requeued: { type: 'requeued', at: 40 },
  attempt: { type: 'attempt', attempt: 3 },
  head: { type: 'head', at: 40, representation: fresher },
  described: { type: 'described', representation: fresher },
  whole: { type: 'whole' },
  lost: { type: 'lost' },
  deserted: { type: 'deserted' },
  held: { type: 'held' },
  released: { type: 'released' },
  closed: { type: 'closed' },
  failed: { type: 'failed', failure, retryAt: 77 },
} as const satisfies { [Type in FillEvent['type']]: Extract<FillEvent, { type: Type }> };

const live: readonly StateName[] = [
  'queued',
  'queued again',
  'starting',
  'starting again',
  'filling',
  'filling without a length',
];

/** For each event the states that take it, and where it leads; `same`: to the phase that it came from. */
const legal: Record<FillEvent['type'], { from: readonly StateName[]; to: FillPhase | 'same' }> = {
  wanted: {
    from: [
      'idle, nothing stored',
      'idle, something stored',
      'paused as nobody reads',
      'failed before a head',
      'failed after one',
    ],
    to: 'queued',
  },
  granted: { from: ['queued', 'queued again'], to: 'starting' },
  requeued: { from: ['starting', 'starting again'], to: 'queued' },
  attempt: { from: ['starting', 'starting again'], to: 'starting' },
  head: { from: ['starting', 'starting again', 'paused by its user'], to: 'filling' },
  described: { from: names, to: 'same' },
  whole: { from: names.filter((name) => representationOf(states[name])?.length === 1000), to: 'complete' },
  lost: { from: names.filter((name) => name !== 'complete'), to: 'same' },
  deserted: { from: live, to: 'paused' },
  held: { from: names.filter((name) => name !== 'complete'), to: 'paused' },
  released: { from: ['paused by its user'], to: 'paused' },
  closed: { from: names, to: 'idle' },
  failed: { from: live, to: 'failed' },
};

describe('a fill', () => {
  for (const type of Object.keys(events) as Array<FillEvent['type']>) {
    for (const name of names) {
      const state: FillState = states[name];
      const { from, to } = legal[type];
      if (type === 'lost' && name === 'complete') {
        it('that was complete and has lost bytes is paused, and wanted again', () => {
          assert.deepEqual(transition(state, events.lost), { phase: 'paused', by: 'idle', stored: known });
        });
      } else if (type === 'head' && name === 'paused by its user') {
        it('that is paused by its user takes a "head" that was under way, and stays paused', () => {
          assert.deepEqual(transition(state, events.head), { phase: 'paused', by: 'user', stored: fresher });
        });
      } else if (from.includes(name)) {
        it(`that is ${name} takes "${type}"`, () => {
          assert.equal(transition(state, events[type]).phase, to === 'same' ? state.phase : to);
        });
      } else {
        it(`that is ${name} can't take "${type}"`, () => {
          assert.throws(() => transition(state, events[type]), new RegExp(`is ${state.phase} .*"${type}"`));
        });
      }
    }
  }

  it('keeps no more in a phase than belongs to it', () => {
    let state: FillState = { phase: 'idle', stored: null };
    const next = (event: FillEvent) => {
      state = transition(state, event);
      return state;
    };
    assert.deepEqual(next(events.wanted), { phase: 'queued', since: 40, stored: null });
    assert.deepEqual(next(events.granted), { phase: 'starting', since: 40, attempt: 1, stored: null });
    assert.deepEqual(next(events.attempt), { phase: 'starting', since: 40, attempt: 3, stored: null });
    assert.deepEqual(next(events.head), { phase: 'filling', since: 40, representation: fresher });
    assert.deepEqual(next(events.deserted), { phase: 'paused', by: 'idle', stored: fresher });
    assert.deepEqual(next(events.wanted), { phase: 'queued', since: 40, stored: fresher });
    assert.deepEqual(next(events.failed), { phase: 'failed', failure, retryAt: 77, stored: fresher });
    assert.deepEqual(next(events.closed), { phase: 'idle', stored: null });
  });

  it('that its user pauses is paused by its user until that is lifted', () => {
    const held = transition(states.filling, events.held);
    assert.deepEqual(held, { phase: 'paused', by: 'user', stored: known });
    assert.throws(() => transition(held, events.wanted));
    assert.deepEqual(transition(held, events.released), { phase: 'paused', by: 'idle', stored: known });
  });

  it('knows its representation in every phase from its head on', () => {
    for (const name of names) {
      const state: FillState = states[name];
      assert.equal(representationOf(state), 'representation' in state ? state.representation : state.stored, name);
    }
  });

  it('takes fresher fields in whatever phase it is', () => {
    for (const name of names) assert.equal(representationOf(transition(states[name], events.described)), fresher, name);
  });
});
