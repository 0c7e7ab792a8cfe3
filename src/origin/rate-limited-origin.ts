/**
 * An origin with a limit of bytes a second over all its bodies, which share it evenly, or with the bodies of others.
 *
 * The limit is a token bucket that holds a quarter of a second's worth. Tokens are handed out in small pieces, to the
 * waiting body that has had the least. A body holds back one network read at most: the rest stays in the network. The
 * rate may change, or be lifted, while bodies are under way.
 */
import type { Clock, Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { TokenBucket } from '../kit/token-bucket.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Origin, OriginBody, OriginReply, OriginRequest } from './origin.ts';
import { bodyGivenUp } from './origin-errors.ts';

/** How much the bucket holds, and how much of that is one piece, in milliseconds of the rate. */
const bucketMs = 250;
const pieceMs = 50;

const largestPiece = 64 * 1024;

export class RateLimitedOrigin implements Origin {
  readonly #origin: Origin;
  readonly #allowance: RateAllowance;
  /** Whether other origins take of it, too. */
  readonly #isShared: boolean;

  /** `limit`: bytes a second, `null` for as many as come; or what several origins have together. */
  constructor(origin: Origin, limit: number | null | RateAllowance, clock: Clock) {
    this.#origin = origin;
    this.#isShared = limit instanceof RateAllowance;
    this.#allowance = limit instanceof RateAllowance ? limit : new RateAllowance(limit, clock);
  }

  get name(): string {
    return this.#origin.name;
  }

  get rate(): number | null {
    return this.#allowance.rate;
  }

  set rate(rate: number | null) {
    this.#allowance.rate = rate;
  }

  async open(request: OriginRequest, signal: AbortSignal): Promise<OriginReply> {
    const reply = await this.#origin.open(request, signal);
    return { ...reply, body: new RateLimitedBody(reply.body, this.#allowance, signal) };
  }

  async close(): Promise<void> {
    if (!this.#isShared)
      this.#allowance.close(new ProxyError('proxy_internal_response', `The origin ${this.name} has been closed.`));
    await this.#origin.close();
  }
}

/** A body that wants bytes. */
interface Taker {
  /** Bytes that it had so far, beginning at what the others had when it came. */
  had: number;
  /** How many it would take now. */
  readonly wanted: number;
}

/** What all bodies of an origin, or of several, may take together. */
export class RateAllowance {
  readonly #clock: Clock;
  readonly #waiting = new Map<Taker, PromiseWithResolvers<number>>();
  #rate: number | null;
  #bucket: TokenBucket | null;
  /** What the body had that was served last: a new body begins there. */
  #floor = 0;
  #timer: Timer | null = null;
  #closed: { readonly error: unknown } | null = null;

  constructor(rate: number | null, clock: Clock) {
    this.#clock = clock;
    this.#rate = rate;
    this.#bucket = bucketOf(rate, clock);
  }

  get rate(): number | null {
    return this.#rate;
  }

  set rate(rate: number | null) {
    this.#rate = rate;
    this.#bucket = bucketOf(rate, this.#clock);
    this.#serve();
  }

  get piece(): number {
    return this.#rate === null ? largestPiece : Math.max(1, Math.min(largestPiece, worth(this.#rate, pieceMs)));
  }

  /** Resolves with how many bytes it may have now. Rejects with the signal's reason, or with that of `leave`. */
  async take(taker: Taker, signal: AbortSignal): Promise<number> {
    if (this.#closed !== null) throw this.#closed.error;
    taker.had = Math.max(taker.had, this.#floor);
    const turn = Promise.withResolvers<number>();
    this.#waiting.set(taker, turn);
    this.#serve();
    return untilAborted(turn.promise, signal, () => {
      this.#waiting.delete(taker);
      this.#serve();
    });
  }

  /** It takes nothing more. */
  leave(taker: Taker, reason: unknown): void {
    const turn = this.#waiting.get(taker);
    if (turn === undefined) return;
    this.#waiting.delete(taker);
    turn.reject(reason);
    this.#serve();
  }

  close(error: unknown): void {
    this.#closed = { error };
    this.#disarm();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #serve(): void {
    this.#disarm();
    for (let next = this.#neediest(); next !== null; next = this.#neediest()) {
      const { wanted } = next;
      if (this.#bucket !== null && !this.#bucket.take(wanted)) {
        this.#timer = this.#clock.after(this.#bucket.msUntil(wanted), () => this.#serve());
        return;
      }
      this.#floor = next.had;
      next.had += wanted;
      const turn = this.#waiting.get(next);
      this.#waiting.delete(next);
      turn?.resolve(wanted);
    }
  }

  #neediest(): Taker | null {
    let least: Taker | null = null;
    for (const taker of this.#waiting.keys()) if (least === null || taker.had < least.had) least = taker;
    return least;
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

function bucketOf(rate: number | null, clock: Clock): TokenBucket | null {
  return rate === null
    ? null
    : new TokenBucket({ clock, perSecond: rate, capacity: Math.max(1, worth(rate, bucketMs)) });
}

function worth(rate: number, milliseconds: number): number {
  return Math.floor((rate * milliseconds) / 1000);
}

class RateLimitedBody implements OriginBody, Taker {
  readonly #body: OriginBody;
  readonly #allowance: RateAllowance;
  readonly #signal: AbortSignal;
  #isCancelled = false;
  #unread: Buffer = Buffer.alloc(0);
  #reading = false;
  #ended = false;

  had = 0;

  constructor(body: OriginBody, allowance: RateAllowance, signal: AbortSignal) {
    this.#body = body;
    this.#allowance = allowance;
    this.#signal = signal;
  }

  get wanted(): number {
    return Math.min(this.#unread.length, this.#allowance.piece);
  }

  /** Without a rate the bytes pass as the network gives them. */
  read(): Promise<Buffer | null> {
    const free = this.#allowance.rate === null && this.#unread.length === 0 && !this.#reading && !this.#ended;
    return free ? this.#body.read() : this.#readLimited();
  }

  async #readLimited(): Promise<Buffer | null> {
    if (this.#reading) throw new Error('read() was called while another read() waits');
    if (this.#ended) return null;
    this.#reading = true;
    try {
      this.#signal.throwIfAborted();
      if (this.#unread.length === 0) {
        const bytes = await this.#body.read();
        this.#ended = bytes === null;
        if (bytes === null) return null;
        this.#unread = bytes;
      }
      if (this.#isCancelled) throw bodyGivenUp;
      const count = await this.#allowance.take(this, this.#signal);
      const bytes = this.#unread.subarray(0, count);
      this.#unread = this.#unread.subarray(count);
      return bytes;
    } finally {
      this.#reading = false;
    }
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#allowance.leave(this, bodyGivenUp);
    this.#body.cancel();
  }
}
