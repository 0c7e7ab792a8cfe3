/**
 * The one place that decides which fetch brings which byte of a fill.
 *
 * After any change (a reader came, waits, moved a unit or left; a fetch brought bytes or ended; a background job began;
 * the length became known) it takes a snapshot, asks the plan (`plan.ts`), sets the goals of the fetches, and starts and
 * stops them. An answer of another representation makes it obsolete: what is present can be read on, nothing more is
 * fetched.
 */
import { type ByteRange, clipTo, type OpenRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { bugOf, type EventBus } from '../events.ts';
import type { Origin, OriginReply, ReachabilityView } from '../origin/origin.ts';
import { Audience } from './audience.ts';
import { BackgroundJobs, type JobProgress } from './background-jobs.ts';
import type { ConnectionSlots } from './connection-slots.ts';
import type { Deadlines } from './deadlines.ts';
import { type Failure, FillFailed } from './failure.ts';
import { Fetch, type FetchChange, type FetchSink } from './fetch.ts';
import type { Opening } from './opening.ts';
import type { FillName, Phase } from './phase.ts';
import { goalOf, missingAhead, planFor, type Snapshot } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import type { Presence } from './presence.ts';
import type { Reader } from './reader.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamRequest } from './upstream-request.ts';
import type { MayShare, VersionGuard } from './version-guard.ts';
import type { Waiters } from './waiters.ts';

export interface SchedulerParts {
  readonly name: FillName;
  readonly origin: Origin;
  readonly reachability: ReachabilityView;
  readonly slots: ConnectionSlots;
  readonly policy: FillPolicy;
  readonly clock: Clock;
  readonly events: EventBus;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Whether an answer may be given to all who wait for it. */
  readonly mayShare: MayShare;
  readonly upstream: Upstream;
  readonly guard: VersionGuard;
  readonly presence: Presence;
  readonly phase: Phase;
  readonly deadlines: Deadlines;
  readonly waiters: Waiters;
}

export class Scheduler implements FetchSink {
  readonly #parts: SchedulerParts;
  readonly #readers = new Set<Reader>();
  readonly #fetches = new Set<Fetch>();
  /** Those that somebody who played has just left, and may come back to. */
  readonly #kept = new Set<Fetch>();
  readonly #background: BackgroundJobs;
  readonly #audience: Audience;
  #nextFetch = 1;
  #ended: Failure | null = null;
  #opened: { readonly request: UpstreamRequest; readonly judged: () => void } | null = null;
  #pausedByUser = false;
  /** Whether somebody has played it since its units were finished last. */
  #played = false;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#background = new BackgroundJobs(parts.clock, parts.policy, () => this.decide());
    this.#audience = new Audience(parts.guard, parts.mayShare);
  }

  get fetches(): ReadonlySet<Fetch> {
    return this.#fetches;
  }

  get readers(): ReadonlySet<Reader> {
    return this.#readers;
  }

  /** Whether what it fetches may be given to later requests. */
  get shared(): boolean {
    return this.#parts.guard.shared && this.#ended === null;
  }

  /** Whether there is work that needs no reader, or a user's word that is to be kept. */
  get engaged(): boolean {
    return this.#pausedByUser || this.#background.open;
  }

  /** The next byte of a live stream that comes in now; `null` where it is none. */
  get frontier(): number | null {
    const [fetch] = this.#fetches;
    const { live, exclusive } = this.#parts.guard;
    return live && !exclusive && fetch !== undefined ? fetch.position : null;
  }

  /** Why a reader can't be served to its end here; `null` where it can. */
  unfitFor(reader: Reader): Failure | null {
    return this.#audience.unfitFor(reader, this.#resumable);
  }

  /** What a reader is told in place of a failure; `spent`: it has no time to ask for itself. */
  toldTo(failure: Failure, spent: boolean): Failure {
    return this.#audience.toldTo(failure, spent, this.#parts.clock.wallTime());
  }

  /** Begins with an answer that is there; resolves when it has been judged. */
  async begin(opening: Opening): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opened = { request: opening.request, judged: resolve };
    this.#parts.upstream.contradiction = opening.contradiction;
    this.#start(opening.request.start, null, opening);
    await promise;
  }

  /** Whether what is missing of a range can be asked for, or comes soon with a body that is under way. */
  canBring(range: OpenRange): boolean {
    const { upstream, guard, presence } = this.#parts;
    const { known } = upstream;
    if (known === null || this.#resumable || guard.live) return true;
    const clipped = clipTo(range, known.length);
    const gap = presence.present.firstGap(clipped);
    if (gap === null) return true;
    const content = { ...upstream.content, ranges: known.ranges };
    const plan = planFor(gap.start, content, this.#fetches, upstream.firstByteMs);
    return 'join' in plan && plan.join.bodyEnd >= clipped.end;
  }

  join(reader: Reader): void {
    this.#readers.add(reader);
  }

  /** Sees to it that a fetch shall bring what the reader waits for, or that the reader knows why none can. */
  serve(reader: Reader): void {
    const assigned = reader.assignment?.fetch;
    if (assigned?.live && assigned.position <= reader.position) {
      // In the midst of a reply each wait has budgets of its own.
      if (reader.begun) reader.assign(assigned);
      // A body that comes for somebody who waits comes for this one, too.
      if (assigned.phase !== 'streaming' || assigned.urgency() !== 'waited for') this.#assign(assigned);
      return;
    }
    // In the midst of a reply it waits for the user to resume, as for an origin that is silent.
    if (this.#pausedByUser && reader.begun) return;
    const refusal = this.#ended ?? (this.#pausedByUser ? pausedByUser() : this.#fetchFor(reader));
    if (refusal !== null) this.#fail(reader, refusal);
  }

  /** Joins a fetch or starts one; where neither can help, says why. */
  #fetchFor(reader: Reader): Failure | null {
    const { clock, policy, presence, phase, upstream } = this.#parts;
    const plan = planFor(reader.position, upstream.content, this.#fetches, upstream.firstByteMs);
    if ('join' in plan) {
      reader.assign(plan.join);
      this.#assign(plan.join);
      return null;
    }
    if (!this.#resumable && presence.present.size > 0) return { kind: 'uncombinable' };
    const { failure, retryAt } = phase;
    const isTooLate = retryAt !== null && retryAt - clock.now() > policy.firstByteTimeout;
    if (failure !== null && isTooLate) return this.toldTo(failure, true);
    this.#endKeeping();
    this.#start(plan.open, retryAt, null, reader);
    return null;
  }

  /** A reader stands in another unit: parked fetches may go on, and it shall not run dry. */
  follow(reader: Reader): void {
    this.decide();
    const { phase, policy, upstream } = this.#parts;
    if (this.#ended !== null || this.#pausedByUser || !this.#resumable || !this.#readers.has(reader)) return;
    if (reader.plays && policy.fill === 'complete') this.#background.completeFrom(reader.position);
    if (phase.current !== 'filling' && phase.current !== 'paused') return;
    const missing = missingAhead(this.#interest(reader), upstream.content);
    if (missing === null) return;
    const plan = planFor(missing, upstream.content, this.#fetches, upstream.firstByteMs);
    if (!('open' in plan)) return;
    this.#endKeeping();
    this.#start(plan.open, null);
  }

  /**
   * One that has played may come back to the fetches that it had. But many players open the next place before they close
   * the last one: where somebody else reads, nothing is kept.
   */
  leave(reader: Reader): boolean {
    if (!this.#readers.delete(reader)) return false;
    const { plays, position } = reader;
    if (plays && this.#readers.size === 0)
      for (const fetch of this.#fetches) if (fetch.position >= position) this.#kept.add(fetch);
    this.#played ||= plays;
    this.decide();
    return true;
  }

  /** A reader's time is over; `budget` says whether that of its fetch is too. */
  abandon(reader: Reader, failure: Failure, isFetchLate: boolean): void {
    const fetch = reader.assignment?.fetch;
    reader.assign(null);
    if (fetch === undefined) return;
    if (isFetchLate && !this.#isWaitedFor(fetch)) fetch.giveUp(failure);
    else this.#assign(fetch);
  }

  /** Something has changed: sets every goal anew, begins background work, and derives the phase. */
  decide(): void {
    this.#assignAll();
    this.#work();
    this.#settle(null);
  }

  /** Brings bytes in behind all playback; resolves when they are present. Rejects with `FillFailed`. */
  async warm(
    ranges: readonly ByteRange[],
    onProgress: (progress: JobProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#ended !== null) throw this.#failed(this.#ended);
    const warmed = this.#background.warm(ranges, onProgress, signal);
    this.#lookAtJobs();
    this.#work();
    await warmed;
  }

  /** Asks the origin for nothing until it is resumed. */
  pause(): void {
    if (this.#pausedByUser) return;
    this.#pausedByUser = true;
    this.#parts.phase.pause();
    for (const fetch of this.#fetches) fetch.stop();
    void this.#parts.presence.commit();
  }

  resume(): void {
    if (!this.#pausedByUser) return;
    this.#pausedByUser = false;
    this.#parts.phase.resume();
    for (const reader of this.#readers) if (reader.waitingSince !== null) this.serve(reader);
    this.decide();
  }

  /** Nothing more will be fetched; `failure` is what those are told who wait for it. */
  end(failure: Failure): void {
    this.#ended ??= failure;
    this.#parts.guard.end();
    this.#background.end(failure);
    for (const fetch of this.#fetches) fetch.stop();
  }

  /** Ends the wait of all readers with `failure`, and everything else. */
  #obsolete(failure: Failure): void {
    this.end(failure);
    for (const reader of this.#readers) if (reader.waitingSince !== null) this.#fail(reader, failure);
    this.#parts.waiters.wake();
  }

  // What fetches report.

  async judge(request: UpstreamRequest, reply: OriginReply): Promise<OpenRange | null> {
    const { upstream, guard, waiters } = this.#parts;
    const isFirst = upstream.known === null;
    const { exclusive } = guard;
    try {
      const body = await this.#unlessChanged(guard.judge(request, reply));
      if (!isFirst && !exclusive && guard.exclusive) this.#turnAway();
      waiters.wake();
      this.#completeIfWhole();
      this.#assignAll();
      return body;
    } finally {
      if (this.#opened?.request === request) this.#endOpening();
    }
  }

  accept(fetch: Fetch, offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> | undefined {
    const { guard } = this.#parts;
    if (offset !== fetch.position) return this.#unlessChanged(guard.verify(offset, bytes, signal));
    const seam = guard.seamIn(offset, bytes);
    if (seam === null) return this.#receive(fetch, bytes);
    return this.#unlessChanged(guard.verify(seam.start, seam.bytes, signal)).then(() => this.#receive(fetch, bytes));
  }

  changed(fetch: Fetch, change: FetchChange): void {
    const { clock, events, name, guard, upstream } = this.#parts;
    const { attempt } = fetch;
    switch (change.type) {
      case 'phase':
        if (fetch.live) this.#settle(null);
        else this.#fetchEnded(fetch);
        this.#parts.waiters.wake();
        return;
      case 'trouble':
        this.#assign(fetch);
        return;
      case 'retry': {
        const { cause, delay } = change;
        const kind = fetch.received > 0 ? 'heal' : 'retry';
        events.emit({ type: 'retry', at: clock.now(), ...name, kind, cause, offset: fetch.position, attempt, delay });
        return;
      }
      case 'first byte': {
        const { times, early } = change;
        // What was asked for early lay there: its head tells when it came.
        upstream.answeredIn((early ? times.headAt : times.landedAt) - times.startedAt);
        const storedAt = clock.now();
        events.emit({ type: 'fill-first-byte', at: storedAt, ...name, attempt, storedAt, ...times });
        return;
      }
      case 'body ended':
        guard.bodyEnded(fetch.position, change.certain);
        this.#lookAtJobs();
        this.#parts.waiters.wake();
        this.#completeIfWhole();
        this.#assign(fetch);
    }
  }

  #receive(fetch: Fetch, bytes: Buffer): Promise<void> | undefined {
    const { clock, events, name, guard, presence, upstream, waiters } = this.#parts;
    const { position: offset } = fetch;
    guard.reached(offset);
    const pressure = presence.write(offset, bytes);
    fetch.advance(bytes.length);
    for (const reader of this.#readers) reader.received({ start: offset, end: fetch.position }, presence.ahead);
    upstream.flows(fetch.steadyThroughput);
    const { fill, origin } = name;
    events.emit({ type: 'bytes-landed', at: clock.now(), fill, origin, offset, bytes: bytes.length });
    for (const other of this.#fetches) if (presence.present.has(other.position)) other.overtaken();
    if (this.#background.open) {
      this.#background.prospers();
      this.#lookAtJobs();
    }
    waiters.wake();
    this.#completeIfWhole();
    this.#assign(fetch);
    return pressure;
  }

  #fetchEnded(fetch: Fetch): void {
    const failure = fetch.phase === 'failed' ? fetch.lastFailure : null;
    const isJob = this.#background.covers(fetch.position);
    // What fails in the background is tried again, and is no state of the fill.
    const isUnheard = failure !== null && this.#readers.size === 0 && isJob;
    this.#endOpening();
    this.#fetches.delete(fetch);
    this.#kept.delete(fetch);
    this.#reassign(fetch, failure);
    this.#assignAll();
    if (failure !== null) this.#played = false;
    if (failure !== null && isJob) this.#background.failed(failure);
    else this.#work();
    this.#settle(isUnheard ? null : failure);
  }

  /** Those who waited for its bytes learn why they will not come, or wait for another's. */
  #reassign(fetch: Fetch, failure: Failure | null): void {
    const { presence, deadlines } = this.#parts;
    for (const reader of this.#readers) {
      if (reader.assignment?.fetch !== fetch) continue;
      reader.assign(null);
      if (reader.waitingSince === null || presence.present.has(reader.position)) continue;
      if (failure === null) {
        this.serve(reader);
        continue;
      }
      const error = deadlines.outOfReach(reader);
      const told = this.toldTo(error === null ? failure : { kind: 'error', error }, fetch.budgetSpent);
      this.#fail(reader, told, fetch.budgetSpent);
    }
  }

  /** What comes is for one client only: of those who have got nothing yet, the others ask for themselves. */
  #turnAway(): void {
    for (const reader of this.#readers) {
      if (reader.waitingSince === null || reader.begun) continue;
      const unfit = this.unfitFor(reader);
      if (unfit !== null) this.#fail(reader, unfit);
    }
  }

  #fail(reader: Reader, failure: Failure, budgetSpent = false): void {
    reader.fail(this.#failed(failure, budgetSpent));
  }

  #failed(failure: Failure, budgetSpent = false): FillFailed {
    return new FillFailed(failure, this.#parts.phase.current, budgetSpent);
  }

  async #unlessChanged<T>(judgement: Promise<T>): Promise<T> {
    try {
      return await judgement;
    } catch (error) {
      if (error instanceof FillFailed && error.failure.kind === 'changed') this.#obsolete(error.failure);
      throw error;
    }
  }

  #endOpening(): void {
    this.#opened?.judged();
    this.#opened = null;
  }

  /** Who reads has the link to itself: bytes that nobody reads may be on their way in a connection that is kept. */
  #endKeeping(): void {
    const kept = [...this.#kept];
    this.#kept.clear();
    for (const fetch of kept) this.#assign(fetch);
  }

  /** Starts a fetch for what is wanted although nobody waits for it, where none is on its way there. */
  #work(): void {
    const { presence, upstream } = this.#parts;
    if (this.#pausedByUser || this.#ended !== null) return;
    this.#finishUnits();
    if (!this.#background.open) return;
    const { content } = upstream;
    const missing = this.#background.next(presence.present, content.length);
    if (missing === null) return;
    if (!this.#mayFetchMore) {
      this.#background.end({ kind: 'uncombinable' });
      return;
    }
    const isUnderWay = [...this.#fetches].some(
      ({ position }) => content.ranges === false || this.#background.covers(position),
    );
    if (isUnderWay) return;
    const plan = planFor(missing, content, this.#fetches, upstream.firstByteMs);
    this.#start('open' in plan ? plan.open : missing, null);
  }

  /**
   * What was played is kept in whole units, the index of a film at its end as well. That waits until no fetch is left:
   * nobody who seeks shall share the link with it.
   */
  #finishUnits(): void {
    const { presence, phase, policy, upstream } = this.#parts;
    if (phase.current === 'failed') this.#played = false;
    if (!this.#played || this.#readers.size > 0 || this.#fetches.size > 0) return;
    this.#played = false;
    const { ranges, length } = upstream.content;
    if (policy.fill === 'window' && ranges && this.#mayFetchMore)
      this.#background.finishUnits(presence.present, length);
  }

  /** Whether a cut can be followed by another request for the same representation. */
  get #resumable(): boolean {
    return this.#ended === null && this.#parts.upstream.combinable;
  }

  /** Whether what is missing can still be asked for and kept. */
  get #mayFetchMore(): boolean {
    const { guard, presence } = this.#parts;
    if (presence.passing || guard.live) return false;
    return this.#resumable || this.#fetches.size > 0 || presence.present.size === 0;
  }

  #lookAtJobs(): void {
    const { presence, upstream } = this.#parts;
    this.#background.look(presence.present, upstream.known?.length ?? null);
  }

  #completeIfWhole(): void {
    const { presence, phase, upstream } = this.#parts;
    const length = upstream.known?.length ?? null;
    if (phase.current !== 'filling' || length === null || presence.present.size < length) return;
    phase.complete(length);
    void presence.commit();
    this.#assignAll();
  }

  #isWaitedFor(fetch: Fetch): boolean {
    for (const { waitingSince, assignment } of this.#readers)
      if (waitingSince !== null && assignment?.fetch === fetch) return true;
    return false;
  }

  #interest(reader: Reader) {
    const { presence, deadlines } = this.#parts;
    return reader.interest(presence.ahead, (waiting) => deadlines.of(waiting).at);
  }

  #snapshot(): Snapshot<Fetch> {
    const { guard, presence, upstream } = this.#parts;
    return {
      content: upstream.content,
      fetches: this.#fetches,
      readers: Array.from(this.#readers, (reader) => this.#interest(reader)),
      jobs: presence.passing || guard.live ? [] : [...this.#background.ranges()],
    };
  }

  #assignAll(): void {
    const snapshot = this.#snapshot();
    for (const fetch of this.#fetches) this.#assign(fetch, snapshot);
  }

  #assign(fetch: Fetch, snapshot = this.#snapshot()): void {
    fetch.assign(goalOf(fetch, snapshot, this.#parts.deadlines.ahead(fetch)), this.#kept.has(fetch));
  }

  /** `waiting` is the reader for which it is started, where one waits. */
  #start(position: number, notBefore: number | null, opening: Opening | null = null, waiting?: Reader): void {
    const fetch = new Fetch(this.#parts, this, { id: this.#nextFetch, position, notBefore, opening });
    this.#nextFetch += 1;
    this.#fetches.add(fetch);
    waiting?.assign(fetch);
    this.#assignAll();
    this.#settle(null);
    fetch.run().catch((error: unknown) => {
      this.#parts.events.emit(bugOf(error, this.#parts.clock.now()));
    });
  }

  /** Brings the phase in line with what the fetches do; `failure` is what ended the last of them. */
  #settle(failure: Failure | null): void {
    const { phase, presence } = this.#parts;
    const fetches = [...this.#fetches];
    const hasChanged = phase.follow(
      {
        fetches: fetches.length,
        queued: fetches.filter((fetch) => fetch.phase === 'queued').length,
        attempt: Math.max(...fetches.map(({ attempt }) => attempt)),
        read: this.#readers.size > 0,
      },
      failure,
    );
    if (hasChanged && (phase.current === 'paused' || phase.current === 'failed')) void presence.commit();
  }
}

function pausedByUser(): Failure {
  const error = new ProxyError('proxy_internal_response', 'This title is paused until it is resumed.', {
    retryAfter: 5,
  });
  return { kind: 'error', error };
}
