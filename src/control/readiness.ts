/**
 * Whether firstbyte is ready: it accepts requests, and cached bytes can be read at once.
 *
 * A readiness request reads from the store, for a second at most and at most every ten seconds. Without requests
 * nothing is read. A store that fails is no reason to be unready: playback continues without it. A store that does not
 * answer is one: playback waits for it.
 */

import { fixedBudgets } from '../budgets.ts';
import { StoreError } from '../cache/read-session.ts';
import { type Clock, within } from '../clock.ts';

const limitMs = fixedBudgets.readiness.ms;
const intervalMs = 10_000;

export interface ReadinessParts {
  readonly clock: Clock;
  /** Why requests are not accepted now, in one sentence; `null` where they are. */
  readonly unready: () => string | null;
  /** Reads some stored bytes, as a reply would. */
  readonly tryRead: (signal: AbortSignal) => Promise<void>;
}

export class Readiness {
  readonly #parts: ReadinessParts;
  readonly #closing = new AbortController();
  #look: { readonly at: number; readonly trouble: Promise<string | null> } | null = null;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** Why it is not ready, in one sentence; `null` where it is. */
  async trouble(): Promise<string | null> {
    const { clock, unready } = this.#parts;
    const why = unready();
    if (why !== null) return why;
    if (this.#look === null || clock.now() - this.#look.at >= intervalMs) {
      this.#look = { at: clock.now(), trouble: this.#read() };
    }
    return this.#look.trouble;
  }

  stop(): void {
    this.#closing.abort(new Error('firstbyte is shutting down'));
  }

  async #read(): Promise<string | null> {
    const { clock, tryRead } = this.#parts;
    const late = () => new Error('what is stored could not be read in time');
    try {
      await within({ clock, limit: limitMs, late, signal: this.#closing.signal }, tryRead);
      return null;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'ENOBUFS')
        return `What is cached waits for memory to be read into (bufferMemory) for over ${limitMs / 1000} s.`;
      if (error.code === 'ETIMEDOUT') return `The disk of the cache has given nothing for ${limitMs / 1000} s.`;
      return null;
    }
  }
}
