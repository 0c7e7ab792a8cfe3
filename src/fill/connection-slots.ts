/**
 * The right to one of an origin's connections: at most `limit` at a time, the rest queue.
 *
 * Whoever serves a waiting reader goes before read-ahead, in order of arrival. A cursor that has had its turn while
 * somebody waits gives its slot back (`contended`), so that a fourth title never waits behind three whole downloads.
 */
import { ProxyError } from '../errors.ts';

export interface Slot {
  /** Gives the connection back; harmless when repeated. */
  release(): void;
}

interface Waiting {
  /** Whether a reader waits for it right now. */
  demanded(): boolean;
  grant(slot: Slot): void;
}

export class ConnectionSlots {
  readonly #limit: number;
  readonly #maxQueued: number;
  readonly #queue: Waiting[] = [];
  #used = 0;

  constructor(limit: number, maxQueued: number) {
    this.#limit = limit;
    this.#maxQueued = maxQueued;
  }

  get used(): number {
    return this.#used;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Whether somebody in the queue serves a waiting reader. */
  get contended(): boolean {
    return this.#queue.some((waiting) => waiting.demanded());
  }

  /** Rejects with a `ProxyError` where the queue is full, and with the signal's reason. */
  acquire(demanded: () => boolean, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    if (this.#used < this.#limit) return Promise.resolve(this.#take());
    if (this.#queue.length >= this.#maxQueued) {
      const message = `All ${this.#limit} connections to the origin are busy and ${this.#maxQueued} requests wait already.`;
      return Promise.reject(
        new ProxyError('connection_limit_reached', message, { setting: 'maxQueued', retryAfter: 5 }),
      );
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        demanded,
        grant: (slot) => {
          signal.removeEventListener('abort', onAbort);
          resolve(slot);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(waiting);
    });
  }

  #take(): Slot {
    this.#used += 1;
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#used -= 1;
        this.#grantNext();
      },
    };
  }

  #grantNext(): void {
    const first = Math.max(
      0,
      this.#queue.findIndex((waiting) => waiting.demanded()),
    );
    const [next] = this.#queue.splice(first, 1);
    next?.grant(this.#take());
  }
}
