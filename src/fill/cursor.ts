/**
 * One origin request after another, moving forward from an offset and landing what comes.
 *
 *     queued ─▶ starting ─▶ flowing ◀─▶ resting        (the window is full, or nobody is near)
 *       ▲          │         │  ▲          │
 *       └── retry ─┴── heal ─┘  └ next     └─▶ ended   (kept a connection idle for `restTimeout`)
 *
 * Where the origin takes ranges these are bounded, and the next one is asked for before the last one ends, on another
 * connection, where one is free. A cursor ends when what follows is present or another's, when nobody needs it any more,
 * or with a failure when there is no hope left. A cut or stall in mid-body is healed from the missing byte; before the
 * first byte an origin that may yet wake up is asked again. A cursor belongs to one fill, its host, and knows nothing of
 * readers.
 */
import type { Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { type Claimant, outranks, type Slot, type Urgency } from './connection-slots.ts';
import type { CursorHost } from './cursor-host.ts';
import { type Failure, FillFailed } from './failure.ts';
import { Flow } from './flow.ts';
import type { Opening } from './opening.ts';
import { backoff, failureFrom, retryAfter, retryCause } from './retry.ts';
import { type Pause, Transfer } from './transfer.ts';
import { Turn } from './turn.ts';

/** A next request is sent so much earlier than its head is expected to take, because that is not sure. */
const margin = 1.5;

export type CursorPhase = 'queued' | 'starting' | 'flowing' | 'resting' | 'ended' | 'failed';

export class Cursor implements Claimant {
  readonly #host: CursorHost;
  readonly #stop = new AbortController();
  #restTimer: Timer | null = null;
  #wakeFromRest: ((on: boolean) => void) | null = null;
  #givenUp = false;
  #queuedSince: number | null = null;
  #queuedBefore = 0;
  #transfer: Transfer | null = null;
  /** The request for what follows, sent early. */
  #next: { readonly transfer: Transfer; readonly slot: Slot; readonly offset: number } | null = null;
  readonly #flow = new Flow();
  /** What it begins with, on a connection that is there. */
  #opening: Opening | null;
  /** With the connection that it holds. */
  #turn = new Turn();

  readonly id: number;
  readonly openedAt: number;
  /** The next byte that it will bring. */
  position: number;
  phase: CursorPhase = 'queued';
  /** Of the connection that is being tried, from 1. */
  attempt = 1;
  /** Bytes that came in all. */
  landed = 0;
  /** Whether somebody who watched has just left it, and may come back. */
  lingers = false;
  progressAt: number | null = null;
  /** Whether it failed because the budget of all who hoped was spent. */
  budgetSpent = false;
  /** What the origin did last where it did not deliver. */
  lastFailure: Failure | null = null;
  /** When it will be asked again, while it is not. */
  retryAt: number | null;

  /** `notBefore` holds the first request back, because the origin asked for that (`Retry-After`). */
  constructor(
    host: CursorHost,
    id: number,
    position: number,
    notBefore: number | null,
    opening: Opening | null = null,
  ) {
    this.#opening = opening;
    this.#host = host;
    this.id = id;
    this.position = position;
    this.retryAt = notBefore;
    this.openedAt = host.clock.now();
  }

  get live(): boolean {
    return this.phase !== 'ended' && this.phase !== 'failed';
  }

  /** Milliseconds spent in the queue so far. */
  get queuedFor(): number {
    return this.#queuedBefore + (this.#queuedSince === null ? 0 : this.#host.clock.now() - this.#queuedSince);
  }

  /** Whether it waits for one of the origin's connections. */
  get queued(): boolean {
    return this.#queuedSince !== null;
  }

  /** Bytes a second of what comes now, or `null` before there are any. */
  get speed(): number | null {
    return this.#transfer?.begun ? this.#flow.speed(this.#host.clock.now()) : null;
  }

  /** The same without the burst that a connection begins with; `null` before enough has come to tell. */
  get steadySpeed(): number | null {
    return this.#flow.steadySpeed(this.#host.clock.now());
  }

  /** Where the body that it reads ends; `Infinity` where only its framing tells, 0 where it reads none. */
  get until(): number {
    return this.#transfer?.until ?? 0;
  }

  /** Runs until it has ended. Rejects only for a bug. */
  async run(): Promise<void> {
    try {
      await this.#attempts();
      this.enter('ended');
    } catch (error) {
      if (this.#stop.signal.aborted) {
        this.enter(this.#givenUp ? 'failed' : 'ended');
        return;
      }
      if (!(error instanceof FillFailed)) {
        this.lastFailure = {
          kind: 'error',
          error: new ProxyError('proxy_internal_error', 'The fill broke.', { cause: error }),
        };
        this.enter('failed');
        throw error;
      }
      this.lastFailure = error.failure;
      this.enter('failed');
    } finally {
      this.#restTimer?.cancel();
    }
  }

  /** Ends it at once, wherever it is. */
  stop(): void {
    this.#stop.abort(new Error('the cursor was stopped'));
    this.#transfer?.stop(this.#stop.signal.reason);
    this.#dropNext();
    this.#wakeFromRest?.(false);
  }

  /** Its next byte has come in some other way: before its body flows it is not needed any more. */
  overtaken(): void {
    if (this.phase === 'queued' || (this.phase === 'starting' && !this.#transfer?.begun)) this.stop();
  }

  /** Ends it with a failure, because the last who hoped has given up. */
  giveUp(failure: Failure): void {
    this.#givenUp = true;
    this.budgetSpent = true;
    this.lastFailure = failure;
    this.stop();
  }

  /** Readers have come, gone or moved: go on, begin to rest, or end. */
  review(): void {
    if (!this.live) return;
    const { hard, edge, followed } = this.#host.course.reach(this);
    const goesOn = edge > this.position || hard <= this.position;
    if (goesOn) {
      this.#restTimer?.cancel();
      this.#restTimer = null;
      this.#wakeFromRest?.(true);
      if (this.queued) this.#host.slots.press(this);
    } else if (!followed && this.landed > 0 && !this.lingers) {
      this.#giveUpConnection('rested');
    } else if (this.phase !== 'flowing' && this.#restTimer === null && (this.#host.resumable || !followed)) {
      this.#restTimer = this.#host.clock.after(this.#host.course.restFor(followed), () => {
        this.#giveUpConnection('rested');
      });
    }
  }

  /** Somebody else needs a connection: what nobody waits for is given up. */
  contended(): void {
    this.#dropNext();
    if (this.#restTimer !== null) this.#giveUpConnection('rested');
    else if (this.#isOutranked) this.#transfer?.end('yielded');
  }

  urgency(): Urgency {
    return this.#host.course.urgencyOf(this);
  }

  /** Whether its connection is to be given to somebody else, who waits for it. */
  get turnIsOver(): boolean {
    const { contention } = this.#host.slots;
    if (contention === null || !this.#host.resumable) return false;
    if (this.#isOutranked) return true;
    return contention === 'waited for' && this.#turn.isOver(this.#host.clock.now(), this.landed);
  }

  /** Whether somebody waits, and the next head would come when this turn is over. */
  get #nextWouldBeLate(): boolean {
    const { slots, clock, course } = this.#host;
    return slots.contention === 'waited for' && this.#turn.isOver(clock.now() + course.firstByteIn, this.landed);
  }

  get #isOutranked(): boolean {
    const { slots, resumable } = this.#host;
    if (!resumable) return false;
    return outranks(slots.contention, this.#host.course.isPressed(this) ? 'waited for' : this.urgency());
  }

  #giveUpConnection(pause: Pause): void {
    this.#dropNext();
    if (this.#wakeFromRest !== null) this.#wakeFromRest(false);
    else if (this.phase === 'flowing') this.#transfer?.end(pause);
    else this.stop();
  }

  async #attempts(): Promise<void> {
    const { clock, policy } = this.#host;
    if (this.retryAt !== null) await this.#sleepUntil(this.retryAt);
    // From an origin without ranges each attempt begins anew: bytes up to where an earlier one came are no progress.
    let furthest = -1;
    let { progressAt } = this;
    for (let failures = 0; ; ) {
      const landedBefore = this.landed;
      try {
        const pause = await this.#oneTurn();
        if (pause === 'arrived' || pause === 'rested') return;
        failures = 0;
        ({ progressAt } = this);
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        const failure = error instanceof FillFailed ? error.failure : failureFrom(error);
        this.lastFailure = failure;
        const healing = this.landed > 0;
        const progressed = this.landed > landedBefore && this.position > furthest;
        failures = progressed ? 1 : failures + 1;
        furthest = Math.max(furthest, this.position);
        if (progressed) ({ progressAt } = this);
        else this.progressAt = progressAt;
        const cause = retryCause(failure);
        if (cause === null || (healing && !this.#host.resumable)) throw new FillFailed(failure);
        const asked = retryAfter(failure, clock.wallTime());
        const hope = this.#host.hopeUntil(this) - clock.now();
        this.budgetSpent = asked >= hope || hope < policy.retryInitial;
        if (this.budgetSpent) throw new FillFailed(failure);
        const tries = healing ? failures - 1 : failures;
        // Near the end the pauses shrink: an origin that wakes up a moment before it is still met.
        const pause = tries === 0 ? 0 : Math.min(backoff(tries, policy, this.#host.random), hope / 2);
        const delay = Math.max(asked, pause);
        this.attempt += 1;
        this.#host.asksAgain(this, cause, delay);
        this.enter('starting');
        if (delay > 0) await this.#sleepUntil(clock.now() + delay);
      }
    }
  }

  async #sleepUntil(at: number): Promise<void> {
    const { clock, reachability } = this.#host;
    this.retryAt = at;
    await reachability.sleep(Math.max(0, at - clock.now()), this.#stop.signal);
    this.retryAt = null;
  }

  /** One request after another over the connection that it is given, until something else is to be done. */
  async #oneTurn(): Promise<Pause> {
    const opening = this.#opening;
    this.#opening = null;
    if (opening === null && !this.#mayGoOn()) return 'arrived';
    let slot = opening?.slot ?? (await this.#queue());
    slot.hand(this);
    this.#turn = new Turn();
    try {
      if (opening === null && !this.#mayGoOn()) return 'arrived';
      for (let transfer = this.#ask(opening); ; ) {
        const pause = await this.#run(transfer);
        if (pause === 'contradicted') {
          this.attempt += 1;
          this.#host.asksAgain(this, 'contradiction', 0);
          if (!this.#host.slots.spend()) return 'yielded';
          transfer = this.#ask();
          continue;
        }
        if (pause !== 'ran out') return pause;
        if (transfer.landed === 0) throw emptyPart();
        if (!this.#host.course.continues(this, this.position)) return 'arrived';
        const next = await this.#answeredNext();
        if (!this.#mayGoOn()) return 'arrived';
        if (next !== null) {
          this.#next = null;
          slot.release();
          ({ slot, transfer } = next);
        } else if (this.turnIsOver || this.#nextWouldBeLate || !this.#host.slots.spend()) {
          return 'yielded';
        } else {
          transfer = this.#ask();
        }
      }
    } finally {
      this.#dropNext();
      slot.release();
    }
  }

  #ask(opening: Opening | null = null): Transfer {
    this.#stop.signal.throwIfAborted();
    this.enter('starting');
    return new Transfer(this, this.#host, this.position, opening ?? 'now');
  }

  async #run(transfer: Transfer): Promise<Pause> {
    this.#transfer = transfer;
    try {
      return await transfer.run();
    } finally {
      this.#transfer = null;
    }
  }

  /** The body that is read ends at `end`: asks for what follows so early that it is there by then. */
  askEarly(end: number): void {
    const { slots, course } = this.#host;
    const { firstByteIn, asksEarly } = course;
    const { speed } = this;
    if (this.#next !== null || !asksEarly || speed === null) return;
    if (((end - this.position) * 1000) / speed > margin * firstByteIn || !this.#host.course.continues(this, end))
      return;
    const slot = slots.acquireNow(this);
    if (slot !== null) this.#next = { transfer: new Transfer(this, this.#host, end, 'early'), slot, offset: end };
  }

  /** The request that was sent early, where it is of use now. */
  async #answeredNext(): Promise<{ readonly transfer: Transfer; readonly slot: Slot } | null> {
    const next = this.#next;
    if (next === null) return null;
    const answered = await next.transfer.answered();
    if (this.#next !== next) return null;
    if (answered && next.offset === this.position) return next;
    if (!answered) this.#host.course.askedTooEarly();
    this.#dropNext();
    return null;
  }

  #dropNext(): void {
    const next = this.#next;
    this.#next = null;
    next?.transfer.stop(new Error('the request was sent too early'));
    next?.slot.release();
  }

  #mayGoOn(): boolean {
    const { hard, edge } = this.#host.course.reach(this);
    return hard > this.position && edge > this.position;
  }

  async #queue(): Promise<Slot> {
    const { clock, slots } = this.#host;
    this.#queuedSince = clock.now();
    this.enter('queued');
    try {
      return await slots.acquire(this, this.#stop.signal);
    } finally {
      this.#queuedBefore += clock.now() - this.#queuedSince;
      this.#queuedSince = null;
    }
  }

  /** Resolves with `true` when there is reason to go on, `false` when the connection has been idle for too long. */
  async rest(): Promise<boolean> {
    const { contention } = this.#host.slots;
    const { followed } = this.#host.course.reach(this);
    if (!followed && this.landed > 0 && !this.lingers) return false;
    if (contention === 'waited for' && (this.#host.resumable || !followed)) return false;
    this.#dropNext();
    this.enter('resting');
    const on = await new Promise<boolean>((resolve) => {
      this.#wakeFromRest = resolve;
      if (this.#stop.signal.aborted) resolve(false);
      else this.review();
    });
    this.#wakeFromRest = null;
    this.#restTimer?.cancel();
    this.#restTimer = null;
    if (on) this.flows(false);
    return on;
  }

  /** A body begins to come; `seamless` where it follows on another without a pause. */
  flows(seamless: boolean): void {
    const now = this.#host.clock.now();
    if (!seamless) this.#flow.begin(now);
    this.#turn.begin(now, this.landed);
    this.enter('flowing');
  }

  /** Bytes have come, and are about to land. */
  came(bytes: number): void {
    this.landed += bytes;
    this.#flow.came(bytes);
    this.progressAt = this.#host.clock.now();
    this.lastFailure = null;
  }

  enter(phase: CursorPhase): void {
    if (this.phase === phase && phase !== 'starting') return;
    this.phase = phase;
    this.#host.phaseChanged(this);
  }
}

function emptyPart(): FillFailed {
  const message = 'The origin sent an empty part where bytes were asked for.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_response_incomplete', message) });
}
