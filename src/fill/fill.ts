/**
 * Brings one representation in and gives it to its readers: the facade over the parts of a fill. It decides nothing.
 *
 *     origin ─▶ fetches ─▶ presence ─▶ readers
 *              (scheduler)
 *
 * The bytes are the pipe: fetches write into them, readers read out of them, and `present` says what is there. A byte
 * goes one way only: received → written → present → readers woken. A fill never changes its representation: where the
 * origin answers with another, this fill is obsolete and a new one begins.
 */
import { type ByteRange, clipTo, type OpenRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { EventBus, FillPhase } from '../events.ts';
import type { Fields } from '../http/fields.ts';
import type { Representation } from '../http/representation.ts';
import type { Held } from '../origin/origin.ts';
import type { FilePart, Store, StoreObject } from '../store/store.ts';
import type { JobProgress } from './background-jobs.ts';
import { type Budget, Deadlines } from './deadlines.ts';
import { type Failure, FillFailed, ownFailure } from './failure.ts';
import type { FetchParts } from './fetch.ts';
import { type FillName, FillReporter } from './fill-reporter.ts';
import { Lessons } from './lessons.ts';
import type { Opening } from './opening.ts';
import type { Parallelism } from './parallelism.ts';
import { Phase } from './phase.ts';
import { planFor } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import { Presence, type Taken } from './presence.ts';
import { Reader, type ReaderHost, type ReaderOptions } from './reader.ts';
import { Scheduler } from './scheduler.ts';
import { type RequestTarget, Upstream } from './upstream.ts';
import { type MayShare, VersionGuard } from './version-guard.ts';
import { type FillView, viewFetch, viewReader, viewState } from './view.ts';
import { type Arrival, arrivalAt, type Failed, type HeadArrival, headAt, Waiters } from './waiters.ts';

export interface FillParts extends Omit<FetchParts, 'upstream'> {
  readonly parallelism: Parallelism;
  readonly name: FillName;
  readonly events: EventBus;
  /** Whether an answer may be given to all who wait for it. */
  readonly mayShare: MayShare;
  readonly target: RequestTarget;
  readonly objectName: string;
  readonly store: Pick<Store, 'create'>;
  /** Whether an answer with this status and these fields may be stored. */
  readonly mayStore: (status: number, fields: Fields) => boolean;
  /** What the origin has taught before; nothing where absent. */
  readonly lessons?: Lessons | undefined;
  /** Whether it may fetch what nobody has asked for. */
  readonly foresees: boolean;
}

/** What those are told whom a stop of firstbyte leaves without what they wait for. */
export const shuttingDown = ownFailure('proxy_internal_response', 'firstbyte is shutting down.', {
  setting: 'drainTimeout',
  retryAfter: 5,
});

export class Fill implements ReaderHost {
  readonly #parts: FillParts;
  readonly #phase: Phase;
  readonly #presence: Presence;
  readonly #upstream: Upstream;
  readonly #deadlines: Deadlines;
  readonly #waiters: Waiters;
  readonly #guard: VersionGuard;
  readonly #scheduler: Scheduler;

  /** `object` is what the store had of it. */
  constructor(parts: FillParts, object: StoreObject | null) {
    const { name, clock, events, policy, reachability, slots, target } = parts;
    const reporter = new FillReporter(name, clock, events);
    const phase = new Phase(clock, reporter);
    const presence = new Presence(object, () => {
      phase.lost();
      this.#scheduler.work.lost();
    });
    const upstream = new Upstream(
      target,
      presence,
      object?.representation ?? null,
      parts.lessons ?? new Lessons(clock),
    );
    const deadlines = new Deadlines(clock, policy, reachability, presence);
    const waiters = new Waiters(clock);
    const guard = new VersionGuard({ ...parts, phase, presence, upstream, connections: slots.limit });
    this.#parts = parts;
    this.#phase = phase;
    this.#presence = presence;
    this.#upstream = upstream;
    this.#deadlines = deadlines;
    this.#waiters = waiters;
    this.#guard = guard;
    this.#scheduler = new Scheduler({ ...parts, phase, presence, upstream, deadlines, waiters, guard, reporter });
    const length = object?.representation.length ?? null;
    if (length !== null && length === presence.present.size) phase.complete(length);
  }

  /** The number that its events carry. */
  get id(): number {
    return this.#parts.name.fill;
  }

  get phase(): FillPhase {
    return this.#phase.current;
  }

  /** Who keeps it from the origin while it is paused. */
  get pausedBy(): 'idle' | 'user' {
    return this.#phase.pausedBy;
  }

  get known(): Representation | null {
    return this.#upstream.known;
  }

  /** What there is of its representation, for the origin to compare. */
  get held(): Held | undefined {
    return this.#upstream.held;
  }

  /** Whether later requests may use it: it is current, and what it brings may be shared. */
  get reusable(): boolean {
    return this.#guard.shared && this.#scheduler.fetches.ended === null;
  }

  /** Where a live stream is now, which later requests may join there; `null` for what has a beginning. */
  get frontier(): number | null {
    const [fetch] = this.#scheduler.fetches.all;
    const { live, exclusive } = this.#guard;
    return live && !exclusive && fetch !== undefined ? fetch.position : null;
  }

  /** How long a reply waits for its first byte, and in its midst for each one that follows, in milliseconds. */
  get patience(): { readonly first: number; readonly next: number } {
    const { firstByteTimeout: first, healTimeout: next } = this.#parts.policy;
    return { first, next };
  }

  /** How many read it now. */
  get readers(): number {
    return this.#scheduler.readers.size;
  }

  /** Whether the origin is being asked, or its body comes in. */
  get busy(): boolean {
    return this.#scheduler.fetches.all.size > 0;
  }

  /** Whether it is at work, or kept from it by a user: not to be closed because nobody reads. */
  get engaged(): boolean {
    return this.busy || this.#scheduler.fetches.isPaused || this.#scheduler.work.jobs.open;
  }

  /** Whether the bytes go past the store. */
  get passing(): boolean {
    return this.#presence.passing;
  }

  /** The first bytes of the representation, at most `length`; `null` where so many are not present. */
  beginning(length: number, signal: AbortSignal): Promise<Buffer | null> {
    return this.#presence.beginning(Math.min(length, this.#length ?? length), signal);
  }

  /** How much of `range` is present. */
  presence(range: ByteRange): 'all' | 'some' | 'none' {
    const { present } = this.#presence;
    if (present.covers(range)) return 'all';
    const next = present.nextStart(range.start);
    return next !== null && next < range.end ? 'some' : 'none';
  }

  /** Whether all of `range` is present, can be asked for, or comes soon with a body that is under way. */
  canGive(range: OpenRange): boolean {
    const { known, content, firstByteMs } = this.#upstream;
    if (known === null || this.#scheduler.fetches.resumable || this.#guard.live) return true;
    const clipped = clipTo(range, known.length);
    const gap = content.present.firstGap(clipped);
    if (gap === null) return true;
    const plan = planFor(gap.start, { ...content, ranges: known.ranges }, this.#scheduler.fetches.all, firstByteMs);
    return 'join' in plan && plan.join.bodyEnd >= clipped.end;
  }

  /** A new reader. */
  join(options: ReaderOptions): Reader {
    const reader = new Reader(this, options);
    this.#scheduler.readers.add(reader);
    return reader;
  }

  /** The same representation, vouched for again by the origin with fresher fields. What was learned meanwhile stays known. */
  describe(representation: Representation): void {
    const { length, ranges, changeable = false } = this.known ?? representation;
    const described = { ...representation, length, ranges, ...(changeable && { changeable }) };
    this.#upstream.known = described;
    this.#presence.describe(described);
  }

  /** Bytes that were present can't be read any more: who wants them has them fetched again. */
  lose(range: ByteRange): void {
    this.#presence.lose(range);
  }

  /** Begins with an answer that came before there was this fill; resolves when it has been judged. */
  begin(opening: Opening): Promise<void> {
    return this.#scheduler.begin(opening);
  }

  /** The origin says by now that it is for one client: for the first who asks here next. */
  reserve(): void {
    this.#guard.reserve();
  }

  /** Another representation has taken its place: what is present is read on, nothing more is fetched. */
  supersede(): void {
    this.#scheduler.end({ kind: 'changed' });
  }

  /** Stops everything and makes durable what can be; whoever still waits is told so. */
  async close(): Promise<void> {
    this.#scheduler.end(shuttingDown);
    await this.#guard.settled();
    return closedAfter(this.#presence.close(), this.#phase);
  }

  /**
   * Asks the origin for nothing until `resume`: what is present is served, whoever comes for what is missing is told 503,
   * and who is in mid-reply waits. Where every byte is present there is nothing to pause.
   */
  pause(): void {
    if (this.phase !== 'complete') this.#scheduler.fetches.pause();
  }

  resume(): void {
    this.#scheduler.resume();
  }

  /**
   * Brings bytes in behind all playback, without a reader and without keeping them in memory; resolves when they are
   * present. Rejects with `FillFailed`, or the signal's reason.
   */
  warm(
    what: readonly ByteRange[] | 'whole',
    { onProgress = () => {}, signal }: { onProgress?: (progress: JobProgress) => void; signal: AbortSignal },
  ): Promise<void> {
    const whole = [{ start: 0, end: Number.POSITIVE_INFINITY }];
    return this.#scheduler.work.warm(what === 'whole' ? whole : what, onProgress, signal);
  }

  view(): FillView {
    const { name, objectName } = this.#parts;
    const readers = [...this.#scheduler.readers].map((reader) => viewReader(reader, this.#deadlines.of(reader).at));
    return {
      id: name.fill,
      objectId: objectName,
      origin: name.origin,
      path: name.path,
      state: viewState(this.#phase, this.#scheduler.fetches.all, readers, this.clock.now()),
      length: this.known?.length ?? null,
      present: [...this.#presence.present],
      durable: this.#presence.durable,
      fetches: [...this.#scheduler.fetches.all].map(viewFetch),
      readers,
      waiters: this.#waiters.size,
      line: this.#scheduler.fetches.line,
    };
  }

  // What readers need of their host.

  get clock(): Clock {
    return this.#parts.clock;
  }

  get policy(): FillPolicy {
    return this.#parts.policy;
  }

  get bytesPerSecond(): number | null {
    return this.#scheduler.bytesPerSecond;
  }

  async representation(reader: Reader, signal: AbortSignal): Promise<Representation> {
    const look = () => headAt(this.known, reader.failed);
    const { representation } = await this.#wait<Exclude<HeadArrival, Failed>>(reader, look, signal);
    const unfit = this.#scheduler.readers.unfitFor(reader, this.#scheduler.fetches.resumable);
    if (unfit !== null) throw new FillFailed(unfit, this.phase);
    return representation;
  }

  async arrival(reader: Reader, signal: AbortSignal): Promise<'bytes' | 'end'> {
    const look = () => arrivalAt(reader.position, reader.end, this.#length, this.#presence.present, reader.failed);
    return (await this.#wait<Exclude<Arrival, Failed>>(reader, look, signal)).kind;
  }

  take(reader: Reader, signal: AbortSignal, ahead: boolean): Taken | null {
    const { start, end } = clipTo({ start: reader.position, end: reader.end }, this.#length);
    return this.#presence.take(start, end, signal, ahead ? 'ahead' : reader.begun ? 'next' : 'first');
  }

  useFile(reader: Reader, most: number, use: (part: FilePart) => number): number | null {
    const { start, end } = clipTo({ start: reader.position, end: reader.end }, this.#length);
    return this.#presence.useFile(start, Math.min(end, start + most), use);
  }

  moved(reader: Reader): void {
    this.#scheduler.follow(reader);
  }

  leave(reader: Reader): void {
    this.#scheduler.leave(reader);
  }

  get #length(): number | null {
    return this.known?.length ?? null;
  }

  /** The one way of waiting: looks, sees to it that somebody owes what is missing, and waits while there is hope. */
  async #wait<T extends { readonly kind: string }>(
    reader: Reader,
    look: () => T | Failed | null,
    signal: AbortSignal,
  ): Promise<T> {
    let budget: Budget = 'firstByteTimeout';
    const lookFor = () => {
      const seen = look();
      if (seen !== null) reader.endWait();
      return seen;
    };
    const deadline = () => {
      const { at, budget: spent } = this.#deadlines.of(reader);
      budget = spent;
      return at;
    };
    reader.beginWait();
    try {
      if (look() === null) {
        reader.waits();
        this.#scheduler.serve(reader);
      }
      const seen = await this.#waiters.wait(lookFor, deadline, signal, reader.begun);
      if (seen === null) throw this.#tooLate(reader, budget);
      if (isFailed(seen)) throw seen.error;
      return seen;
    } finally {
      reader.endWait();
    }
  }

  /** What a reader is told whose budget is spent: the last that was heard, or that nothing was. */
  #tooLate(reader: Reader, budget: Budget): FillFailed {
    const failed = new FillFailed(this.#lastHeard(reader, budget), this.phase, true);
    this.#scheduler.abandon(reader, failed.failure, budget !== 'queueTimeout');
    return failed;
  }

  #lastHeard(reader: Reader, budget: Budget): Failure {
    const { clock, origin, reachability } = this.#parts;
    // Who queues behind those who wait for an origin out of reach waits for the same.
    const told = this.#deadlines.outOfReach(reader) ?? (budget === 'queueTimeout' ? reachability.outOfReach : null);
    if (told !== null) return { kind: 'error', error: told };
    if (budget === 'queueTimeout') {
      const message = `Every connection to the origin ${origin.name} was busy.`;
      return ownFailure('connection_limit_reached', message, { setting: budget, retryAfter: 5 });
    }
    const heard = reader.assignment?.fetch.status.lastFailure;
    if (heard) return this.#scheduler.readers.toldTo(heard, true);
    const silence = ((clock.now() - (reader.assignment?.since ?? clock.now())) / 1000).toFixed(1);
    const message = `No byte came from the origin ${origin.name} within ${silence} s.`;
    return ownFailure('http_response_timeout', message, { setting: budget });
  }
}

/** Keeps nothing of the fill in memory: many may wait for the disk. */
async function closedAfter(closing: Promise<void>, phase: Phase): Promise<void> {
  await closing;
  phase.close();
}

function isFailed(seen: { readonly kind: string }): seen is Failed {
  return seen.kind === 'failed';
}
