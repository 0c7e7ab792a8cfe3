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
import { type Clock, sleep, type Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { RetryCause } from '../events.ts';
import type { Origin, OriginReply, OriginRequest } from '../origin/origin.ts';
import type { Claimant, ConnectionSlots, Slot } from './connection-slots.ts';
import type { Reach } from './cursor-plan.ts';
import { type Failure, FillFailed } from './failure.ts';
import type { FillPolicy } from './fill-policy.ts';
import { backoff, failureFrom, retryAfter, retryCause } from './retry.ts';
import { Watchdog } from './watchdog.ts';

/** With others waiting for a connection, a cursor's turn ends after this long or this much. */
const turn = { duration: 1000, bytes: 4 * 1024 * 1024 };

/** A body of which no more than this is missing is read to its end although nobody wants it, in bytes. */
const drained = 64 * 1024;

export type CursorPhase = 'queued' | 'starting' | 'flowing' | 'resting' | 'ended' | 'failed';

/** One cursor's way to its first byte, in monotonic milliseconds. */
export interface FirstByteTimes {
  offset: number;
  queued: number;
  startedAt: number;
  connectedAt: number | null;
  headAt: number;
  landedAt: number;
}

/** What a cursor needs of its fill. */
export interface CursorHost {
  readonly origin: Origin;
  readonly slots: ConnectionSlots;
  readonly policy: FillPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  reach(cursor: Cursor): Reach;
  /** Whether a reader waits for this cursor right now. */
  isWaitedFor(cursor: Cursor): boolean;
  /** Until when anybody hopes for a byte of this cursor, in monotonic milliseconds. */
  hopeUntil(cursor: Cursor): number;
  /** How long a cursor that may not go on keeps its connection, in milliseconds. */
  restFor(served: boolean): number;
  /** Whether a cut or a rest can be followed by another request for the same representation. */
  readonly resumable: boolean;
  /** `start` may lie before the cursor's position: what overlaps is compared by `verify`, not taken. */
  request(cursor: Cursor): OriginRequest & { readonly start: number; readonly end: number | null };
  /** Rejects with `FillFailed` where present bytes are not the same. */
  verify(offset: number, bytes: Buffer): Promise<void>;
  /** Judges a head; resolves with where its body begins and ends, or rejects with `FillFailed`. */
  judge(
    asked: { start: number; end: number | null },
    reply: OriginReply,
  ): Promise<{ start: number; end: number | null }>;
  /** Takes bytes at the cursor's position; a promise means: wait before you read on. */
  land(cursor: Cursor, bytes: Buffer): Promise<void> | undefined;
  /** The body ended by its framing where no length had been announced. */
  bodyEnded(position: number, certain: boolean): void;
  firstByte(cursor: Cursor, times: FirstByteTimes): void;
  asksAgain(cursor: Cursor, cause: RetryCause, delay: number): void;
  /** The phase has changed. */
  phaseChanged(cursor: Cursor): void;
}

/** Why an attempt came to its end without a failure. */
type Pause = 'arrived' | 'rested' | 'yielded' | 'ran out';

export class Cursor implements Claimant {
  readonly #host: CursorHost;
  readonly #stop = new AbortController();
  #restTimer: Timer | null = null;
  #wakeFromRest: ((on: boolean) => void) | null = null;
  #givenUp = false;
  #queuedSince: number | null = null;
  #queuedBefore = 0;
  #flow: { since: number; bytes: number } | null = null;
  /** Came with bytes that had to be compared. */
  #unread: Buffer | null = null;

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
  /** Since when the current attempt waits. */
  startedAt: number | null = null;

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
    if (this.#flow === null || this.#flow.bytes === 0) return null;
    return (this.#flow.bytes * 1000) / Math.max(1, this.#host.clock.now() - this.#flow.since);
  }

  /** Runs until it has ended. Rejects only for a bug. */
  async run(): Promise<void> {
    try {
      await this.#attempts();
      this.#enter('ended');
    } catch (error) {
      if (this.#stop.signal.aborted) {
        this.#enter(this.#givenUp ? 'failed' : 'ended');
        return;
      }
      if (!(error instanceof FillFailed)) {
        this.lastFailure = {
          kind: 'error',
          error: new ProxyError('proxy_internal_error', 'The fill broke.', { cause: error }),
        };
        this.#enter('failed');
        throw error;
      }
      this.lastFailure = error.failure;
      this.#enter('failed');
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
    if (this.phase === 'queued' || (this.phase === 'starting' && this.#flow === null)) this.stop();
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
    const { hard, edge, served } = this.#host.reach(this);
    if (edge > this.position || hard <= this.position) {
      this.#restTimer?.cancel();
      this.#restTimer = null;
      this.#wakeFromRest?.(true);
    } else if (this.#restTimer === null && (this.#host.resumable || !served)) {
      this.#restTimer = this.#host.clock.after(this.#host.restFor(served), () => {
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
        const asked = retryAfter(failure, clock.wallTime());
        const delay = Math.max(
          asked,
          healing && failures === 1 ? 0 : backoff(healing ? failures - 1 : failures, policy, this.#host.random),
        );
        if (cause === null || (healing && !this.#host.resumable)) throw new FillFailed(failure);
        this.budgetSpent = clock.now() + delay >= this.#host.hopeUntil(this);
        if (this.budgetSpent) throw new FillFailed(failure);
        this.attempt += 1;
        this.#host.asksAgain(this, cause, delay);
        this.#enter('starting');
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
    try {
      return await this.#flowing(abort);
    } finally {
      this.#stop.signal.removeEventListener('abort', onStop);
      this.#flow = null;
      this.#unread = null;
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
    this.#enter('queued');
    try {
      return await slots.acquire(this, this.#stop.signal);
    } finally {
      this.#queuedBefore += clock.now() - this.#queuedSince;
      this.#queuedSince = null;
    }
  }

  async #flowing(abort: AbortController): Promise<Pause> {
    const { clock, policy } = this.#host;
    const times: FirstByteTimes = {
      offset: this.position,
      queued: this.queuedFor,
      startedAt: clock.now(),
      connectedAt: null,
      headAt: 0,
      landedAt: 0,
    };
    this.startedAt = times.startedAt;
    this.#enter('starting');
    const watchdog = new Watchdog(clock, abort);
    watchdog.set((this.landed > 0 ? 1 : 2) * policy.firstByteTimeout, 'firstByteTimeout');
    let reply: OriginReply | null = null;
    try {
      const request = this.#host.request(this);
      // A warm connection is there before `open` returns.
      let opening = true;
      const onConnected = () => {
        if (!opening) times.connectedAt = clock.now();
      };
      const opened = this.#host.origin.open({ ...request, onConnected }, abort.signal);
      opening = false;
      reply = await opened;
      times.headAt = clock.now();
      const { start, end } = await this.#host.judge({ start: request.start, end: request.end }, reply);
      if (start === request.start) await this.#verify(reply, start);
      else this.position = start;
      this.#flow = { since: clock.now(), bytes: 0 };
      this.#enter('flowing');
      return await this.#read(reply, end, times, watchdog);
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error;
    } finally {
      watchdog.cancel();
      reply?.body.cancel();
    }
  }

  /** Compares what a reply begins with, up to the cursor's position, with what is present. */
  async #verify(reply: OriginReply, start: number): Promise<void> {
    for (let offset = start; offset < this.position; ) {
      const bytes = await reply.body.read();
      if (bytes === null) throw cutShort();
      const overlap = Math.min(bytes.length, this.position - offset);
      await this.#host.verify(offset, bytes.subarray(0, overlap));
      offset += overlap;
      this.#unread = overlap < bytes.length ? bytes.subarray(overlap) : null;
    }
  }

  async #read(reply: OriginReply, end: number | null, times: FirstByteTimes, watchdog: Watchdog): Promise<Pause> {
    const { clock, policy, slots } = this.#host;
    const turnBegan = { at: clock.now(), landed: this.landed };
    for (;;) {
      const reach = this.#host.reach(this);
      if (end !== this.position && reach.hard <= this.position) return 'arrived';
      if (end !== null && end - this.position <= drained) {
        // So little is missing that it is read to its end, and the connection can be used again.
      } else if (reach.edge <= this.position) {
        watchdog.cancel();
        const givesWay = slots.contended && (this.#host.resumable || !reach.served);
        if (givesWay || !(await this.#rest())) return 'rested';
        watchdog.set(policy.stallTimeout, 'stallTimeout');
        continue;
      } else if (
        this.#host.resumable &&
        (clock.now() - turnBegan.at >= turn.duration || this.landed - turnBegan.landed >= turn.bytes) &&
        slots.contended
      ) {
        return 'yielded';
      }
      const bytes = this.#unread ?? (await reply.body.read());
      this.#unread = null;
      if (bytes === null) {
        if (end === null) this.#host.bodyEnded(this.position, !reply.closeDelimited);
        else if (this.position < end) throw cutShort();
        return reach.hard <= this.position ? 'arrived' : 'ran out';
      }
      if (end !== null && this.position + bytes.length > end) throw tooLong();
      const first = times.landedAt === 0;
      if (first) times.landedAt = clock.now();
      const pressure = this.#landed(bytes);
      if (first) this.#host.firstByte(this, times);
      if (pressure !== undefined) {
        watchdog.cancel();
        await pressure;
      }
      watchdog.set(policy.stallTimeout, 'stallTimeout');
    }
  }

  #landed(bytes: Buffer): Promise<void> | undefined {
    this.progressAt = this.#host.clock.now();
    this.landed += bytes.length;
    if (this.#flow !== null) this.#flow.bytes += bytes.length;
    const pressure = this.#host.land(this, bytes);
    this.lastFailure = null;
    return pressure;
  }

  /** Resolves with `true` when there is reason to go on, `false` when the connection has been idle for too long. */
  async #rest(): Promise<boolean> {
    this.#enter('resting');
    const on = await new Promise<boolean>((resolve) => {
      this.#wakeFromRest = resolve;
      if (this.#stop.signal.aborted) resolve(false);
      else this.review();
    });
    this.#wakeFromRest = null;
    this.#restTimer?.cancel();
    this.#restTimer = null;
    if (on) this.#enter('flowing');
    return on;
  }

  #enter(phase: CursorPhase): void {
    if (this.phase === phase && phase !== 'starting') return;
    this.phase = phase;
    this.#host.phaseChanged(this);
  }
}

function cutShort(): FillFailed {
  const message = 'The origin ended its body before the length that it had announced.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_response_incomplete', message) });
}

function tooLong(): FillFailed {
  const message = 'The origin sent more bytes than it had announced.';
  return new FillFailed({ kind: 'error', error: new ProxyError('http_protocol_error', message) });
}
