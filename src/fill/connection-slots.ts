/**
 * The right to ask an origin: at most `limit` connections at a time and, where it is set, so many requests a second. The
 * rest queue. Both may change: those who have a connection keep it.
 *
 * Whoever serves a waiting reader goes before read-ahead, and read-ahead before background work; among equals the first
 * to come. Who holds a connection is told (`contended`) when somebody else needs one: work that nobody waits for gives
 * way at once, and a fetch that has had its time slice while another reader waits, so that a fourth title never waits behind
 * three whole downloads.
 */
import type { Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { ConcurrencyView } from '../origin/origin.ts';
import { untilAborted } from '../until-aborted.ts';
import type { RequestRate } from './request-rate.ts';

export interface Slot {
  /** Gives the connection back; harmless when repeated. */
  release(): void;
  /** From now on it is this one's, with all that is under way on it. */
  hand(to: Claimant): void;
  /**
   * Whether the origin does not answer, as if it waited for the end of another connection: whoever has this queues there,
   * and what is less urgent queues behind it.
   */
  late(isLate: boolean): void;
}

/** What a request is for: nobody in particular, what a reader will want, or what a reader waits for now. */
export type Urgency = 'background' | 'ahead' | 'waited for';

const ranks: Readonly<Record<Urgency, number>> = { background: 0, ahead: 1, 'waited for': 2 };

export function outranks(one: Urgency | null, other: Urgency): boolean {
  return one !== null && ranks[one] > ranks[other];
}

/** Whoever asks the origin. */
export interface Claimant {
  /** May be another at any time. */
  urgency(): Urgency;
  /** Somebody begins to wait for this claimant's connection. */
  contended?(): void;
}

/** What TCP takes to connect over a way so long that each connection begins slowly (RFC 5681 §3.1), in milliseconds. */
const farMs = 100;

/** So many connections tell how long the way is. */
const remembered = 64;

/** How many fetches of one title begin together over a long way, and run side by side as was learned at this origin. */
interface SideBySideCounts {
  readonly together: number;
  readonly fetches: number;
}

interface Waiting {
  readonly claimant: Claimant;
  grant(slot: Slot): void;
}

export class ConnectionSlots {
  #allowed: number;
  readonly #maxQueued: number;
  #rate: RequestRate | null;
  /** What TCP took to connect the last ones, in milliseconds. */
  readonly #connectMs: number[] = [];
  /** Those who wait, in the order in which they came. */
  readonly #queue = new Set<Waiting>();
  readonly #held = new Map<Slot, Claimant>();
  /** Those of them on which the origin is late. */
  readonly #late = new Set<Slot>();
  readonly #concurrency: ConcurrencyView;
  #timer: Timer | null = null;

  constructor(
    allowed: number,
    maxQueued: number,
    rate: RequestRate | null = null,
    concurrency: ConcurrencyView = { isSerial: false, mayBeSerial: true },
  ) {
    this.#allowed = allowed;
    this.#maxQueued = maxQueued;
    this.#rate = rate;
    this.#concurrency = concurrency;
  }

  /** How many there may be: what is allowed, but one where the origin serves one at a time. */
  get limit(): number {
    return this.isSerial ? 1 : this.#allowed;
  }

  /** How many the operator allows. */
  get allowed(): number {
    return this.#allowed;
  }

  set allowed(allowed: number) {
    this.#allowed = allowed;
    this.#serve();
  }

  /** Whether the origin serves one connection at a time. */
  get isSerial(): boolean {
    return this.#concurrency.isSerial;
  }

  /** Whether the way to the origin is long. A line that is full delays some connections, and not all of them. */
  get isFar(): boolean {
    return this.#connectMs.length > 0 && Math.min(...this.#connectMs) >= farMs;
  }

  /**
   * How many connections may be idle, opened in advance, so that a reader that seeks finds them warm: as many as are worth
   * it at this origin, and over a long way as many as begin there together.
   */
  spares({ together, fetches }: SideBySideCounts): number {
    const free = Math.max(0, this.limit - this.used);
    return Math.min(free, this.isFar ? together : fetches);
  }

  connectedIn(milliseconds: number): void {
    this.#connectMs.push(milliseconds);
    if (this.#connectMs.length > remembered) this.#connectMs.shift();
  }

  /** How many requests a second; `null` for any number. */
  get rate(): RequestRate | null {
    return this.#rate;
  }

  set rate(rate: RequestRate | null) {
    this.#rate = rate;
    this.#serve();
  }

  get used(): number {
    return this.#held.size;
  }

  /** Whether a connection can be had that nobody waits for. */
  get spare(): boolean {
    return this.used < this.limit && this.queued === 0;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /**
   * What the most urgent of those who wait for a connection want it for, or for one that the origin serves; `null` where
   * nobody does.
   */
  get contention(): Urgency | null {
    const late = this.#lateFor;
    const queued = this.used < this.limit ? null : (this.#next()?.claimant.urgency() ?? null);
    return queued === null || outranks(late, queued) ? late : queued;
  }

  /** What the most urgent of those want that wait at the origin. */
  get #lateFor(): Urgency | null {
    let most: Urgency | null = null;
    for (const slot of this.#late) {
      const urgency = this.#held.get(slot)?.urgency() ?? null;
      if (urgency !== null && (most === null || outranks(urgency, most))) most = urgency;
    }
    return most;
  }

  /** Rejects with a `ProxyError` where the queue is full, and with the signal's reason. */
  async acquire(claimant: Claimant, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    const now = this.acquireNow(claimant);
    if (now !== null) return now;
    // Work that would come after it anyway keeps nobody out of the queue.
    const urgency = claimant.urgency();
    const ahead = [...this.#queue].filter((waiting) => !outranks(urgency, waiting.claimant.urgency()));
    if (ahead.length >= this.#maxQueued) throw this.#full();
    const { promise, resolve: grant } = Promise.withResolvers<Slot>();
    const waiting: Waiting = { claimant, grant };
    this.#queue.add(waiting);
    this.#serve();
    this.press(claimant);
    return untilAborted(promise, signal, () => {
      this.#queue.delete(waiting);
      this.#serve();
    });
  }

  /** A connection, where one can be had without waiting. */
  acquireNow(claimant: Claimant): Slot | null {
    if (this.used >= this.limit || outranks(this.#lateFor, claimant.urgency()) || !this.spend()) return null;
    return this.#take(claimant);
  }

  /** Takes the right to one more request over a connection that is held, where nobody waits for that right. */
  spend(): boolean {
    if (this.#rate === null) return true;
    return this.#queue.size === 0 && this.#rate.take();
  }

  /** Somebody who queues, here or at the origin, has become more urgent: those who hold connections learn of it. */
  press(claimant: Claimant): void {
    const isLate = [...this.#late].some((slot) => this.#held.get(slot) === claimant);
    if (this.used < this.limit && !isLate) return;
    const urgency = claimant.urgency();
    for (const holder of [...this.#held.values()]) {
      if (urgency === 'waited for' || outranks(urgency, holder.urgency())) holder.contended?.();
    }
  }

  #take(claimant: Claimant): Slot {
    const slot: Slot = {
      release: () => {
        slot.late(false);
        if (this.#held.delete(slot)) this.#serve();
      },
      hand: (to) => {
        if (this.#held.has(slot)) this.#held.set(slot, to);
      },
      late: (isLate) => {
        if (this.#late.delete(slot)) this.#serve();
        const holder = this.#held.get(slot);
        if (holder === undefined || !isLate || !this.#concurrency.mayBeSerial) return;
        this.#late.add(slot);
        this.press(holder);
      },
    };
    this.#held.set(slot, claimant);
    return slot;
  }

  /** Gives out what there is, and comes again when the next request may be made. */
  #serve(): void {
    this.#timer?.cancel();
    this.#timer = null;
    while (this.used < this.limit) {
      const next = this.#next();
      if (next === null || outranks(this.#lateFor, next.claimant.urgency())) return;
      if (this.#rate !== null && !this.#rate.take()) {
        this.#timer = this.#rate.clock.after(this.#rate.wait, () => this.#serve());
        return;
      }
      this.#queue.delete(next);
      next.grant(this.#take(next.claimant));
    }
  }

  #next(): Waiting | null {
    let best: Waiting | null = null;
    let urgency: Urgency | null = null;
    for (const waiting of this.#queue) {
      const wants = waiting.claimant.urgency();
      if (urgency !== null && !outranks(wants, urgency)) continue;
      best = waiting;
      urgency = wants;
      if (urgency === 'waited for') break;
    }
    return best;
  }

  #full(): ProxyError {
    const message = `All ${this.limit} connections to the origin are busy and ${this.#maxQueued} requests wait already.`;
    return new ProxyError('connection_limit_reached', message, { setting: 'maxQueued', retryAfter: 5 });
  }
}
