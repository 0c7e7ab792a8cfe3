/**
 * The one place that decides which fetch brings which byte of a fill.
 *
 * After any change (a reader came, waits, moved a unit or left; a fetch brought bytes or ended; a background job began;
 * the length became known) it takes a snapshot, asks the plan (`plan.ts`), sets the goals of the fetches, and starts and
 * stops them. An answer of another representation makes it obsolete: what is present can be read on, nothing more is
 * fetched.
 */
import type { ByteRange, OpenRange } from '../bytes/byte-range.ts';
import { sameSelection } from '../http/vary.ts';
import type { OriginReply } from '../origin/origin.ts';
import type { JobProgress } from './background-jobs.ts';
import { BackgroundWork, type BackgroundWorkHost } from './background-work.ts';
import { type Failure, FillFailed, ownFailure } from './failure.ts';
import { Fetch, type FetchParts, type FetchStart } from './fetch.ts';
import type { FetchChange, FetchSink } from './fetch-sink.ts';
import type { FetchPhase } from './fetch-status.ts';
import type { FillReporter } from './fill-reporter.ts';
import type { ForesightParts } from './foresight.ts';
import { Line, type LineView } from './line.ts';
import type { Opening } from './opening.ts';
import { activityOf } from './phase.ts';
import { goalOf, missingAhead, planFor, type ReaderInterest, type Snapshot } from './plan.ts';
import type { Reader } from './reader.ts';
import { Readers, type ReadersParts } from './readers.ts';
import { SideBySide, type SideBySideHost, type SideBySideParts } from './side-by-side.ts';
import { isStep, stepPatienceMs, surelyGoesOn } from './steps.ts';
import type { RequestTarget } from './upstream.ts';
import type { UpstreamRequest } from './upstream-request.ts';
import type { Waiters } from './waiters.ts';

export interface SchedulerParts extends FetchParts, ReadersParts, ForesightParts, SideBySideParts {
  readonly waiters: Waiters;
  readonly target: Pick<RequestTarget, 'said'>;
  readonly reporter: FillReporter;
}

/** The phases of a fetch in which it takes what comes. */
const busy: ReadonlySet<FetchPhase> = new Set(['connecting', 'streaming']);

type FetchOptions = Omit<FetchStart, 'id' | 'position'>;

export class Scheduler implements FetchSink<Fetch>, SideBySideHost, BackgroundWorkHost {
  readonly #parts: SchedulerParts;
  readonly #readers: Readers;
  readonly #fetches = new Set<Fetch>();
  /** Those that somebody who played has just left, and may come back to. */
  readonly #kept = new Set<Fetch>();
  readonly #work: BackgroundWork;
  readonly #sideBySide: SideBySide;
  readonly #line: Line;
  #nextFetch = 1;
  #ended: Failure | null = null;
  /** Resolves when the first answer has been judged, or will not be. */
  readonly #opened = Promise.withResolvers<void>();
  #pausedByUser = false;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#work = new BackgroundWork(parts, this);
    this.#readers = new Readers(parts, (moved) => this.#feed(moved));
    this.#sideBySide = new SideBySide(parts, this);
    const { foresight, playheads } = this.#work;
    const { clock, upstream } = parts;
    this.#line = new Line({ clock, upstream, foresight, playheads }, (line) => parts.reporter.line(line));
  }

  get fetches(): ReadonlySet<Fetch> {
    return this.#fetches;
  }

  get readers(): Readers {
    return this.#readers;
  }

  /** What the film needs, in bytes a second; `null` where it does not tell. */
  get bytesPerSecond(): number | null {
    return this.#work.foresight.bytesPerSecond;
  }

  /** Whether the line carries the film; `null` as long as nobody knows what it needs. */
  get line(): LineView | null {
    return this.#line.view;
  }

  /** Whether what it fetches may be given to later requests. */
  get shared(): boolean {
    return this.#parts.guard.shared && this.#ended === null;
  }

  /** Whether there is work that needs no reader, or a user's word that is to be kept. */
  get engaged(): boolean {
    return this.#pausedByUser || this.#work.jobs.open;
  }

  /** Whether a cut can be followed by another request for the same representation. */
  get resumable(): boolean {
    return this.#ended === null && this.#parts.upstream.combinable;
  }

  /** Begins with an answer that is there; resolves when it has been judged. */
  async begin(opening: Opening): Promise<void> {
    this.#parts.upstream.contradiction = opening.contradiction;
    this.#start(opening.request.start, { opening });
    await this.#opened.promise;
  }

  join(reader: Reader): void {
    const before = isStep(reader.position, reader.end) ? this.#work.steps.before(reader.position) : 0;
    if (before > 0) reader.goOn(before);
    this.#readers.add(reader);
  }

  /** Sees to it that a fetch shall bring what the reader waits for, or that the reader knows why none can. */
  serve(reader: Reader): void {
    const headEnd = this.#work.foresight.headEnd(reader);
    if (headEnd !== null && reader.position >= headEnd) {
      this.#parts.clock.after(this.#work.foresight.headMs, () => {
        if (this.#readers.has(reader) && reader.waitingSince !== null) this.serve(reader);
      });
      return;
    }
    const assigned = reader.assignment?.fetch;
    if (assigned?.status.live && assigned.position <= reader.position) {
      // In the midst of a reply each wait has budgets of its own.
      if (reader.begun) reader.assign(assigned);
      // A body that comes for somebody who waits, and goes on to here, comes for this one, too.
      const { urgency, until } = assigned.goal;
      const comes = assigned.status.phase === 'streaming' && urgency === 'waited for' && until > reader.position;
      if (!comes) this.#assign(assigned);
      return;
    }
    // In the midst of a reply it waits for the user to resume, as for an origin that is silent.
    if (this.#pausedByUser && reader.begun) return;
    const refusal = this.#ended ?? (this.#pausedByUser ? pausedByUser() : this.#fetchFor(reader));
    if (refusal !== null) this.#readers.fail(reader, refusal);
  }

  /** Joins a fetch or starts one; where neither can help, says why. */
  #fetchFor(reader: Reader): Failure | null {
    this.#work.yield();
    const { clock, policy, presence, phase } = this.#parts;
    const plan = this.#planFor(reader, reader.position);
    if ('join' in plan) {
      reader.assign(plan.join);
      this.#assign(plan.join);
      return null;
    }
    if (!this.resumable && presence.present.size > 0) return { kind: 'uncombinable' };
    const { failure, retryAt } = phase;
    const isTooLate = retryAt !== null && retryAt - clock.now() > policy.firstByteTimeout;
    if (failure !== null && isTooLate) return this.#readers.toldTo(failure, true);
    this.#endKeeping();
    this.#start(plan.open, {
      notBefore: retryAt,
      said: reader.said,
      suffix: reader.suffix,
      waiting: reader,
    });
    this.#sideBySide.seek(reader);
    return null;
  }

  /** What is to bring a byte to a reader. Who goes on in steps has what was left out before its place brought along, where that takes but a moment. */
  #planFor({ goesOn }: Reader, position: number): ReturnType<typeof planFor<Fetch>> {
    const { content, firstByteMs, pace } = this.#parts.upstream;
    if (!goesOn) return planFor(position, content, this.#fetches, firstByteMs);
    const plan = planFor(position, content, this.#fetches, Math.max(stepPatienceMs, firstByteMs));
    const start = this.#work.steps.gapBefore(position, content.present);
    const most = Math.max(surelyGoesOn, (pace.throughput * stepPatienceMs) / 1000);
    return 'join' in plan || position - start > most ? plan : planFor(start, content, this.#fetches, firstByteMs);
  }

  /** A reader stands in another unit: parked fetches may go on, and it shall not run dry. */
  follow(reader: Reader): void {
    this.#work.playheads.moved(reader);
    this.#sideBySide.follow(reader);
    this.#readers.moved(reader);
  }

  /** Has brought what those who have moved will want next, before they wait for it. */
  #feed(moved: Iterable<Reader>): void {
    const present = [...moved].filter((reader) => this.#readers.has(reader));
    // Of what is whole nothing is decided but what to foresee, which others have had their part in when they moved.
    if (!this.#isWhole) this.decide();
    else if (present.length > 0) this.#work.foresight.attend(present);
    const { phase, policy, upstream } = this.#parts;
    for (const reader of present) {
      if (this.#ended !== null || this.#pausedByUser || !this.resumable) continue;
      if (reader.plays && policy.fill === 'complete') this.#work.jobs.completeFrom(reader.position);
      if (phase.current !== 'filling' && phase.current !== 'paused') continue;
      const missing = missingAhead(this.interestOf(reader), upstream.content);
      const plan = missing === null ? null : this.#planFor(reader, missing);
      if (plan === null || !('open' in plan)) continue;
      this.#endKeeping();
      this.#start(plan.open, { said: reader.said });
      if (missing === reader.position) this.#sideBySide.seek(reader);
    }
  }

  /**
   * One that has played may come back to the fetches that it had. But many players open the next place before they close
   * the last one: where somebody else reads, nothing is kept.
   */
  leave(reader: Reader): void {
    if (!this.#readers.has(reader)) return;
    // Who came only a moment ago is seen all the same.
    if (!this.#isWhole) this.#readers.settle();
    this.#readers.delete(reader);
    this.#work.left(reader);
    const { plays, position, goesOn } = reader;
    if ((plays || goesOn) && this.#readers.size === 0)
      for (const fetch of this.#fetches) if (fetch.position >= position) this.#kept.add(fetch);
    this.decide();
  }

  /** A reader's time is over; `isFetchLate`: that of its fetch is, too, where nobody else waits for it. */
  abandon(reader: Reader, failure: Failure, isFetchLate: boolean): void {
    const fetch = reader.assignment?.fetch;
    reader.assign(null);
    if (fetch === undefined) return;
    if (isFetchLate && !this.#readers.isWaitedFor(fetch)) fetch.giveUp(failure);
    else this.#assign(fetch);
  }

  /** Nothing is left to bring. */
  get #isWhole(): boolean {
    return this.#parts.phase.current === 'complete' && this.#fetches.size === 0;
  }

  /** Something has changed: sets every goal anew, begins background work, and derives the phase. */
  decide(): void {
    this.#work.foresight.attend(this.#readers);
    if (this.#isWhole) return;
    this.#assignAll();
    this.#fetchMore();
    this.#settle(null);
  }

  /** Brings bytes in behind all playback; resolves when they are present. Rejects with `FillFailed`. */
  async warm(
    ranges: readonly ByteRange[],
    onProgress: (progress: JobProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#ended !== null) throw this.#readers.failed(this.#ended);
    const warmed = this.#work.jobs.warm(ranges, onProgress, signal);
    this.#work.jobs.look();
    this.#fetchMore();
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
    for (const reader of this.#readers.waiting) this.serve(reader);
    this.decide();
  }

  /** Bytes are gone. Where there is no room for what nobody reads now, it is not fetched again and again. */
  lost(): void {
    this.#work.lost();
  }

  /** Nothing more will be fetched; `failure` is what those are told who wait for it. */
  end(failure: Failure): void {
    this.#ended ??= failure;
    this.#parts.guard.end();
    this.#work.end(failure);
    for (const fetch of this.#fetches) fetch.stop();
  }

  /** Ends the wait of all readers with `failure`, and everything else. */
  #obsolete(failure: Failure): void {
    this.end(failure);
    for (const reader of this.#readers.waiting) this.#readers.fail(reader, failure);
    this.#parts.waiters.wake();
  }

  // What fetches ask and report.

  get midReply(): boolean {
    return this.#parts.upstream.served && this.#readers.anyBegun;
  }

  async judge(fetch: Fetch, request: UpstreamRequest, reply: OriginReply): Promise<OpenRange | null> {
    const { upstream, guard, waiters } = this.#parts;
    const isFirst = upstream.known === null;
    const { exclusive } = guard;
    try {
      const body = await this.#unlessChanged(guard.judge(request, reply));
      if (body !== null && (body.start !== request.start || !request.ranged)) fetch.beginAt(body.start);
      if (upstream.known !== null) this.#readers.aimAtEnd(upstream.known.length);
      if (!isFirst && !exclusive && guard.exclusive) this.#readers.turnAway(this.resumable);
      waiters.wake();
      this.#completeIfWhole();
      this.#assignAll();
      return body;
    } finally {
      this.#opened.resolve();
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
    const { guard, upstream, waiters, reporter } = this.#parts;
    switch (change.type) {
      case 'phase':
        if (fetch.status.live) this.#settle(null);
        else this.#fetchEnded(fetch);
        break;
      case 'trouble':
        if (!this.#sideBySide.refused(fetch)) this.#assign(fetch);
        else {
          this.#work.refused(fetch.position);
          fetch.stop();
        }
        return;
      case 'retry':
        reporter.retry(fetch, change.cause, change.delay);
        return;
      case 'first byte': {
        const { times, early } = change;
        // What was asked for early lay there: its head tells when it came.
        upstream.answeredIn((early ? times.headAt : times.landedAt) - times.startedAt);
        reporter.firstByte(fetch, times);
        return;
      }
      case 'body ended':
        guard.bodyEnded(fetch.position, change.certain);
        this.#work.jobs.look();
        this.#completeIfWhole();
        this.#assign(fetch);
    }
    waiters.wake();
  }

  #receive(fetch: Fetch, bytes: Buffer): Promise<void> | undefined {
    const { guard, presence, upstream, waiters, reporter } = this.#parts;
    const { position: offset } = fetch;
    guard.reached(offset);
    if (offset === 0) guard.begins(bytes);
    const pressure = presence.write(offset, bytes);
    fetch.advance(bytes.length);
    this.#readers.received({ start: offset, end: fetch.position });
    upstream.flows(fetch.status.steadyThroughput);
    reporter.received(offset, bytes.length);
    this.#line.came(bytes.length);
    this.#line.look(this.#readers);
    for (const other of this.#fetches) if (presence.present.has(other.position)) other.overtaken();
    this.#work.received();
    waiters.received();
    this.#completeIfWhole();
    this.#sideBySide.received(fetch, bytes.length);
    this.#assign(fetch);
    return pressure;
  }

  #fetchEnded(fetch: Fetch): void {
    const failure = fetch.status.phase === 'failed' ? fetch.status.lastFailure : null;
    const isAwaited = [...this.#readers].some(({ assignment }) => assignment?.fetch === fetch);
    const { isJob, isUnheard } = this.#work.ended(fetch, failure, isAwaited);
    this.#opened.resolve();
    this.#fetches.delete(fetch);
    this.#kept.delete(fetch);
    if (failure === null) this.#sideBySide.ended();
    this.#reassign(fetch, failure);
    this.#assignAll();
    if (failure !== null && isJob) this.#work.jobs.failed(failure);
    else this.#fetchMore();
    this.#settle(isUnheard ? null : failure);
  }

  /** Those who waited for its bytes learn why they will not come, or wait for another's. */
  #reassign(fetch: Fetch, failure: Failure | null): void {
    const { content, firstByteMs } = this.#parts.upstream;
    for (const reader of this.#readers) {
      if (reader.assignment?.fetch !== fetch) continue;
      reader.assign(null);
      if (reader.waitingSince === null || content.present.has(reader.position)) continue;
      // What it waits for may come by another that has begun between them since.
      const isAnothers = 'join' in planFor(reader.position, content, this.#fetches, firstByteMs);
      if (failure === null || isAnothers) this.serve(reader);
      // An error may be about what another client said: this one asks for itself.
      else if (failure.kind === 'answer' && !fetch.status.budgetSpent && !sameSelection(fetch.said, reader.said))
        this.#readers.fail(reader, { kind: 'exclusive' });
      else this.#readers.failWith(reader, failure, fetch.status.budgetSpent);
    }
  }

  async #unlessChanged<T>(judgement: Promise<T>): Promise<T> {
    try {
      return await judgement;
    } catch (error) {
      if (error instanceof FillFailed && error.failure.kind === 'changed') this.#obsolete(error.failure);
      throw error;
    }
  }

  /** Who reads has the link to itself: bytes that nobody reads may be on their way in a connection that is kept. */
  #endKeeping(): void {
    const kept = [...this.#kept];
    this.#kept.clear();
    for (const fetch of kept) this.#assign(fetch);
  }

  /** Begins what is wanted although nobody waits for it. */
  #fetchMore(): void {
    if (!this.#pausedByUser && this.#ended === null) this.#work.begin();
  }

  #completeIfWhole(): void {
    const { presence, phase, upstream } = this.#parts;
    const length = upstream.known?.length ?? null;
    if (phase.current !== 'filling' || length === null || presence.present.size < length) return;
    phase.complete(length);
    void presence.commit();
    this.#assignAll();
  }

  #snapshot(): Snapshot<Fetch> {
    const { upstream } = this.#parts;
    return {
      content: upstream.content,
      fetches: this.#fetches,
      readers: Array.from(this.#readers, (reader) => this.interestOf(reader)),
      pieces: this.#sideBySide.pieces,
      ...this.#work.wanted,
    };
  }

  /** What it wants; who will leave in a moment has nothing fetched ahead. */
  interestOf(reader: Reader): ReaderInterest<Fetch> {
    const interest = this.#sideBySide.widened(this.#readers.interestOf(reader));
    const headEnd = this.#work.foresight.headEnd(reader);
    return headEnd === null ? interest : { ...interest, windowEnd: Math.min(interest.windowEnd, headEnd) };
  }

  #assignAll(): void {
    if (this.#fetches.size === 0) return;
    const snapshot = this.#snapshot();
    for (const fetch of this.#fetches) this.#assign(fetch, snapshot);
  }

  #assign(fetch: Fetch, snapshot = this.#snapshot()): void {
    fetch.assign(goalOf(fetch, snapshot, this.#parts.deadlines.ahead(fetch.status)), this.#kept.has(fetch));
  }

  /** `waiting` is the reader for which it is started, where one waits; `said` its client's fields, or the newest client's. */
  #start(position: number, { waiting, ...how }: Partial<FetchOptions> & { readonly waiting?: Reader } = {}): void {
    const fetch = this.fetchFrom(position, how);
    waiting?.assign(fetch);
    this.run(fetch);
  }

  fetchFrom(position: number, how: Partial<FetchOptions> = {}): Fetch {
    const { said } = this.#parts.target;
    const defaults = { id: this.#nextFetch, position, said, suffix: null, notBefore: null, opening: null };
    const fetch = new Fetch(this.#parts, this, { ...defaults, ...how });
    this.#nextFetch += 1;
    this.#fetches.add(fetch);
    return fetch;
  }

  run(fetch: Fetch): void {
    this.#assignAll();
    this.#settle(null);
    fetch.run().catch((error: unknown) => this.#parts.reporter.bug(error));
  }

  isPlace(offset: number): boolean {
    return this.#work.foresight.isPlace(offset);
  }

  playheadOf(reader: Reader): number {
    return this.#work.playheads.playheadOf(reader);
  }

  get hasRoom(): boolean {
    return this.#sideBySide.hasRoom;
  }

  opened(): void {
    this.#sideBySide.opened();
  }

  startFor({ said }: Reader, position: number): void {
    this.#start(position, { said });
  }

  /** Brings the phase in line with what the fetches do; `failure` is what ended the last of them. */
  #settle(failure: Failure | null): void {
    const { phase, presence } = this.#parts;
    const statuses = Array.from(this.#fetches, ({ status }) => status);
    this.#line.follow(statuses.some((status) => busy.has(status.phase)));
    this.#line.look(this.#readers);
    const activity = activityOf(statuses, this.#readers.size > 0);
    const hasChanged = phase.follow(activity, failure);
    if (hasChanged && (phase.current === 'paused' || phase.current === 'failed')) void presence.commit();
  }
}

function pausedByUser(): Failure {
  return ownFailure('proxy_internal_response', 'This title is paused until it is resumed.', { retryAfter: 5 });
}
