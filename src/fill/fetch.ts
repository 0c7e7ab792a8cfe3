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
import type { OpenRange } from '../bytes/byte-range.ts';
import type { Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { RetryCause } from '../events.ts';
import type { OriginReply, ReachabilityView } from '../origin/origin.ts';
import { untilAborted } from '../until-aborted.ts';
import type { BodyRequest, FirstByteTimes, Pause } from './body-request.ts';
import { outranks, type Urgency } from './connection-slots.ts';
import type { FetchTimes } from './deadlines.ts';
import { type Failure, FillFailed } from './failure.ts';
import type { Opening } from './opening.ts';
import type { Goal, PlannedFetch } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import { goesOnPast, RangedBody, type RangedBodyParts, type Requester } from './ranged-body.ts';
import { backoff, failureFrom, retryAfter, retryCause } from './retry.ts';
import { BodyThroughput } from './throughput.ts';
import { TimeSlice } from './time-slice.ts';
import type { UpstreamRequest } from './upstream-request.ts';

export type FetchPhase = 'queued' | 'connecting' | 'streaming' | 'parked' | 'done' | 'failed';

export type FetchChange =
  | { readonly type: 'phase' }
  /** The origin did not deliver: the goal's deadline says whether it is asked again. */
  | { readonly type: 'trouble' }
  | { readonly type: 'retry'; readonly cause: RetryCause; readonly delay: number }
  /** `early`: it was asked for before it could be taken. */
  | { readonly type: 'first byte'; readonly times: FirstByteTimes; readonly early: boolean }
  /** The body ended by its framing where no length had been announced; `certain` where that proves it. */
  | { readonly type: 'body ended'; readonly certain: boolean };

/** To whom a fetch reports. Each call may set a new goal, or stop the fetch, before it returns. */
export interface FetchSink {
  /**
   * Judges a head; resolves with where its body begins and ends, or with `null` where the same is to be asked for
   * without a range. Rejects with `FillFailed`.
   */
  judge(request: UpstreamRequest, reply: OriginReply): Promise<OpenRange | null>;
  /**
   * Takes bytes at the fetch's position, and moves it past them; bytes elsewhere are present already, and are compared.
   * A promise means: wait before you read on; it rejects with `FillFailed` where they differ.
   */
  accept(fetch: Fetch, offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> | undefined;
  changed(fetch: Fetch, change: FetchChange): void;
}

export interface FetchParts extends Omit<RangedBodyParts, 'policy' | 'maySpare'> {
  readonly reachability: ReachabilityView;
  readonly policy: FillPolicy;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

export interface FetchStart {
  /** Counts up within a fill. */
  readonly id: number;
  readonly position: number;
  /** Before this the origin asked not to be asked (`Retry-After`), in monotonic milliseconds; `null` where it did not. */
  readonly notBefore: number | null;
  /** What it begins with, on a connection that is there. */
  readonly opening: Opening | null;
}

export class Fetch implements Requester, PlannedFetch, FetchTimes {
  readonly #parts: FetchParts;
  readonly #sink: FetchSink;
  readonly #stop = new AbortController();
  readonly #throughput = new BodyThroughput();
  #opening: Opening | null;
  #goal: Goal = nowhere;
  #isKept = false;
  #parkTimer: Timer | null = null;
  #unpark: ((on: boolean) => void) | null = null;
  #givenUp = false;
  #queuedSince: number | null = null;
  #queuedBefore = 0;
  #body: RangedBody | null = null;
  #slice = new TimeSlice();
  #position: number;
  #phase: FetchPhase = 'queued';
  #attempt = 1;
  #received = 0;
  #progressAt: number | null = null;
  #budgetSpent = false;
  #lastFailure: Failure | null = null;
  #retryAt: number | null;
  readonly id: number;
  readonly openedAt: number;

  constructor(parts: FetchParts, sink: FetchSink, { id, position, notBefore, opening }: FetchStart) {
    this.#parts = parts;
    this.#sink = sink;
    this.#opening = opening;
    this.#position = position;
    this.#retryAt = notBefore;
    this.id = id;
    this.openedAt = parts.clock.now();
  }

  /** The next byte that it will bring. */
  get position(): number {
    return this.#position;
  }

  get phase(): FetchPhase {
    return this.#phase;
  }

  get live(): boolean {
    return this.#phase !== 'done' && this.#phase !== 'failed';
  }

  get goal(): Goal {
    return this.#goal;
  }

  /** Of the connection that is being tried, from 1. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Bytes that came in all. */
  get received(): number {
    return this.#received;
  }

  /** When the last byte came, or `null` before the first, in monotonic milliseconds. */
  get progressAt(): number | null {
    return this.#progressAt;
  }

  /** Whether it failed because the budget of all who hoped was spent. */
  get budgetSpent(): boolean {
    return this.#budgetSpent;
  }

  /** What the origin did last where it did not deliver; `null` where bytes have come since. */
  get lastFailure(): Failure | null {
    return this.#lastFailure;
  }

  /** When the origin will be asked again, while it is not; in monotonic milliseconds. */
  get retryAt(): number | null {
    return this.#retryAt;
  }

  get queuedFor(): number {
    return this.#queuedBefore + (this.#queuedSince === null ? 0 : this.#parts.clock.now() - this.#queuedSince);
  }

  get queued(): boolean {
    return this.#queuedSince !== null;
  }

  /** Bytes a second of what comes now, or `null` before there are any. */
  get throughput(): number | null {
    return this.#body?.current?.begun ? this.#throughput.overall(this.#parts.clock.now()) : null;
  }

  /** The same without the burst that a connection begins with; `null` before enough has come to tell. */
  get steadyThroughput(): number | null {
    return this.#throughput.steady(this.#parts.clock.now());
  }

  /** Where the body that it reads ends; `Infinity` where only its framing tells, 0 where it reads none. */
  get bodyEnd(): number {
    const current = this.#body?.current ?? null;
    return current === null ? 0 : (current.end ?? Number.POSITIVE_INFINITY);
  }

  /**
   * A reader that came while the first one waited has its whole `firstByteTimeout`, on the same connection; once bytes
   * have come, nobody's wait begins with that.
   */
  get patienceMs(): number {
    return (this.#received > 0 ? 1 : 2) * this.#parts.policy.firstByteTimeout;
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
      if (this.#stop.signal.aborted) {
        this.#enter(this.#givenUp ? 'failed' : 'done');
        return;
      }
      this.#lastFailure = error instanceof FillFailed ? error.failure : broke(error);
      this.#enter('failed');
      if (!(error instanceof FillFailed)) throw error;
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
    this.#budgetSpent = true;
    this.#lastFailure = failure;
    this.stop();
  }

  /** Its next byte has come in some other way: before its body flows it is not needed any more. */
  overtaken(): void {
    if (this.#phase === 'queued' || (this.#phase === 'connecting' && !this.#body?.current?.begun)) this.stop();
  }

  /** Its bytes were taken. */
  advance(bytes: number): void {
    this.#position += bytes;
  }

  /**
   * What it is to do from now on: go on, park, or end. `isKept` where somebody who played has just left it, and may come
   * back.
   */
  assign(goal: Goal, isKept: boolean): void {
    this.#goal = goal;
    this.#isKept = isKept;
    if (!this.live) return;
    if (this.#goesOn) {
      this.#parkTimer?.cancel();
      this.#parkTimer = null;
      this.#unpark?.(true);
      if (this.queued) this.#parts.slots.press(this);
    } else if (this.#isDeserted) {
      this.#giveUpConnection();
    } else if (this.#phase !== 'streaming' && this.#parkTimer === null && this.#mayPark) {
      this.#parkTimer = this.#parts.clock.after(this.#parkMs, () => this.#giveUpConnection());
    }
  }

  /** Somebody else needs a connection: what nobody waits for is given up. */
  contended(): void {
    this.#body?.dropNext();
    if (this.#parkTimer !== null) this.#giveUpConnection();
    else if (this.#isOutranked) this.#finish('yielded');
  }

  get #goesOn(): boolean {
    return this.#goal.until > this.#position || this.#goal.hardEnd <= this.#position;
  }

  /** Whether any reader will come to it if it goes on. */
  get #isFollowed(): boolean {
    return this.#goal.readersEnd > this.#position;
  }

  get #isDeserted(): boolean {
    return !this.#isFollowed && this.#received > 0 && !this.#isKept;
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
    if (this.#isOutranked) return true;
    return this.#isWaitedBehind && this.#slice.isOver(this.#parts.clock.now(), this.#received);
  }

  /** Whether somebody waits, and the next head would come when this time slice is over. */
  get #nextWouldBeLate(): boolean {
    const { slots, clock, upstream } = this.#parts;
    const over = this.#slice.isOver(clock.now() + upstream.firstByteMs, this.#received);
    return slots.contention === 'waited for' && over;
  }

  get #isWaitedBehind(): boolean {
    const { slots, upstream } = this.#parts;
    return upstream.combinable && slots.contention === 'waited for';
  }

  get #isOutranked(): boolean {
    const { slots, upstream } = this.#parts;
    return upstream.combinable && outranks(slots.contention, this.#goal.pressed ? 'waited for' : this.urgency());
  }

  #giveUpConnection(): void {
    this.#body?.dropNext();
    if (this.#unpark !== null) this.#unpark(false);
    else if (this.#phase === 'streaming') this.#finish('rested');
    else this.stop();
  }

  /** Ends the request that is under way; but a body of which little is missing is read to its end. */
  #finish(pause: Pause): void {
    const request = this.#body?.current ?? null;
    if (request === null || (request.begun && request.drainsFrom(this.#position))) return;
    request.finish(pause);
  }

  async #attempts(): Promise<void> {
    const { clock, policy, random, upstream } = this.#parts;
    if (this.#retryAt !== null) await this.#sleepUntil(this.#retryAt);
    // From an origin without ranges each attempt begins anew: bytes up to where an earlier one came are no progress.
    let furthest = -1;
    let progressAt = this.#progressAt;
    for (let failures = 0; ; ) {
      const receivedBefore = this.#received;
      try {
        const pause = await this.#withConnection();
        if (pause === 'arrived' || pause === 'rested') return;
        failures = 0;
        progressAt = this.#progressAt;
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        const failure = error instanceof FillFailed ? error.failure : failureFrom(error);
        this.#lastFailure = failure;
        const healing = this.#received > 0;
        const progressed = this.#received > receivedBefore && this.#position > furthest;
        failures = progressed ? 1 : failures + 1;
        furthest = Math.max(furthest, this.#position);
        if (progressed) progressAt = this.#progressAt;
        else this.#progressAt = progressAt;
        const cause = retryCause(failure);
        if (cause === null || (healing && !upstream.combinable)) throw new FillFailed(failure);
        this.#sink.changed(this, { type: 'trouble' });
        const asked = retryAfter(failure, clock.wallTime());
        const hope = this.#goal.deadline - clock.now();
        this.#budgetSpent = asked >= hope || hope < policy.retryInitial;
        if (this.#budgetSpent) throw new FillFailed(failure);
        const tries = healing ? failures - 1 : failures;
        // Near the end the pauses shrink: an origin that wakes up a moment before it is still met.
        const pause = tries === 0 ? 0 : Math.min(backoff(tries, policy, random), hope / 2);
        const delay = Math.max(asked, pause);
        this.#attempt += 1;
        this.#sink.changed(this, { type: 'retry', cause, delay });
        this.#enter('connecting');
        if (delay > 0) await this.#sleepUntil(clock.now() + delay);
      }
    }
  }

  async #sleepUntil(at: number): Promise<void> {
    const { clock, reachability } = this.#parts;
    this.#retryAt = at;
    await reachability.sleep(Math.max(0, at - clock.now()), this.#stop.signal);
    this.#retryAt = null;
  }

  /** One request after another over the connection that it is given, until something else is to be done. */
  async #withConnection(): Promise<Pause> {
    const opening = this.#opening;
    this.#opening = null;
    if (opening === null && !this.#mayGoOn) return 'arrived';
    const body = await this.#queue(opening);
    this.#body = body;
    this.#slice = new TimeSlice();
    try {
      if (opening === null && !this.#mayGoOn) return 'arrived';
      for (let request = this.#ask(body, opening); ; ) {
        const pause = await body.work(request, () => this.#receive(request));
        if (pause === 'contradicted') {
          this.#attempt += 1;
          this.#sink.changed(this, { type: 'retry', cause: 'contradiction', delay: 0 });
          if (!body.mayAskAgain()) return 'yielded';
          request = this.#ask(body);
          continue;
        }
        if (pause !== 'ran out') return pause;
        if (request.received === 0) throw emptyPart();
        if (!goesOnPast(this.#position, this.#goal)) return 'arrived';
        const next = await body.takeNext(() => this.#mayGoOn);
        if (!this.#mayGoOn) return 'arrived';
        if (next !== null) request = next;
        else if (this.#mustYield || this.#nextWouldBeLate || !body.mayAskAgain()) return 'yielded';
        else request = this.#ask(body);
      }
    } finally {
      this.#body = null;
      body.close();
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
    const { clock, slots, upstream } = this.#parts;
    const maySpare = () => upstream.takesEarlyRequests && slots.used < slots.limit;
    const parts = { ...this.#parts, maySpare };
    if (opening === null) {
      this.#queuedSince = clock.now();
      this.#enter('queued');
    }
    try {
      return await RangedBody.open(parts, this, opening, this.#stop.signal);
    } finally {
      if (this.#queuedSince !== null) this.#queuedBefore += clock.now() - this.#queuedSince;
      this.#queuedSince = null;
    }
  }

  /** Has the head judged, and takes the body. Rejects with `FillFailed` or a `ProxyError`. */
  async #receive(request: BodyRequest): Promise<Pause> {
    const { ranged, start: asked } = request.request;
    const body = await this.#sink.judge(request.request, await request.head());
    if (body === null) return 'contradicted';
    if (ranged && body.start === asked) await this.#compareOverlap(request, body.start);
    else this.#position = body.start;
    request.begin(body.end);
    this.#flows(request.isEarly);
    return this.#stream(request);
  }

  /** What is present before its position, and was asked for again, must be the same. */
  async #compareOverlap(request: BodyRequest, start: number): Promise<void> {
    for (let offset = start; offset < this.#position; ) {
      const bytes = await request.read();
      if (bytes === null) throw cutShort();
      const overlap = bytes.subarray(0, this.#position - offset);
      await this.#sink.accept(this, offset, overlap, request.signal);
      offset += overlap.length;
      request.putBack(bytes.subarray(overlap.length));
    }
  }

  async #stream(request: BodyRequest): Promise<Pause> {
    const { end } = request;
    for (;;) {
      if (end !== this.#position && this.#goal.hardEnd <= this.#position) return 'arrived';
      const drains = request.drainsFrom(this.#position);
      if (!drains && this.#goal.until <= this.#position) {
        request.expectNothing();
        if (!(await this.#park())) return 'rested';
        request.expectBytes();
        continue;
      }
      if (!drains && this.#mustYield) return 'yielded';
      if (end !== null) this.#body?.askEarly(end);
      const bytes = await request.read();
      if (bytes === null) {
        if (end === null) this.#sink.changed(this, { type: 'body ended', certain: request.endsForCertain });
        else if (this.#position < end) throw cutShort();
        return this.#goal.hardEnd <= this.#position ? 'arrived' : 'ran out';
      }
      if (end !== null && this.#position + bytes.length > end) throw tooLong();
      if (await this.#meet(request, bytes)) return 'arrived';
      await this.#take(request, bytes);
    }
  }

  /**
   * Where bytes that are present prove more than the validator does, what comes is compared with those that it meets
   * before it is taken: else the reader would cross from one version to another. Resolves with whether it ends there.
   * One body from the start, where the origin gives no other, goes on past them.
   */
  async #meet(request: BodyRequest, bytes: Buffer): Promise<boolean> {
    const { upstream } = this.#parts;
    const seam = upstream.seamAfter(this.#position);
    if (seam === null || upstream.content.ranges === false) return false;
    const before = seam.start - this.#position;
    if (bytes.length < before) return false;
    let came: Buffer | null = bytes.subarray(before);
    for (let offset = seam.start; came !== null; came = offset < seam.end ? await request.read() : null) {
      const overlap = came.subarray(0, seam.end - offset);
      if (overlap.length > 0) await this.#sink.accept(this, offset, overlap, request.signal);
      offset += overlap.length;
    }
    if (before > 0) await this.#take(request, bytes.subarray(0, before));
    return true;
  }

  async #take(request: BodyRequest, bytes: Buffer): Promise<void> {
    const now = this.#parts.clock.now();
    const isFirst = request.received === 0;
    if (isFirst) request.times.landedAt = now;
    request.received += bytes.length;
    this.#received += bytes.length;
    this.#throughput.add(bytes.length);
    this.#progressAt = now;
    this.#lastFailure = null;
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
      else this.assign(this.#goal, this.#isKept);
    });
    this.#unpark = null;
    this.#parkTimer?.cancel();
    this.#parkTimer = null;
    if (on) this.#flows(false);
    return on;
  }

  /** A body begins to come; `seamless` where it follows on another without a pause. */
  #flows(seamless: boolean): void {
    const now = this.#parts.clock.now();
    if (!seamless) this.#throughput.begin(now);
    this.#slice.begin(now, this.#received);
    this.#enter('streaming');
  }

  #enter(phase: FetchPhase): void {
    if (this.#phase === phase && phase !== 'connecting') return;
    this.#phase = phase;
    this.#sink.changed(this, { type: 'phase' });
  }
}

/** Before the scheduler has set any. */
const nowhere: Goal = {
  hardEnd: 0,
  until: 0,
  refillBefore: 0,
  readersEnd: 0,
  wantedEnd: 0,
  urgency: 'background',
  pressed: false,
  deadline: Number.NEGATIVE_INFINITY,
};

function broke(cause: unknown): Failure {
  return { kind: 'error', error: new ProxyError('proxy_internal_error', 'The fill broke.', { cause }) };
}

function cutShort(): FillFailed {
  const message = 'The origin ended its body before the length that it had announced.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_response_incomplete', message) });
}

function tooLong(): FillFailed {
  const message = 'The origin sent more bytes than it had announced.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_protocol_error', message) });
}

function emptyPart(): FillFailed {
  const message = 'The origin sent an empty part where bytes were asked for.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_response_incomplete', message) });
}
