/**
 * The states of a fill, and the one pure function that moves between them.
 *
 *     idle ──wanted──▶ queued ──granted──▶ starting ──head──▶ filling ──whole──▶ complete
 *                        ▲                    │ attempt ↺        │
 *                        └──────wanted────────┴──── failed, paused{idle} ◀┘
 *
 * A user may hold any fill that is not complete: paused{user}, until it is released to paused{idle}.
 * What exists only in a phase lives only in that member. A full read-ahead window is no phase: a cursor rests.
 * Fresh or stale is no phase either: it is a predicate over time.
 */
import type { Representation } from '../http/representation.ts';
import type { Failure } from './failure.ts';

export type FillState =
  | { readonly phase: 'idle'; readonly stored: Representation | null }
  | { readonly phase: 'queued'; readonly since: number; readonly stored: Representation | null }
  | {
      readonly phase: 'starting';
      readonly since: number;
      readonly attempt: number;
      readonly stored: Representation | null;
    }
  | { readonly phase: 'filling'; readonly since: number; readonly representation: Representation }
  | { readonly phase: 'paused'; readonly by: 'idle' | 'user' | 'disk'; readonly stored: Representation | null }
  | { readonly phase: 'complete'; readonly representation: Representation }
  | {
      readonly phase: 'failed';
      readonly failure: Failure;
      /** Monotonic milliseconds before which the origin asked not to be asked again; `null` where it did not. */
      readonly retryAt: number | null;
      readonly stored: Representation | null;
    };

export type FillEvent =
  | { readonly type: 'wanted'; readonly at: number }
  | { readonly type: 'granted'; readonly at: number }
  | { readonly type: 'requeued'; readonly at: number }
  | { readonly type: 'attempt'; readonly attempt: number }
  | { readonly type: 'head'; readonly at: number; readonly representation: Representation }
  | { readonly type: 'described'; readonly representation: Representation }
  | { readonly type: 'whole' }
  | { readonly type: 'lost' }
  | { readonly type: 'deserted' }
  | { readonly type: 'held' }
  | { readonly type: 'released' }
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly failure: Failure; readonly retryAt: number | null };

/** The representation that this fill brings in, from the moment it is known. */
export function representationOf(state: FillState): Representation | null {
  return state.phase === 'filling' || state.phase === 'complete' ? state.representation : state.stored;
}

/** The next state. An event that makes no sense in a state is a bug: thrown, never swallowed. */
export function transition(state: FillState, event: FillEvent): FillState {
  switch (event.type) {
    case 'wanted':
      if (state.phase === 'idle' || state.phase === 'failed' || (state.phase === 'paused' && state.by === 'idle')) {
        return { phase: 'queued', since: event.at, stored: state.stored };
      }
      break;
    case 'granted':
      if (state.phase === 'queued') return { phase: 'starting', since: event.at, attempt: 1, stored: state.stored };
      break;
    case 'requeued':
      if (state.phase === 'starting') return { phase: 'queued', since: event.at, stored: state.stored };
      break;
    case 'attempt':
      if (state.phase === 'starting') return { ...state, attempt: event.attempt };
      break;
    case 'head':
      if (state.phase === 'starting') {
        return { phase: 'filling', since: event.at, representation: event.representation };
      }
      // It was under way when the user held the fill.
      if (state.phase === 'paused' && state.by === 'user') return { ...state, stored: event.representation };
      break;
    case 'described':
      if (state.phase === 'filling' || state.phase === 'complete') {
        return { ...state, representation: event.representation };
      }
      return { ...state, stored: event.representation };
    case 'whole': {
      const representation = representationOf(state);
      if (representation !== null && representation.length !== null) return { phase: 'complete', representation };
      break;
    }
    case 'lost':
      if (state.phase === 'complete') return { phase: 'paused', by: 'idle', stored: state.representation };
      return state;
    case 'deserted':
      if (state.phase === 'queued' || state.phase === 'starting' || state.phase === 'filling') {
        return { phase: 'paused', by: 'idle', stored: representationOf(state) };
      }
      break;
    case 'held':
      if (state.phase !== 'complete') return { phase: 'paused', by: 'user', stored: representationOf(state) };
      break;
    case 'released':
      if (state.phase === 'paused' && state.by === 'user') return { ...state, by: 'idle' };
      break;
    case 'closed':
      return { phase: 'idle', stored: null };
    case 'failed':
      if (state.phase === 'queued' || state.phase === 'starting' || state.phase === 'filling') {
        return {
          phase: 'failed',
          failure: event.failure,
          retryAt: event.retryAt,
          stored: representationOf(state),
        };
      }
      break;
  }
  throw new Error(`a fill that is ${state.phase} can take no event "${event.type}"`);
}

/** What all cursors of a fill do at one moment. */
export interface Activity {
  /** Those that are live. */
  readonly cursors: number;
  /** Those of them that wait for a connection. */
  readonly queued: number;
  /** The highest number of a try among them. */
  readonly attempt: number;
  /** Whether anybody reads. */
  readonly read: boolean;
  /** What ended the last cursor, where it failed. */
  readonly failure: Failure | null;
}

/**
 * The event that brings a state in line with what the cursors do; `null` where it is. Applied until it is `null`.
 * `retryAt` is when an origin that failed may be asked again.
 */
export function eventFor(state: FillState, activity: Activity, at: number, retryAt: number | null): FillEvent | null {
  const { cursors, queued, attempt, read, failure } = activity;
  const busy = state.phase === 'queued' || state.phase === 'starting' || state.phase === 'filling';
  if (state.phase === 'complete' || (state.phase === 'paused' && state.by === 'user')) return null;
  if (cursors === 0) {
    if (busy && failure !== null) return { type: 'failed', failure, retryAt };
    return busy && !read ? { type: 'deserted' } : null;
  }
  if (!busy) return { type: 'wanted', at };
  if (state.phase === 'queued' && queued < cursors) return { type: 'granted', at };
  if (state.phase === 'starting' && queued === cursors) return { type: 'requeued', at };
  if (state.phase === 'starting' && attempt !== state.attempt) return { type: 'attempt', attempt };
  return null;
}
