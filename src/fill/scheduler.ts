/**
 * The one place that decides which fetch brings which byte of a fill.
 *
 * It hears of every change: a reader waits, moved a unit or left; a fetch has an answer, brought bytes or ended. Then it
 * joins readers to fetches, has more started or given up, and has all goals set anew. An answer of another representation
 * makes it obsolete: what is present can be read on, nothing more is fetched.
 */
import type { OpenRange } from '../bytes/byte-range.ts';
import { sameSelection } from '../http/vary.ts';
import type { OriginReply } from '../origin/origin.ts';
import { BackgroundWork } from './background-work.ts';
import { type Failure, FillFailed } from './failure.ts';
import type { Fetch } from './fetch.ts';
import type { FetchChange, FetchSink } from './fetch-sink.ts';
import { Fetches, type FetchesParts } from './fetches.ts';
import { Foresight, type ForesightParts } from './foresight.ts';
import { Line } from './line.ts';
import type { Opening } from './opening.ts';
import { missingAhead, type planFor, type Snapshot } from './plan.ts';
import type { Reader } from './reader.ts';
import { Readers, type ReadersParts } from './readers.ts';
import { SideBySide } from './side-by-side.ts';
import { stepPatienceMs, surelyGoesOn } from './steps.ts';
import type { UpstreamRequest } from './upstream-request.ts';
import type { Waiters } from './waiters.ts';

export interface SchedulerParts
  extends ForesightParts,
    Omit<ReadersParts, 'foresight'>,
    Omit<FetchesParts, 'readers' | 'line'> {
  readonly waiters: Waiters;
}

export class Scheduler implements FetchSink<Fetch> {
  readonly #parts: SchedulerParts;
  readonly #foresight: Foresight;
  readonly #sideBySide: SideBySide;
  /** Resolves when the first answer has been judged, or will not be. */
  readonly #opened = Promise.withResolvers<void>();
  readonly readers: Readers;
  readonly fetches: Fetches;
  readonly work: BackgroundWork;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    const decide = () => this.decide();
    const foresight = new Foresight(parts, decide);
    const readers = new Readers({ ...parts, foresight }, (moved) => this.#feed(moved));
    const { clock, upstream, reporter } = parts;
    const { playheads } = readers;
    const line = new Line({ clock, upstream, foresight, playheads }, (view) => reporter.line(view));
    const snapshot = (): Snapshot<Fetch> => ({
      content: upstream.content,
      fetches: fetches.all,
      readers: Array.from(readers, (reader) => sideBySide.interestOf(reader)),
      pieces: sideBySide.pieces,
      ...this.work.wanted,
    });
    const fetches = new Fetches({ ...parts, readers, line }, this, snapshot);
    const sideBySide = new SideBySide({ ...parts, foresight, readers, fetches });
    this.#foresight = foresight;
    this.readers = readers;
    this.fetches = fetches;
    this.#sideBySide = sideBySide;
    this.work = new BackgroundWork({ ...parts, foresight, readers, fetches, sideBySide }, decide);
  }

  /** What the film needs, in bytes a second; `null` where it does not tell. */
  get bytesPerSecond(): number | null {
    return this.#foresight.bytesPerSecond;
  }

  /** Begins with an answer that is there; resolves when it has been judged. */
  async begin(opening: Opening): Promise<void> {
    this.#parts.upstream.contradiction = opening.contradiction;
    this.fetches.start(opening.request.start, { opening });
    await this.#opened.promise;
  }

  /** Sees to it that a fetch shall bring what the reader waits for, or that the reader knows why none can. */
  serve(reader: Reader): void {
    const headEnd = this.#foresight.headEnd(reader);
    if (headEnd !== null && reader.position >= headEnd) {
      this.#parts.clock.after(this.#foresight.headMs, () => {
        if (this.readers.has(reader) && reader.waitingSince !== null) this.serve(reader);
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
      if (!comes) this.fetches.assign(assigned);
      return;
    }
    // In the midst of a reply it waits for the user to resume, as for an origin that is silent.
    if (this.fetches.isPaused && reader.begun) return;
    const refusal = this.fetches.refusal ?? this.#fetchFor(reader);
    if (refusal === null) return;
    this.readers.fail(reader, refusal);
    this.#parts.waiters.wake();
  }

  /** Joins a fetch or starts one; where neither can help, says why. */
  #fetchFor(reader: Reader): Failure | null {
    this.work.yield();
    const { clock, policy, presence, phase } = this.#parts;
    const plan = this.#planFor(reader, reader.position);
    if ('join' in plan) {
      reader.assign(plan.join);
      this.fetches.assign(plan.join);
      return null;
    }
    if (!this.fetches.resumable && presence.present.size > 0) return { kind: 'uncombinable' };
    const { failure, retryAt } = phase;
    const isTooLate = retryAt !== null && retryAt - clock.now() > policy.firstByteTimeout;
    if (failure !== null && isTooLate) return this.readers.toldTo(failure, true);
    this.fetches.endKeeping();
    const { said, suffix } = reader;
    const fetch = this.fetches.add(plan.open, { notBefore: retryAt, said, suffix });
    reader.assign(fetch);
    this.fetches.run(fetch);
    this.#sideBySide.seek(reader);
    return null;
  }

  /** What is to bring a byte to a reader. Who goes on in steps has what was left out before its place brought along, where that takes but a moment. */
  #planFor({ goesOn }: Reader, position: number): ReturnType<typeof planFor<Fetch>> {
    if (!goesOn) return this.fetches.planFor(position);
    const { content, firstByteMs, pace } = this.#parts.upstream;
    const plan = this.fetches.planFor(position, Math.max(stepPatienceMs, firstByteMs));
    const start = this.readers.steps.gapBefore(position, content.present);
    const most = Math.max(surelyGoesOn, (pace.throughput * stepPatienceMs) / 1000);
    return 'join' in plan || position - start > most ? plan : this.fetches.planFor(start);
  }

  /** A reader stands in another unit: parked fetches may go on, and it shall not run dry. */
  follow(reader: Reader): void {
    this.#sideBySide.follow(reader);
    this.readers.moved(reader);
  }

  /** Has brought what those who have moved will want next, before they wait for it. */
  #feed(moved: Iterable<Reader>): void {
    const present = [...moved].filter((reader) => this.readers.has(reader));
    // Of what is whole nothing is decided but what to foresee, which others have had their part in when they moved.
    if (!this.#isWhole) this.decide();
    else if (present.length > 0) this.#foresight.attend(present);
    const { phase, policy, upstream } = this.#parts;
    for (const reader of present) {
      if (this.fetches.isPaused || !this.fetches.resumable) continue;
      if (reader.plays && policy.fill === 'complete') this.work.jobs.completeFrom(reader.position);
      if (phase.current !== 'filling' && phase.current !== 'paused') continue;
      const missing = missingAhead(this.#sideBySide.interestOf(reader), upstream.content);
      const plan = missing === null ? null : this.#planFor(reader, missing);
      if (plan === null || !('open' in plan)) continue;
      this.fetches.endKeeping();
      this.fetches.start(plan.open, { said: reader.said });
      if (missing === reader.position) this.#sideBySide.seek(reader);
    }
  }

  /**
   * One that has played may come back to the fetches that it had. But many players open the next place before they close
   * the last one: where somebody else reads, nothing is kept.
   */
  leave(reader: Reader): void {
    if (!this.readers.has(reader)) return;
    // Who came only a moment ago is seen all the same.
    if (!this.#isWhole) this.readers.settle();
    this.readers.delete(reader);
    this.work.left(reader);
    const { plays, position, goesOn } = reader;
    if ((plays || goesOn) && this.readers.size === 0) this.fetches.keepFrom(position);
    this.decide();
  }

  /** A reader's time is over; `isFetchLate`: that of its fetch is, too, where nobody else waits for it. */
  abandon(reader: Reader, failure: Failure, isFetchLate: boolean): void {
    const fetch = reader.assignment?.fetch;
    reader.assign(null);
    if (fetch === undefined) return;
    if (isFetchLate && !this.readers.isWaitedFor(fetch)) fetch.giveUp(failure);
    else this.fetches.assign(fetch);
  }

  /** Nothing is left to bring. */
  get #isWhole(): boolean {
    return this.#parts.phase.current === 'complete' && this.fetches.all.size === 0;
  }

  /** Something has changed: sets every goal anew, begins background work, and derives the phase. */
  decide(): void {
    this.#foresight.attend(this.readers);
    if (this.#isWhole) return;
    this.fetches.assignAll();
    this.work.begin();
    this.fetches.settle(null);
  }

  /** A user lets fetches run again. */
  resume(): void {
    if (!this.fetches.isPaused) return;
    this.fetches.resume();
    for (const reader of this.readers.waiting) this.serve(reader);
    this.decide();
  }

  /** Nothing more will be fetched; `failure` is what those are told who wait, for a fetch or for a user. */
  end(failure: Failure): void {
    this.fetches.end(failure);
    this.#parts.guard.end();
    this.work.end(failure);
    for (const reader of this.readers.waiting) this.readers.fail(reader, failure);
    this.#parts.waiters.wake();
  }

  // What fetches ask and report.

  get midReply(): boolean {
    return this.#parts.upstream.served && this.readers.anyBegun;
  }

  async judge(
    fetch: Fetch,
    request: UpstreamRequest,
    reply: OriginReply,
    signal: AbortSignal,
  ): Promise<OpenRange | null> {
    const { upstream, guard, waiters } = this.#parts;
    const isFirst = upstream.known === null;
    const { exclusive } = guard;
    try {
      const body = await this.#unlessChanged(guard.judge(request, reply));
      if (body !== null && (body.start !== request.start || !request.ranged)) {
        await guard.keepSeams(new Set([fetch, ...this.readers].map(({ position }) => position)), signal);
        fetch.beginAt(body.start);
      }
      if (upstream.known !== null) this.readers.aimAtEnd(upstream.known.length);
      // Of a file that ends before what is wanted of it, nothing may be left to come.
      this.work.jobs.look();
      if (!isFirst && !exclusive && guard.exclusive) this.readers.turnAway(this.fetches.resumable);
      waiters.wake();
      this.fetches.completeIfWhole();
      this.fetches.assignAll();
      return body;
    } finally {
      this.#opened.resolve();
    }
  }

  accept(fetch: Fetch, offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> | undefined {
    const { guard } = this.#parts;
    if (offset !== fetch.position) return this.#unlessChanged(guard.verify(offset, bytes, signal));
    if (!guard.meets(offset, bytes)) return this.#receive(fetch, bytes);
    return this.#unlessChanged(guard.meet(offset, bytes, signal)).then(() => this.#receive(fetch, bytes));
  }

  changed(fetch: Fetch, change: FetchChange): void {
    const { guard, upstream, waiters, reporter } = this.#parts;
    switch (change.type) {
      case 'phase':
        if (fetch.status.live) this.fetches.settle(null);
        else this.#fetchEnded(fetch);
        break;
      case 'trouble':
        if (!this.#sideBySide.refused(fetch)) this.fetches.assign(fetch);
        else {
          this.work.refused(fetch.position);
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
        this.work.jobs.look();
        this.fetches.completeIfWhole();
        this.fetches.assign(fetch);
    }
    waiters.wake();
  }

  #receive(fetch: Fetch, bytes: Buffer): Promise<void> | undefined {
    const { guard, presence, waiters, reporter } = this.#parts;
    const { position: offset } = fetch;
    guard.reached(offset);
    if (offset === 0) guard.begins(bytes);
    const pressure = presence.write(offset, bytes);
    fetch.advance(bytes.length);
    this.readers.received({ start: offset, end: fetch.position });
    reporter.received(offset, bytes.length);
    this.fetches.received(fetch, bytes.length);
    this.work.received();
    waiters.received();
    this.fetches.completeIfWhole();
    this.#sideBySide.received(fetch, bytes.length);
    this.fetches.assign(fetch);
    return pressure;
  }

  #fetchEnded(fetch: Fetch): void {
    const failure = fetch.status.phase === 'failed' ? fetch.status.lastFailure : null;
    const isAwaited = [...this.readers].some(({ assignment }) => assignment?.fetch === fetch);
    const { isJob, isUnheard } = this.work.ended(fetch, failure, isAwaited);
    this.#opened.resolve();
    this.fetches.delete(fetch);
    if (failure === null) this.#sideBySide.ended();
    this.#reassign(fetch, failure);
    this.fetches.assignAll();
    if (failure !== null && isJob) this.work.jobs.failed(failure);
    else this.work.begin();
    this.fetches.settle(isUnheard ? null : failure);
  }

  /** Those who waited for its bytes learn why they will not come, or wait for another's. */
  #reassign(fetch: Fetch, failure: Failure | null): void {
    const { present } = this.#parts.presence;
    for (const reader of this.readers) {
      if (reader.assignment?.fetch !== fetch) continue;
      reader.assign(null);
      if (reader.waitingSince === null || present.has(reader.position)) continue;
      // What it waits for may come by another that has begun between them since.
      const isAnothers = 'join' in this.fetches.planFor(reader.position);
      if (failure === null || isAnothers) this.serve(reader);
      // An error may be about what another client said: this one asks for itself.
      else if (failure.kind === 'answer' && !fetch.status.budgetSpent && !sameSelection(fetch.said, reader.said))
        this.readers.fail(reader, { kind: 'exclusive' });
      else this.readers.failWith(reader, failure, fetch.status.budgetSpent);
    }
  }

  async #unlessChanged<T>(judgement: Promise<T>): Promise<T> {
    try {
      return await judgement;
    } catch (error) {
      if (error instanceof FillFailed && error.failure.kind === 'changed') this.end(error.failure);
      throw error;
    }
  }
}
