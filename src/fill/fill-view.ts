/** A fill as people see it: plain values at one moment, and the words for why it is where it is. */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Cursor } from './cursor.ts';
import { describeFailure, type Failure } from './failure.ts';
import type { FillPolicy } from './fill-policy.ts';
import type { FillState } from './fill-state.ts';
import type { Reader } from './reader.ts';

/** What the control API sees of the fills. */
export interface FillsView {
  /** Every fill that is known now, each a copy that changes no more. */
  fills(): FillView[];
}

/** Every time is monotonic milliseconds of the one `Clock`. */
export interface FillView {
  /** The number that the fill's events carry. */
  readonly id: number;
  /** What its bytes are stored under. */
  readonly objectId: string;
  readonly origin: string;
  /** The target's path, without its query. */
  readonly path: string;
  readonly state: FillStateView;
  /** The representation's length in bytes; `null` while it is unknown. */
  readonly length: number | null;
  /** The bytes that can be read now: sorted, disjoint, not adjacent. */
  readonly present: readonly ByteRange[];
  /** Those of them that survive a power cut. */
  readonly durable: readonly ByteRange[];
  readonly cursors: readonly CursorView[];
  readonly readers: readonly ReaderView[];
  /** How many readers wait for a byte that is not present. */
  readonly waiters: number;
}

/** A phase with what belongs to it; budgets are in milliseconds. */
export type FillStateView =
  | { readonly phase: 'idle' }
  | { readonly phase: 'queued'; readonly since: number; readonly budget: number }
  | {
      readonly phase: 'starting';
      readonly since: number;
      readonly budget: number;
      /** 1 for the first try. */
      readonly attempt: number;
      /** How the last try ended; `null` on the first. */
      readonly lastFailure: Failure | null;
    }
  | { readonly phase: 'filling'; readonly since: number }
  | { readonly phase: 'paused'; readonly by: 'idle' | 'user' | 'disk' }
  | { readonly phase: 'complete' }
  | {
      readonly phase: 'failed';
      readonly failure: Failure;
      /** Before this the origin asked to be left alone; `null` where it said nothing. */
      readonly retryAt: number | null;
    };

/** `resting` at the window's edge; `retrying` in the pause before the origin is asked again. */
export const cursorStates = ['queued', 'starting', 'filling', 'resting', 'retrying'] as const;
export type CursorState = (typeof cursorStates)[number];

export interface CursorView {
  /** The offset of the next byte that it will write. */
  readonly position: number;
  /** Where the body that it reads ends; `null` where only its framing tells, or where it reads none. */
  readonly until: number | null;
  /** Bytes a second of its connection; `null` before it has any. */
  readonly speed: number | null;
  readonly state: CursorState;
  readonly attempt: number;
  /** How the last try ended, in one sentence; `null` where bytes have come since. */
  readonly lastFailure: string | null;
  /** When the origin is asked again; `null` where nothing is waited for. */
  readonly retryAt: number | null;
}

export interface ReaderView {
  /** The offset of the next byte that it will take. */
  readonly position: number;
  /** Where it will stop; `null` for the end of the representation. */
  readonly end: number | null;
  /** Bytes a second that it takes. */
  readonly speed: number;
  /** Whether it waits for the byte at its position. */
  readonly waiting: boolean;
}

export function viewState(state: FillState, policy: FillPolicy, cursors: Iterable<Cursor>): FillStateView {
  switch (state.phase) {
    case 'idle':
    case 'complete':
      return { phase: state.phase };
    case 'queued':
      return { phase: 'queued', since: state.since, budget: policy.queueTimeout };
    case 'starting': {
      const { since, attempt } = state;
      const [lastFailure = null] = [...cursors]
        .map((cursor) => cursor.lastFailure)
        .filter((failure) => failure !== null);
      return { phase: 'starting', since, budget: policy.firstByteTimeout, attempt, lastFailure };
    }
    case 'filling':
      return { phase: 'filling', since: state.since };
    case 'paused':
      return { phase: 'paused', by: state.by };
    case 'failed':
      return { phase: 'failed', failure: state.failure, retryAt: state.retryAt };
  }
}

export function viewReader({ position, end, speed, waitingSince }: Reader): ReaderView {
  return { position, end, speed: speed.now, waiting: waitingSince !== null };
}

export function viewCursor({ position, until, speed, phase, attempt, retryAt, lastFailure }: Cursor): CursorView {
  const states = { starting: 'starting', flowing: 'filling', resting: 'resting', queued: 'queued' } as const;
  const state = phase === 'ended' || phase === 'failed' ? 'resting' : states[phase];
  return {
    position,
    until: until > position && Number.isFinite(until) ? until : null,
    speed,
    state: retryAt === null ? state : 'retrying',
    attempt,
    lastFailure: lastFailure === null ? null : describeFailure(lastFailure),
    retryAt,
  };
}

const pauseReasons = {
  idle: 'paused: nobody reads it',
  user: 'paused by its user until lifted',
  disk: 'paused: the disk takes no more',
} as const;

/** Why a fill is in its phase, in words: "waiting for the origin: 12.4 s of 30 s, attempt 3, connection refused". */
export function phaseReason(state: FillStateView, now: number): string {
  switch (state.phase) {
    case 'idle':
      return 'nobody asks for it';
    case 'queued':
      return `waiting for one of the origin's connections: ${spent(state, now)}`;
    case 'starting': {
      const failure = state.lastFailure === null ? '' : `, ${inFewWords(state.lastFailure)}`;
      return `waiting for the origin: ${spent(state, now)}, attempt ${state.attempt}${failure}`;
    }
    case 'filling':
      return `bytes have been landing for ${seconds(now - state.since)}`;
    case 'paused':
      return pauseReasons[state.by];
    case 'complete':
      return 'every byte is present';
    case 'failed': {
      const pause = (state.retryAt ?? now) - now;
      const next = pause > 0 ? `the origin wants ${seconds(pause)} of rest` : 'a new request asks the origin again';
      return `failed: ${describeFailure(state.failure).replace(/\.$/, '')}; ${next}`;
    }
  }
}

function spent(state: { since: number; budget: number }, now: number): string {
  return `${seconds(now - state.since)} of ${seconds(state.budget)}`;
}

function inFewWords(failure: Failure): string {
  if (failure.kind === 'error') return failure.error.type.replaceAll('_', ' ');
  return failure.kind === 'answer' ? `status ${failure.answer.status}` : describeFailure(failure);
}

function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(1))} s`;
}
