/**
 * What happened, at the moment it happened: the domain's events and the bus that carries them.
 *
 * Every `at` and every timestamp in a timeline is monotonic milliseconds of the one `Clock`. No event carries a
 * query string, a credential or a URL: a target appears as the path that may be shown (showable.ts).
 */
import type { ByteRange } from './bytes/byte-range.ts';
import type { ProxyErrorType } from './errors.ts';
import { showableText } from './showable.ts';

/** The states of a fill, in the order in which a cold one passes them. */
export const fillPhases = ['idle', 'queued', 'starting', 'filling', 'paused', 'complete', 'failed'] as const;
export type FillPhase = (typeof fillPhases)[number];

/** The phases in which a fill is counted: all but idle, in which it holds nothing and waits for nothing. */
export const countedPhases = fillPhases.filter((phase) => phase !== 'idle');

/** How a wait for the first byte of a reply ended; `late` means that its budget was spent. */
export const waitOutcomes = ['served', 'late', 'failed', 'gone'] as const;
export type WaitOutcome = (typeof waitOutcomes)[number];

/**
 * Where the bytes of a reply came from: the page cache, from which the system itself sent them; disk, read by firstbyte;
 * memory (landed a moment ago); or the origin without storing.
 */
export const byteSources = ['page-cache', 'store', 'memory', 'pass-through'] as const;
export type ByteSource = (typeof byteSources)[number];

/**
 * How a request ended. `served`: the whole reply went out, a 304 or a redirect too. `refused`: our own 4xx. `passed`: the origin's own
 * error status. `failed`: our own 5xx. `cut`: the head was out and the rest could not be had. `gone`: the client left.
 */
export const requestOutcomes = ['served', 'refused', 'passed', 'failed', 'cut', 'gone'] as const;
export type RequestOutcome = (typeof requestOutcomes)[number];

/** Whether the asked bytes were there when the request came: all, none or some; `pass` for pass-through. */
export const cacheResults = ['hit', 'miss', 'partial', 'stale', 'pass', 'none'] as const;
export type CacheResult = (typeof cacheResults)[number];

/** Why an origin is asked again. */
export const retryCauses = [
  'refused',
  'unresolved',
  'timeout',
  'status',
  'contradiction',
  'cut',
  'stall',
  'other',
] as const;
export type RetryCause = (typeof retryCauses)[number];

/** Why one title gets as many fetches side by side as it gets. */
export const parallelReasons = [
  'not needed',
  'trying more',
  'measuring',
  'trying fewer',
  'more bring more',
  'more bring no more',
  'refused',
  'one at a time',
] as const;
export type ParallelReason = (typeof parallelReasons)[number];

/**
 * What an origin does not take of the requests that firstbyte shapes: `Range`, `If-Range`, a conditional request
 * (`If-None-Match`, `If-Modified-Since`), or `Accept-Encoding: identity`.
 */
export const lessons = ['ranges', 'suffix', 'if-range', 'conditions', 'identity'] as const;
export type Lesson = (typeof lessons)[number];

/** Whether an origin is thought to be reachable: yes, no, or not known until somebody has tried. */
export const breakerPhases = ['closed', 'open', 'half-open'] as const;
export type BreakerPhase = (typeof breakerPhases)[number];

/** Why a target's place was asked for: it was not known, its time was over, or the origin refused it. */
export const refreshReasons = ['start', 'expired', 'denied'] as const;
export type RefreshReason = (typeof refreshReasons)[number];

/** How the question for a target's place ended; `late` means that its time was over. */
export const refreshOutcomes = ['renewed', 'failed', 'late'] as const;
export type RefreshOutcome = (typeof refreshOutcomes)[number];

/** Why a request went on to another base: what the one before did, or that it has not, or another version. */
export const failoverCauses = ['unreachable', 'reset', 'timeout', 'status', 'gone', 'version'] as const;
export type FailoverCause = (typeof failoverCauses)[number];

/** What long work is there for operators, and how it ended. */
export const jobKinds = ['warm', 'verify'] as const;
export type JobKind = (typeof jobKinds)[number];
export const jobOutcomes = ['done', 'failed', 'cancelled'] as const;
export type JobOutcome = (typeof jobOutcomes)[number];

/** Why something stored was evicted: the store was too large, the disk too full, or nobody had used it for too long. */
export const evictionReasons = ['size', 'free', 'age'] as const;
export type EvictionReason = (typeof evictionReasons)[number];

/** How a stored block was lost: its content is not what was written, or could not be read. */
export const lossCauses = ['checksum', 'read'] as const;
export type LossCause = (typeof lossCauses)[number];

/** What each client has a bound of; and `descriptors`, of which all clients together have one. */
export const clientBounds = ['connections', 'requests', 'unread', 'descriptors'] as const;
export type ClientBound = (typeof clientBounds)[number];

/**
 * What was done at a bound: a connection was closed that had no request, whose client took nothing, or, of who has most,
 * any; a request was made to wait; a request or connection was refused; less was fetched ahead of a reader.
 */
export const clientBoundActions = [
  'closed-idle',
  'closed-stalled',
  'closed-busy',
  'queued',
  'refused',
  'held-back',
] as const;
export type ClientBoundAction = (typeof clientBoundActions)[number];

/** How a read's wait for memory ended: with some, or because nobody waited for the read any more. */
export const bufferWaitOutcomes = ['given', 'given up'] as const;
export type BufferWaitOutcome = (typeof bufferWaitOutcomes)[number];

/** Whether the store takes what comes, or it goes past it. */
const storeStates = ['storing', 'passing'] as const;
export type StoreState = (typeof storeStates)[number];

/** Whether the line gives what a film needs, so that it plays on. */
export const lineOutcomes = ['unknown', 'fast enough', 'will stall'] as const;
export type LineOutcome = (typeof lineOutcomes)[number];

interface FillEventBase {
  at: number;
  fill: number;
  origin: string;
  path: string;
}

export interface FillStateEvent extends FillEventBase {
  type: 'fill-state';
  from: FillPhase;
  to: FillPhase;
}

/** One fetch's way to its first byte; `null` for `connectedAt` where a warm connection needed no connecting. */
export interface FillFirstByteEvent extends FillEventBase {
  type: 'fill-first-byte';
  offset: number;
  /** 1 for the first try. */
  attempt: number;
  /** Milliseconds spent in the queue for a connection, before `startedAt`. */
  queued: number;
  startedAt: number;
  connectedAt: number | null;
  headAt: number;
  landedAt: number;
  storedAt: number;
}

export interface FillDoneEvent extends FillEventBase {
  type: 'fill-done';
  length: number;
  duration: number;
}

export interface FillFailedEvent extends FillEventBase {
  type: 'fill-failed';
  error: ProxyErrorType | 'origin_status';
  status: number | null;
  message: string;
}

/** Something else is to be said of whether the line carries the film than before; in bytes a second. */
interface LineEvent extends FillEventBase {
  type: 'line';
  needs: number;
  gives: number | null;
  outcome: LineOutcome;
  message: string;
}

/** An origin is about to be asked again; `heal` when bytes had already come. */
export interface RetryEvent extends FillEventBase {
  type: 'retry';
  kind: 'retry' | 'heal';
  cause: RetryCause;
  offset: number;
  attempt: number;
  delay: number;
}

/** One network read of a fill. */
export interface BytesLandedEvent {
  type: 'bytes-landed';
  at: number;
  fill: number;
  origin: string;
  offset: number;
  bytes: number;
}

/** One piece of a reply was given to its client. */
export interface BytesSentEvent {
  type: 'bytes-sent';
  at: number;
  request: number;
  /** `null` where the bytes come from the store, and nothing had to be fetched. */
  fill: number | null;
  origin: string;
  path: string;
  source: ByteSource;
  offset: number;
  bytes: number;
}

/** An origin can't be connected to, is tried while somebody waits for it, or has been reached. */
export interface BreakerEvent {
  type: 'breaker';
  at: number;
  origin: string;
  from: BreakerPhase;
  to: BreakerPhase;
  /** How the last attempt to connect failed; `null` where one came about. */
  cause: ProxyErrorType | null;
}

/** Somebody was asked where a target is to be had now. */
export interface RefreshEvent {
  type: 'refresh';
  at: number;
  origin: string;
  path: string;
  reason: RefreshReason;
  outcome: RefreshOutcome;
  /** In milliseconds. */
  duration: number;
}

/** A request's wait for its first byte has ended; those that found it present do not wait. */
export interface FirstByteWaitEvent {
  type: 'first-byte-wait';
  at: number;
  request: number;
  origin: string;
  outcome: WaitOutcome;
  /** Milliseconds from the request's acceptance. */
  duration: number;
}

/** A 5xx of firstbyte's own making (not one passed on from an origin) went out. */
export interface OwnErrorEvent {
  type: 'own-error';
  at: number;
  request: number;
  origin: string | null;
  path: string;
  status: number;
  reason: ProxyErrorType;
  /** The fill's phase when it was decided; `null` where there was no fill. */
  phase: FillPhase | null;
  /** Milliseconds from the request's acceptance. */
  waited: number;
  message: string;
}

export interface RequestDoneEvent {
  type: 'request-done';
  at: number;
  request: number;
  /** `null` where no origin was named. */
  origin: string | null;
  path: string;
  method: string;
  /** `null` where the client left before a status was known. */
  status: number | null;
  outcome: RequestOutcome;
  cache: CacheResult;
  /** The fill that gave the bytes; `null` where none did. */
  fill: number | null;
  /** The client's own trace (W3C Trace Context), well formed; `null` where it names none. */
  traceparent: string | null;
  range: ByteRange | null;
  bytes: number;
  timeline: {
    acceptedAt: number;
    /** The first of the nine patience bytes, where any went out. */
    patienceAt: number | null;
    headOutAt: number | null;
    firstByteOutAt: number | null;
    doneAt: number;
  };
}

/** A base of an origin did not give what was wanted, so that another is asked. */
export interface FailoverEvent {
  type: 'failover';
  at: number;
  origin: string;
  /** Host and port. */
  from: string;
  to: string;
  cause: FailoverCause;
}

/** Long work that an operator asked for has ended. */
interface JobDoneEvent {
  type: 'job-done';
  at: number;
  job: string;
  kind: JobKind;
  outcome: JobOutcome;
  /** Bytes that it went through. */
  done: number;
}

/** Stored bytes had to go: a segment, or for its age a whole object. */
export interface EvictedEvent {
  type: 'evicted';
  at: number;
  reason: EvictionReason;
  /** Empty, as is `path`, where an earlier version of firstbyte stored it. */
  origin: string;
  path: string;
  bytes: number;
}

/** A stored block is not believed any more; where it is wanted it is fetched again. */
export interface BlockLostEvent {
  type: 'block-lost';
  at: number;
  origin: string;
  path: string;
  cause: LossCause;
  bytes: number;
}

/** A read from disk had to wait for memory. */
export interface BufferWaitEvent {
  type: 'buffer-wait';
  at: number;
  outcome: BufferWaitOutcome;
  /** In milliseconds. */
  duration: number;
}

/** There were more clients that take nothing than there is memory for: the one that was idle the longest had to go. */
export interface StalledEndedEvent {
  type: 'stalled-ended';
  at: number;
  /** How many there are still. */
  stalled: number;
}

/** The store takes nothing more, or takes again what comes. */
interface StoreStateEvent {
  type: 'store-state';
  at: number;
  from: StoreState;
  to: StoreState;
  /** The system's code of what is in the way, or `FULL`; `null` where nothing is. */
  code: string | null;
}

/** A client came to one of its bounds, or had most where all together came to theirs. */
export interface ClientBoundEvent {
  type: 'client-bound';
  at: number;
  /** Its address, or its network. */
  client: string;
  bound: ClientBound;
  action: ClientBoundAction;
  /** Whether this was not told of it within the last minute. */
  isNews: boolean;
}

/** A bug: something was thrown that nobody expects, or an illegal transition was asked for. */
export interface BugEvent {
  type: 'bug';
  at: number;
  message: string;
  stack: string;
}

/** Whatever was thrown, as the event of a bug. */
export function bugOf(thrown: unknown, at: number): BugEvent {
  const { stack = '' } = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { type: 'bug', at, message: showableText(String(thrown)), stack: showableText(stack) };
}

export type DomainEvent =
  | FillStateEvent
  | FillFirstByteEvent
  | FillDoneEvent
  | FillFailedEvent
  | LineEvent
  | RetryEvent
  | BreakerEvent
  | RefreshEvent
  | BytesLandedEvent
  | BytesSentEvent
  | FirstByteWaitEvent
  | OwnErrorEvent
  | RequestDoneEvent
  | FailoverEvent
  | JobDoneEvent
  | EvictedEvent
  | BlockLostEvent
  | BufferWaitEvent
  | StalledEndedEvent
  | StoreStateEvent
  | ClientBoundEvent
  | BugEvent;

export type Listener = (event: DomainEvent) => void;

/** Carries each event, synchronously and in order, to whoever listens. */
export class EventBus {
  readonly #listeners = new Set<Listener>();

  /**
   * Returns the function that ends the subscription. What a listener throws, also in an `async` function, harms nobody
   * else: it is an event of its own, a bug, unless it was thrown at the sight of one.
   */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: DomainEvent): void {
    for (const listener of this.#listeners) {
      try {
        const heard: unknown = listener(event);
        if (heard instanceof Promise) heard.catch((error) => this.#failed(event, error));
      } catch (error) {
        this.#failed(event, error);
      }
    }
  }

  #failed({ type, at }: DomainEvent, thrown: unknown): void {
    if (type !== 'bug') this.emit(bugOf(thrown, at));
  }
}
