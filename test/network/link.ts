/** A line with one capacity, shared by all connections on it, piece by piece and in turn. */
import { type Clock, sleep } from '../../src/clock.ts';
import { durationOf } from '../support/pace.ts';

/** Milliseconds by which a real timer may be late without the line losing capacity. */
const lateness = 50;

export class Link {
  /** Bytes per second; may be changed at any time and counts from the next piece. */
  rate: number;
  readonly #clock: Clock;
  #freeAt = Number.NEGATIVE_INFINITY;
  #wokenAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, rate: number) {
    this.#clock = clock;
    this.rate = rate;
  }

  /** Resolves when `bytes` have gone through, after all that were announced before them. */
  async carry(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.rate === Number.POSITIVE_INFINITY) return;
    const now = this.#clock.now();
    // A piece that follows a late timer at once starts when the one before was really through.
    const busy = now - this.#wokenAt < 1 && now - this.#freeAt < lateness;
    this.#freeAt = (busy ? this.#freeAt : Math.max(this.#freeAt, now)) + durationOf(bytes, this.rate);
    if (this.#freeAt > now) await sleep(this.#clock, this.#freeAt - now, signal);
    this.#wokenAt = this.#clock.now();
  }
}
