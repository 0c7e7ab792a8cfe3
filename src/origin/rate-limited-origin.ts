/**
 * An origin that gives no more than so many bytes a second, over all its bodies, shared evenly between them.
 *
 * What may be given is saved up for at most a quarter of a second; it is handed out in small pieces, to whichever of
 * those who wait has had the least. A body holds at most one network read back: the rest stays in the network. The rate
 * may change, or be lifted, while bodies are under way.
 */
import type { Clock, Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { Origin, OriginBody, OriginReply, OriginRequest } from './origin.ts';

/** How much of the rate is saved up at most, and how much of it is one piece, in milliseconds' worth. */
const saved = 250;
const piece = 50;

const largestPiece = 64 * 1024;

export class RateLimitedOrigin implements Origin {
  readonly #origin: Origin;
  readonly #allowance: Allowance;

  /** @param rate bytes a second; `null` for as many as come */
  constructor(origin: Origin, rate: number | null, clock: Clock) {
    this.#origin = origin;
    this.#allowance = new Allowance(rate, clock);
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
    this.#allowance.close(new ProxyError('proxy_internal_response', `The origin ${this.name} has been closed.`));
    await this.#origin.close();
  }
}

/** Somebody who wants bytes. */
interface Taker {
  /** Bytes had so far, beginning at what the others had when this one came. */
  had: number;
  /** How many it would take now. */
  readonly wanted: number;
  give(): void;
  fail(error: unknown): void;
}

/** What all bodies of an origin may take together. */
class Allowance {
  #rate: number | null;
  readonly #clock: Clock;
  readonly #waiting = new Set<Taker>();
  /** Bytes that may be taken, as of `#countedAt`. */
  #credit: number;
  #countedAt: number;
  /** What the taker had that was served last: who comes anew begins there. */
  #floor = 0;
  #timer: Timer | null = null;
  #closed: { readonly error: unknown } | null = null;

  constructor(rate: number | null, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#credit = this.#worth(saved);
    this.#countedAt = clock.now();
  }

  get rate(): number | null {
    return this.#rate;
  }

  set rate(rate: number | null) {
    this.#count();
    this.#rate = rate;
    this.#credit = this.#worth(saved);
    this.#serve();
  }

  get piece(): number {
    return Math.max(1, Math.min(largestPiece, Math.floor(this.#worth(piece))));
  }

  ask(taker: Taker): void {
    if (this.#closed !== null) {
      taker.fail(this.#closed.error);
      return;
    }
    taker.had = Math.max(taker.had, this.#floor);
    this.#waiting.add(taker);
    this.#serve();
  }

  leave(taker: Taker): void {
    this.#waiting.delete(taker);
    if (this.#waiting.size === 0) this.#disarm();
  }

  close(error: unknown): void {
    this.#closed = { error };
    this.#disarm();
    for (const taker of this.#waiting) taker.fail(error);
    this.#waiting.clear();
  }

  #serve(): void {
    this.#disarm();
    this.#count();
    for (let next = this.#neediest(); next !== null; next = this.#neediest()) {
      const missing = next.wanted - this.#credit;
      if (missing > 0 && this.#rate !== null) {
        this.#timer = this.#clock.after(Math.ceil((missing * 1000) / this.#rate), () => this.#serve());
        return;
      }
      this.#credit -= next.wanted;
      this.#floor = next.had;
      next.had += next.wanted;
      this.#waiting.delete(next);
      next.give();
    }
  }

  /** What has been saved up since it was counted last. */
  #count(): void {
    const now = this.#clock.now();
    this.#credit = Math.min(this.#worth(saved), this.#credit + this.#worth(now - this.#countedAt));
    this.#countedAt = now;
  }

  #neediest(): Taker | null {
    let least: Taker | null = null;
    for (const taker of this.#waiting) if (least === null || taker.had < least.had) least = taker;
    return least;
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #worth(milliseconds: number): number {
    return this.#rate === null ? Number.POSITIVE_INFINITY : (this.#rate * milliseconds) / 1000;
  }
}

class RateLimitedBody implements OriginBody, Taker {
  readonly #body: OriginBody;
  readonly #allowance: Allowance;
  readonly #signal: AbortSignal;
  #unread: Buffer = Buffer.alloc(0);
  #reading = false;
  #waiting: PromiseWithResolvers<void> | null = null;
  #over: { readonly error: unknown } | 'ended' | null = null;

  had = 0;

  constructor(body: OriginBody, allowance: Allowance, signal: AbortSignal) {
    this.#body = body;
    this.#allowance = allowance;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get wanted(): number {
    return Math.min(this.#unread.length, this.#allowance.piece);
  }

  /** Where nothing is held back, as the network gives it. */
  read(): Promise<Buffer | null> {
    const free = this.#allowance.rate === null && this.#over === null && this.#unread.length === 0;
    return free && !this.#reading ? this.#body.read() : this.#readLimited();
  }

  async #readLimited(): Promise<Buffer | null> {
    if (this.#reading) throw new Error('read() was called while another read() waits');
    this.#reading = true;
    try {
      if (this.#over === null && this.#unread.length === 0) await this.#pull();
      if (this.#over === null) await this.#turn();
      if (this.#over === 'ended') return null;
      if (this.#over !== null) throw this.#over.error;
      const bytes = this.#unread.subarray(0, this.wanted);
      this.#unread = this.#unread.subarray(bytes.length);
      return bytes;
    } finally {
      this.#reading = false;
    }
  }

  cancel(): void {
    this.fail(new DOMException('The rest of the body was given up.', 'AbortError'));
    this.#body.cancel();
  }

  give(): void {
    this.#waiting?.resolve();
  }

  fail(error: unknown): void {
    this.#end({ error });
    this.#waiting?.resolve();
  }

  async #pull(): Promise<void> {
    try {
      const bytes = await this.#body.read();
      if (bytes === null) this.#end('ended');
      else this.#unread = bytes;
    } catch (error) {
      this.#end({ error });
    }
  }

  async #turn(): Promise<void> {
    this.#waiting = Promise.withResolvers();
    this.#allowance.ask(this);
    await this.#waiting.promise;
    this.#waiting = null;
  }

  readonly #onAbort = (): void => this.fail(this.#signal.reason);

  #end(outcome: { readonly error: unknown } | 'ended'): void {
    if (this.#over !== null) return;
    this.#over = outcome;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#allowance.leave(this);
  }
}
