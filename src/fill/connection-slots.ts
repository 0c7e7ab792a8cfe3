/**
 * The right to one of an origin's connections: at most `limit` at a time, the rest queue. The limit may change: those
 * who have a connection keep it.
 *
 * Whoever serves a waiting reader goes before read-ahead, in order of arrival. A cursor that has had its turn while
 * somebody waits gives its slot back (`contended`), so that a fourth title never waits behind three whole downloads.
 */
import { ProxyError } from '../errors.ts';

export interface Slot {
  /** Gives the connection back; harmless when repeated. */
  release(): void;
}

/** Whoever asks the origin. */
export interface Claimant {
  /** Whether a reader waits for it right now. */
  demanded(): boolean;
  /** Somebody who serves a waiting reader begins to wait for this claimant's connection. */
  contended?(): void;
}

interface Waiting {
  readonly claimant: Claimant;
  grant(slot: Slot): void;
}

export class ConnectionSlots {
  #limit: number;
  readonly #maxQueued: number;
  readonly #queue: Waiting[] = [];
  readonly #holders = new Set<Claimant>();

  constructor(limit: number, maxQueued: number) {
    this.#limit = limit;
    this.#maxQueued = maxQueued;
  }

  get limit(): number {
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#grantNext();
  }

  get used(): number {
    return this.#holders.size;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Whether somebody in the queue serves a waiting reader. */
  get contended(): boolean {
    return this.#queue.some((waiting) => waiting.claimant.demanded());
  }

  /** Rejects with a `ProxyError` where the queue is full, and with the signal's reason. */
  async acquire(claimant: Claimant, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    if (this.used < this.limit) return this.#take(claimant);
    if (this.#queue.length >= this.#maxQueued) {
      const message = `All ${this.limit} connections to the origin are busy and ${this.#maxQueued} requests wait already.`;
      throw new ProxyError('connection_limit_reached', message, { setting: 'maxQueued', retryAfter: 5 });
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        claimant,
        grant: (slot) => {
          signal.removeEventListener('abort', onAbort);
          resolve(slot);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(waiting);
      if (claimant.demanded()) for (const holder of this.#holders) holder.contended?.();
    });
  }

  #take(claimant: Claimant): Slot {
    this.#holders.add(claimant);
    return {
      release: () => {
        if (this.#holders.delete(claimant)) this.#grantNext();
      },
    };
  }

  #grantNext(): void {
    while (this.used < this.#limit) {
      const first = this.#queue.findIndex((waiting) => waiting.claimant.demanded());
      const [next] = this.#queue.splice(Math.max(0, first), 1);
      if (next === undefined) return;
      next.grant(this.#take(next.claimant));
    }
  }
}
