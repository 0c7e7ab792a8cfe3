/**
 * One origin request after another, moving forward from an offset and landing what comes.
 *
 *     queued ─▶ starting ─▶ flowing ◀─▶ resting        (the window is full, or nobody is near)
 *       ▲          │           │           │
 *       └── retry ─┴─── heal ──┘           └─▶ ended   (kept a connection idle for `restTimeout`)
 *
 * It ends when what follows is present or another's, when nobody needs it any more, or with a failure when there is no
 * hope left. A cut or stall in mid-body is healed from the missing byte; before the first byte an origin that may yet
 * wake up is asked again. A cursor belongs to one fill, its host, and knows nothing of readers.
 */
import { sleep, type Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { Claimant, Slot } from './connection-slots.ts';
import type { CursorHost } from './cursor-host.ts';
import { type Failure, FillFailed } from './failure.ts';
import { backoff, failureFrom, retryAfter, retryCause } from './retry.ts';
import { type Pause, Transfer } from './transfer.ts';

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

  readonly id: number;
  readonly openedAt: number;
  /** The next byte that it will bring. */
  position: number;
  phase: CursorPhase = 'queued';
  /** Of the connection that is being tried, from 1. */
  attempt = 1;
  /** Bytes that came in all. */
  landed = 0;
  progressAt: number | null = null;
  /** Whether it failed because the budget of all who hoped was spent. */
  budgetSpent = false;
  /** What the origin did last where it did not deliver. */
  lastFailure: Failure | null = null;
  /** When it will be asked again, while it is not. */
  retryAt: number | null;

  /** `notBefore` holds the first request back, because the origin asked for that (`Retry-After`). */
  constructor(host: CursorHost, id: number, position: number, notBefore: number | null) {
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

  /** Bytes a second of the current connection, or `null` before it has any. */
  get speed(): number | null {
    return this.#transfer?.speed ?? null;
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

  /** Readers have come, gone or moved: go on, or begin to rest. */
  review(): void {
    if (!this.live || this.phase === 'flowing') return;
    const { hard, edge, followed } = this.#host.reach(this);
    if (edge > this.position || hard <= this.position) {
      this.#restTimer?.cancel();
      this.#restTimer = null;
      this.#wakeFromRest?.(true);
    } else if (this.#restTimer === null && (this.#host.resumable || !followed)) {
      this.#restTimer = this.#host.clock.after(this.#host.restFor(followed), () => {
        if (this.#wakeFromRest === null) this.stop();
        else this.#wakeFromRest(false);
      });
    }
  }

  /** Somebody who serves a waiting reader needs a connection: one that rests, or that nobody wants, is given up. */
  contended(): void {
    if (this.#restTimer === null) return;
    if (this.#wakeFromRest === null) this.stop();
    else this.#wakeFromRest(false);
  }

  /** Whether a reader waits for it right now. */
  demanded(): boolean {
    return this.#host.isWaitedFor(this);
  }

  async #attempts(): Promise<void> {
    const { clock, policy } = this.#host;
    if (this.retryAt !== null) await this.#sleepUntil(this.retryAt);
    for (let failures = 0; ; ) {
      const landedBefore = this.landed;
      try {
        const pause = await this.#oneRequest();
        if (pause === 'arrived' || pause === 'rested') return;
        if (pause === 'ran out' && this.landed === landedBefore) {
          throw new FillFailed({
            kind: 'error',
            error: new ProxyError(
              'http_response_incomplete',
              'The origin sent an empty part where bytes were asked for.',
            ),
          });
        }
        failures = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        const failure = error instanceof FillFailed ? error.failure : failureFrom(error);
        this.lastFailure = failure;
        const healing = this.landed > 0;
        failures = this.landed > landedBefore ? 1 : failures + 1;
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
    this.retryAt = at;
    await sleep(this.#host.clock, Math.max(0, at - this.#host.clock.now()), this.#stop.signal);
    this.retryAt = null;
  }

  async #oneRequest(): Promise<Pause> {
    if (!this.#mayGoOn()) return 'arrived';
    const slot = await this.#queue();
    if (!this.#mayGoOn()) {
      slot.release();
      return 'arrived';
    }
    const abort = new AbortController();
    const onStop = () => abort.abort(this.#stop.signal.reason);
    this.#stop.signal.addEventListener('abort', onStop, { once: true });
    this.enter('starting');
    try {
      this.#transfer = new Transfer(this, this.#host, abort);
      return await this.#transfer.run();
    } finally {
      this.#stop.signal.removeEventListener('abort', onStop);
      this.#transfer = null;
      slot.release();
    }
  }

  #mayGoOn(): boolean {
    const { hard, edge } = this.#host.reach(this);
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
    this.enter('resting');
    const on = await new Promise<boolean>((resolve) => {
      this.#wakeFromRest = resolve;
      if (this.#stop.signal.aborted) resolve(false);
      else this.review();
    });
    this.#wakeFromRest = null;
    this.#restTimer?.cancel();
    this.#restTimer = null;
    if (on) this.enter('flowing');
    return on;
  }

  /** Bytes have come, and are about to land. */
  came(bytes: number): void {
    this.landed += bytes;
    this.progressAt = this.#host.clock.now();
    this.lastFailure = null;
  }

  enter(phase: CursorPhase): void {
    if (this.phase === phase && phase !== 'starting') return;
    this.phase = phase;
    this.#host.phaseChanged(this);
  }
}
