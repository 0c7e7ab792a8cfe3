/** A fill as people see it: plain values at one moment, and the words for why it is where it is. */

import type { ByteRange } from '../bytes/byte-range.ts';
import { durationWords } from '../kit/amounts.ts';
import { describeFailure, type Failure } from './failure.ts';
import type { Fetch } from './fetch.ts';
import type { FetchPhase } from './fetch-status.ts';
import type { LineView } from './line.ts';
import type { Phase } from './phase.ts';
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
  readonly fetches: readonly FetchView[];
  readonly readers: readonly ReaderView[];
  /** How many readers wait for a byte that is not present. */
  readonly waiters: number;
  /** Whether the line carries the film; `null` as long as nobody knows what it needs. */
  readonly line: LineView | null;
}

/** From when to when: since when bytes are wanted, and when whoever wants them gives up (`null`: nobody waits for them). */
interface WaitingView {
  readonly since: number;
  readonly until: number | null;
}

/** What the origin is being asked, while bytes of it are waited for. */
interface AskingView {
  /** The longest wait. */
  readonly wait: WaitingView;
  /** 1 for the first try. */
  readonly attempt: number;
  /** How the last try ended; `null` where none has failed since bytes came. */
  readonly lastFailure: Failure | null;
}

/** A phase with what belongs to it. */
export type FillStateView =
  | { readonly phase: 'idle' }
  | { readonly phase: 'queued'; readonly wait: WaitingView }
  | ({ readonly phase: 'starting' } & AskingView)
  /** `stalled`: somebody waits for bytes in the midst of the film, for longer than bytes take. */
  | { readonly phase: 'filling'; readonly since: number; readonly stalled: AskingView | null }
  | { readonly phase: 'paused'; readonly by: 'idle' | 'user' }
  | { readonly phase: 'complete' }
  | {
      readonly phase: 'failed';
      readonly failure: Failure;
      /** Before this the origin asked to be left alone; `null` where it said nothing. */
      readonly retryAt: number | null;
    };

/** `resting` at the window's edge; `retrying` in the pause before the origin is asked again. */
export const fetchStates = ['queued', 'starting', 'filling', 'resting', 'retrying'] as const;
export type FetchState = (typeof fetchStates)[number];

export interface FetchView {
  /** The offset of the next byte that it will write. */
  readonly position: number;
  /** Where the body that it reads ends; `null` where only its framing tells, or where it reads none. */
  readonly until: number | null;
  /** Bytes a second of its connection; `null` before it has any. */
  readonly speed: number | null;
  readonly state: FetchState;
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
  /** How long it waits for the byte at its position; `null` where that is there. */
  readonly wait: (WaitingView & { readonly until: number }) | null;
}

/** Shorter waits in mid-film are the usual time between two pieces, in milliseconds. */
const stalledAfter = 1000;

export function viewState(
  phase: Phase,
  fetches: Iterable<Fetch>,
  readers: readonly ReaderView[],
  now: number,
): FillStateView {
  const { current, since, attempt } = phase;
  const waits = readers.flatMap(({ wait }) => wait ?? []).sort((one, other) => one.since - other.since);
  const wait = waits[0] ?? { since: phase.wantedSince, until: null };
  const asking = (): AskingView => {
    const [lastFailure = null] = [...fetches].map(({ status }) => status.lastFailure).filter((each) => each !== null);
    return { wait, attempt, lastFailure };
  };
  switch (current) {
    case 'idle':
    case 'complete':
      return { phase: current };
    case 'queued':
      return { phase: current, wait };
    case 'starting':
      return { phase: current, ...asking() };
    case 'filling': {
      const isStalled = wait.until !== null && now - wait.since >= stalledAfter;
      return { phase: current, since, stalled: isStalled ? asking() : null };
    }
    case 'paused':
      return { phase: current, by: phase.pausedBy };
    case 'failed': {
      const { failure, retryAt } = phase;
      if (failure === null) throw new Error('a fill has failed without a failure');
      return { phase: current, failure, retryAt };
    }
  }
}

/** `until` is when it gives up, where it waits. */
export function viewReader({ position, end, throughput, hungrySince: since }: Reader, until: number): ReaderView {
  return { position, end, speed: throughput, wait: since === null ? null : { since, until } };
}

export function viewFetch(fetch: Fetch): FetchView {
  const { position, bodyEnd, throughput } = fetch;
  const { phase, attempt, retryAt, lastFailure } = fetch.status;
  return {
    position,
    until: bodyEnd > position && Number.isFinite(bodyEnd) ? bodyEnd : null,
    speed: throughput,
    state: retryAt === null ? states[phase] : 'retrying',
    attempt,
    lastFailure: lastFailure === null ? null : describeFailure(lastFailure),
    retryAt,
  };
}

const states: Readonly<Record<FetchPhase, FetchState>> = {
  queued: 'queued',
  connecting: 'starting',
  streaming: 'filling',
  parked: 'resting',
  done: 'resting',
  failed: 'resting',
};

const pauseReasons = {
  idle: 'paused: nobody is playing it',
  user: 'paused by you',
} as const;

/** Why a fill is in its phase, in words: "waiting for the origin: 12.4 s of 30 s, attempt 3, connection refused". */
export function phaseReason(state: FillStateView, now: number): string {
  switch (state.phase) {
    case 'idle':
      return 'nobody is playing it';
    case 'queued':
      return `waiting for a free connection: ${spent(state.wait, now)}`;
    case 'starting':
      return askingWords(state, now);
    case 'filling':
      return state.stalled === null
        ? `downloading for ${durationWords(now - state.since)}`
        : askingWords(state.stalled, now);
    case 'paused':
      return pauseReasons[state.by];
    case 'complete':
      return 'complete';
    case 'failed': {
      const pause = (state.retryAt ?? now) - now;
      const next = pause > 0 ? `the origin asks for a pause of ${seconds(pause)}` : 'the next request tries again';
      return `failed: ${describeFailure(state.failure).replace(/\.$/, '')}; ${next}`;
    }
  }
}

function askingWords({ wait, attempt, lastFailure }: AskingView, now: number): string {
  const failure = lastFailure === null ? '' : `, ${inFewWords(lastFailure)}`;
  return `waiting for the origin: ${spent(wait, now)}, attempt ${attempt}${failure}`;
}

function spent({ since, until }: WaitingView, now: number): string {
  return `${seconds(now - since)}${until === null ? '' : ` of ${seconds(until - since)}`}`;
}

function inFewWords(failure: Failure): string {
  if (failure.kind === 'error') return failure.error.type.replaceAll('_', ' ');
  return failure.kind === 'answer' ? `status ${failure.answer.status}` : describeFailure(failure);
}

function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(1))} s`;
}
