/**
 * One chain of origin requests, moving forward from an offset towards a goal that it is told.
 *
 *     queued ─▶ connecting ─▶ streaming ◀─▶ parked     (the goal's window is full, or nobody is near)
 *       ▲          │            │  ▲           │
 *       └── retry ─┴──── heal ──┘  └ next      └─▶ done    (kept a connection idle for `restTimeout`)
 *
 * A fetch is done when what follows is present or another's, or when nobody needs it any more; it fails when there is no
 * hope left. A cut or stall in the midst of a body is healed from the missing byte; before the first byte an origin that
 * may yet wake up is asked again. It knows no reader and no plan: the scheduler sets its goal, and hears of it through
 * its sink.
 */
import type { Timer } from '../clock.ts';
import type { Fields } from '../http/fields.ts';
import type { ReachabilityView } from '../origin/origin.ts';
import { untilAborted } from '../until-aborted.ts';
import { type BodyRequest, cutShort, emptyPart, type Pause } from './body-request.ts';
import type { Urgency } from './connection-slots.ts';
import { type Failure, FillFailed, ownFailure } from './failure.ts';
import type { FetchSink } from './fetch-sink.ts';
import { type FetchPhase, FetchStatus } from './fetch-status.ts';
import type { Opening } from './opening.ts';
import { type Goal, noGoal, type PlannedFetch } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import { goesOnPast, RangedBody, type RangedBodyParts, type Requester } from './ranged-body.ts';
import { failureFrom, retryAfter, retryCause, Tries } from './retry.ts';
import { type Compare, compareAfter, compareBefore } from './seam.ts';
import { TimeSlice } from './time-slice.ts';

export interface FetchParts extends RangedBodyParts {
  readonly reachability: ReachabilityView;
  readonly policy: FillPolicy;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

export interface FetchStart {
  /** Counts up within a fill. */
  readonly id: number;
  readonly position: number;
  /** The fields of the client for which it begins. */
  readonly said: Fields;
  /** So many bytes from the end it is to bring, where nobody knows where they begin; `null`: what follows `position`. */
  readonly suffix: number | null;
  /** Before this the origin asked not to be asked (`Retry-After`), in monotonic milliseconds; `null` where it did not. */
  readonly notBefore: number | null;
  /** What it begins with, on a connection that is there. */
  readonly opening: Opening | null;
}

export class Fetch implements Requester, PlannedFetch {
  readonly #parts: FetchParts;
  readonly #sink: FetchSink<Fetch>;
  readonly #stop = new AbortController();
  readonly #status: FetchStatus;
  #position: number;
  #goal: Goal = noGoal;
  #opening: Opening | null;
  #body: RangedBody | null = null;
  #slice: TimeSlice;
  #parkTimer: Timer | null = null;
  #unpark: ((on: boolean) => void) | null = null;
  #givenUp = false;
  /** Whether somebody who played has just left it, and may come back. */
  isKept = false;
  readonly id: number;
  readonly said: Fields;
  readonly suffix: number | null;

  constructor(
    parts: FetchParts,
    sink: FetchSink<Fetch>,
    { id, position, said, suffix, notBefore, opening }: FetchStart,
  ) {
    this.#parts = parts;
    this.#sink = sink;
    this.#status = new FetchStatus(parts.clock, notBefore);
    this.#position = position;
    this.#opening = opening;
    this.#slice = new TimeSlice(parts.clock, parts.slots);
    this.id = id;
    this.said = said;
    this.suffix = suffix;
  }

  get status(): Readonly<FetchStatus> {
    return this.#status;
  }

  /** The next byte that it will bring. */
  get position(): number {
    return this.#position;
  }

  get goal(): Goal {
    return this.#goal;
  }

  /** Whether somebody reads the film. */
  get isRead(): boolean {
    return this.#sink.midReply;
  }

  /** Bytes a second of the body that it reads, or `null` before there are any. */
  get throughput(): number | null {
    return this.#body?.current?.begun ? this.#status.throughput : null;
  }

  /** Where the body that it reads ends; `Infinity` where only its framing tells, 0 where it reads none. */
  get bodyEnd(): number {
    const current = this.#body?.current ?? null;
    return current === null ? 0 : (current.end ?? Number.POSITIVE_INFINITY);
  }

  urgency(): Urgency {
    return this.#goal.urgency;
  }

  /** Runs until it has ended. Rejects only for a bug. */
  async run(): Promise<void> {
    try {
      await this.#attempts();
      this.#enter('done');
    } catch (error) {
      const isStopped = this.#stop.signal.aborted;
      const bug = isStopped || error instanceof FillFailed ? null : { cause: error };
      if (bug !== null) this.#status.lastFailure = ownFailure('proxy_internal_error', 'The fill broke.', bug);
      else if (!isStopped && error instanceof FillFailed) this.#status.lastFailure = error.failure;
      this.#enter(isStopped && !this.#givenUp ? 'done' : 'failed');
      if (bug !== null) throw error;
    } finally {
      this.#parkTimer?.cancel();
    }
  }

  /** Ends it at once, wherever it is. */
  stop(): void {
    this.#stop.abort(new Error('the fetch was stopped'));
    this.#body?.stop(this.#stop.signal.reason);
    this.#unpark?.(false);
  }

  /** Ends it with a failure, because the last who hoped has given up. */
  giveUp(failure: Failure): void {
    this.#givenUp = true;
    this.#status.budgetSpent = true;
    this.#status.lastFailure = failure;
    this.stop();
  }

  /** Its next byte comes in some other way, or is none: before its body flows it is not needed any more. */
  overtaken(): void {
    if (this.#status.phase === 'queued' || (this.#status.phase === 'connecting' && !this.#body?.current?.begun))
      this.stop();
  }

  /** The answer begins elsewhere. */
  beginAt(position: number): void {
    this.#position = position;
  }

  /** Its bytes were taken. */
  advance(bytes: number): void {
    this.#position += bytes;
  }

  /** What it is to do from now on: go on, park, or end. */
  assign(goal: Goal): void {
    this.#goal = goal;
    if (!this.#status.live) return;
    // Another brings what it was to bring, or the end turned out to lie before it.
    if (goal.hardEnd <= this.#position && goal.urgency !== 'waited for') this.overtaken();
    if (this.#goesOn) {
      this.#parkTimer?.cancel();
      this.#parkTimer = null;
      this.#unpark?.(true);
      if (this.#status.queued || this.#status.phase === 'connecting') this.#parts.slots.press(this);
    } else if (this.#isDeserted) {
      this.#giveUpConnection();
    } else if (this.#status.phase !== 'streaming' && this.#parkTimer === null && this.#mayPark) {
      this.#parkTimer = this.#parts.clock.after(this.#parkMs, () => this.#giveUpConnection());
    }
  }

  /** Somebody else needs a connection: what nobody waits for is given up. */
  contended(): void {
    this.#body?.dropNext();
    if (this.#parkTimer !== null) this.#giveUpConnection();
    else if (this.#parts.upstream.combinable && this.#isOutranked) this.#finish('yielded');
  }

  get #goesOn(): boolean {
    return this.#goal.until > this.#position || this.#goal.hardEnd <= this.#position;
  }

  /** Whether any reader will come to it if it goes on. */
  get #isFollowed(): boolean {
    return this.#goal.readersEnd > this.#position;
  }

  get #isDeserted(): boolean {
    return !this.#isFollowed && this.#status.received > 0 && !this.isKept;
  }

  /** Whether what follows could be asked for again, or nobody would. */
  get #mayPark(): boolean {
    return this.#parts.upstream.combinable || !this.#isFollowed;
  }

  /** A connection that was slow to come is kept longer, for a reader who may come back to it. */
  get #parkMs(): number {
    const { policy, upstream } = this.#parts;
    return this.#isFollowed ? policy.restTimeout : Math.max(policy.restTimeout, 2 * upstream.firstByteMs);
  }

  /** Whether its connection is to be given to somebody else, who waits for it. */
  get #mustYield(): boolean {
    return this.#parts.upstream.combinable && (this.#isOutranked || this.#slice.isOver(this.#status.received));
  }

  get #isOutranked(): boolean {
    return this.#slice.isOutranked(this.#goal.pressed ? 'waited for' : this.#goal.urgency);
  }

  #giveUpConnection(): void {
    this.#body?.dropNext();
    if (this.#unpark !== null) this.#unpark(false);
    else if (this.#status.phase === 'streaming') this.#finish('rested');
    else this.stop();
  }

  /** Ends the request that is under way; but a body of which little is missing is read to its end. */
  #finish(pause: Pause): void {
    const request = this.#body?.current ?? null;
    if (request === null || (request.begun && this.#drains(request))) return;
    request.finish(pause);
  }

  #drains(request: BodyRequest): boolean {
    return request.drainsFrom(this.#position, this.#status.throughput);
  }

  async #attempts(): Promise<void> {
    const { clock, policy, random, upstream } = this.#parts;
    if (this.#status.retryAt !== null) await this.#sleepUntil(this.#status.retryAt);
    const tries = new Tries(policy, random);
    for (let { progressAt } = this.#status; ; ) {
      const receivedBefore = this.#status.received;
      try {
        const pause = await this.#withConnection();
        if (pause === 'arrived' || pause === 'rested') return;
        tries.succeeded();
        ({ progressAt } = this.#status);
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        const failure = error instanceof FillFailed ? error.failure : failureFrom(error);
        this.#status.lastFailure = failure;
        if (tries.failed(this.#position, this.#status.received > receivedBefore)) ({ progressAt } = this.#status);
        else this.#status.progressAt = progressAt;
        const healing = this.#status.received > 0;
        const cause = retryCause(failure, this.#sink.midReply);
        if (cause === null || (healing && !upstream.combinable)) throw new FillFailed(failure);
        this.#sink.changed(this, { type: 'trouble' });
        this.#stop.signal.throwIfAborted();
        const asked = retryAfter(failure, clock.wallTime());
        const delay = tries.pause({ healing, asked, hope: this.#goal.deadline - clock.now() });
        this.#status.budgetSpent = delay === null;
        if (delay === null) throw new FillFailed(failure);
        this.#status.attempt += 1;
        this.#sink.changed(this, { type: 'retry', cause, delay });
        this.#enter('connecting');
        if (delay > 0) await this.#sleepUntil(clock.now() + delay);
      }
    }
  }

  async #sleepUntil(at: number): Promise<void> {
    const { clock, reachability } = this.#parts;
    this.#status.retryAt = at;
    await reachability.sleep(Math.max(0, at - clock.now()), this.#stop.signal);
    this.#status.retryAt = null;
  }

  /** One request after another over the connection that it is given, until something else is to be done. */
  async #withConnection(): Promise<Pause> {
    const opening = this.#opening;
    this.#opening = null;
    if (opening === null && !this.#mayGoOn) return 'arrived';
    const { clock, slots, upstream } = this.#parts;
    const body = await this.#queue(opening);
    this.#body = body;
    this.#slice = new TimeSlice(clock, slots);
    try {
      if (opening === null && !this.#mayGoOn) return 'arrived';
      for (let request = this.#ask(body, opening); ; ) {
        const pause = await body.work(request, () => this.#receive(request));
        if (pause === 'contradicted') {
          this.#status.attempt += 1;
          this.#sink.changed(this, { type: 'retry', cause: 'contradiction', delay: 0 });
          if (!body.mayAskAgain()) return 'yielded';
          request = this.#ask(body);
          continue;
        }
        if (pause !== 'ran out') return pause;
        if (request.received === 0 && !upstream.asksAloneAt(this.#position)) throw emptyPart();
        if (!goesOnPast(this.#position, this.#goal)) return 'arrived';
        const next = await body.takeNext(() => this.#mayGoOn);
        if (!this.#mayGoOn) return 'arrived';
        if (next !== null) request = next;
        else if (
          this.#mustYield ||
          this.#slice.isOver(this.#status.received, upstream.firstByteMs) ||
          !body.mayAskAgain()
        )
          return 'yielded';
        else request = this.#ask(body);
      }
    } finally {
      this.#body = null;
      body.close();
      // It may have been stopped before it took that.
      opening?.reply.body.cancel();
    }
  }

  #ask(body: RangedBody, opening: Opening | null = null): BodyRequest {
    this.#stop.signal.throwIfAborted();
    this.#enter('connecting');
    return body.ask(opening);
  }

  get #mayGoOn(): boolean {
    return this.#goal.hardEnd > this.#position && this.#goal.until > this.#position;
  }

  async #queue(opening: Opening | null): Promise<RangedBody> {
    if (opening !== null) return RangedBody.open(this.#parts, this, opening, this.#stop.signal);
    this.#status.beginQueueing();
    this.#enter('queued');
    try {
      return await RangedBody.open(this.#parts, this, null, this.#stop.signal);
    } finally {
      this.#status.endQueueing();
    }
  }

  /** Has the head judged, and takes the body. Rejects with `FillFailed` or a `ProxyError`. */
  async #receive(request: BodyRequest): Promise<Pause> {
    const { ranged, start: asked, suffix } = request.request;
    // A store that makes no object keeps no connection from others.
    const judged = this.#sink.judge(this, request.request, await request.head(), request.signal);
    const body = await untilAborted(judged, request.signal);
    if (body === null) return 'contradicted';
    request.announce(body);
    if (ranged && suffix === undefined && body.start === asked)
      await compareBefore(request, body.start, this.#position, this.#compareFor(request));
    request.begin();
    this.#flows(request.isEarly);
    return this.#stream(request);
  }

  #compareFor(request: BodyRequest): Compare {
    return (offset, bytes) => this.#sink.accept(this, offset, bytes, request.signal);
  }

  async #stream(request: BodyRequest): Promise<Pause> {
    for (;;) {
      const { end } = request;
      if (end !== this.#position && this.#goal.hardEnd <= this.#position) return 'arrived';
      const drains = this.#drains(request);
      if (!drains && this.#goal.until <= this.#position) {
        request.expectNothing();
        if (!(await this.#park())) return 'rested';
        request.expectBytes();
        continue;
      }
      if (!drains && this.#mustYield) return 'yielded';
      if (end !== null) this.#body?.askEarly(end);
      const bytes = await this.#read(request);
      if (bytes === null) {
        if (request.end === null) this.#sink.changed(this, { type: 'body ended', certain: request.endsForCertain });
        return this.#goal.hardEnd <= this.#position ? 'arrived' : 'ran out';
      }
      const pause = await this.#meet(request, bytes);
      if (pause !== null) return pause;
      await this.#take(request, bytes);
    }
  }

  /** The next bytes. Those of one body from the start that end right where others begin come with some that meet these. */
  async #read(request: BodyRequest): Promise<Buffer | null> {
    const { upstream } = this.#parts;
    const bytes = await request.read();
    const seam = upstream.content.ranges === false ? upstream.seamAfter(this.#position) : null;
    if (bytes === null || seam?.start !== this.#position + bytes.length) return bytes;
    const before = Buffer.from(bytes);
    const next = await request.read();
    if (next === null) throw cutShort();
    return Buffer.concat([before, next]);
  }

  /**
   * Compares what comes with the present bytes that it meets, before it is taken: else a reader would cross from one
   * version to another. Resolves with `arrived` where the fetch ends there, and with `yielded` where its body has nothing
   * that could be compared, because they came after it was asked for. One body from the start, where the origin gives no
   * other, goes on past them.
   */
  async #meet(request: BodyRequest, bytes: Buffer): Promise<Extract<Pause, 'arrived' | 'yielded'> | null> {
    const { upstream } = this.#parts;
    const { start, end } = request.request;
    if (request.received === 0 && start === this.#position && upstream.seamBefore(start) !== null) return 'yielded';
    const seam = upstream.seamAfter(this.#position);
    if (seam === null || upstream.content.ranges === false) return null;
    const before = seam.start - this.#position;
    if (bytes.length < before) return null;
    if (seam.start === request.end && !upstream.seen.reach(seam.start)) {
      if (request.end === end) return 'yielded';
      throw cutShort();
    }
    // A copy: more may be read to be compared.
    const missing = Buffer.from(bytes.subarray(0, before));
    await compareAfter(request, seam, bytes.subarray(before), this.#compareFor(request));
    if (before > 0) await this.#take(request, missing);
    return 'arrived';
  }

  async #take(request: BodyRequest, bytes: Buffer): Promise<void> {
    const isFirst = request.received === 0;
    request.came(bytes.length);
    this.#status.came(bytes.length);
    const pressure = this.#sink.accept(this, this.#position, bytes, request.signal);
    if (isFirst) this.#sink.changed(this, { type: 'first byte', times: request.times, early: request.isEarly });
    if (pressure !== undefined) {
      request.expectNothing();
      await untilAborted(pressure, request.signal);
    }
    request.expectBytes();
  }

  /** Resolves with `true` when there is reason to go on, `false` when the connection has been idle for too long. */
  async #park(): Promise<boolean> {
    if (this.#isDeserted) return false;
    if (this.#parts.slots.contention === 'waited for' && this.#mayPark) return false;
    this.#body?.dropNext();
    this.#enter('parked');
    const on = await new Promise<boolean>((resolve) => {
      this.#unpark = resolve;
      if (this.#stop.signal.aborted) resolve(false);
      else this.assign(this.#goal);
    });
    this.#unpark = null;
    this.#parkTimer?.cancel();
    this.#parkTimer = null;
    if (on) this.#flows(false);
    return on;
  }

  /** A body begins to come; `seamless` where it follows on another without a pause. */
  #flows(seamless: boolean): void {
    if (!seamless) this.#status.flows();
    this.#slice.begin(this.#status.received);
    this.#enter('streaming');
  }

  #enter(phase: FetchPhase): void {
    if (this.#status.phase === phase && phase !== 'connecting') return;
    this.#status.phase = phase;
    this.#sink.changed(this, { type: 'phase' });
  }
}
