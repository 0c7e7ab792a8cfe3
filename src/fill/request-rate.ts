/** How many requests an origin may be sent a second: a token bucket that holds one second's worth. */
import type { Clock } from '../clock.ts';

export class RequestRate {
  readonly clock: Clock;
  /** Requests a second. */
  readonly perSecond: number;
  #saved: number;
  #countedAt: number;

  constructor(perSecond: number, clock: Clock) {
    this.clock = clock;
    this.perSecond = perSecond;
    this.#saved = this.#most;
    this.#countedAt = clock.now();
  }

  /** Takes the right to one request, where there is one. */
  take(): boolean {
    this.#count();
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }

  /** Milliseconds until there is one. */
  get wait(): number {
    this.#count();
    return Math.max(0, Math.ceil(((1 - this.#saved) * 1000) / this.perSecond));
  }

  get #most(): number {
    return Math.max(1, this.perSecond);
  }

  #count(): void {
    const now = this.clock.now();
    // What a clock loses in fractions is no reason to wait once more.
    const grown = this.#saved + ((now - this.#countedAt) * this.perSecond) / 1000 + 1e-9;
    this.#saved = Math.min(this.#most, grown);
    this.#countedAt = now;
  }
}
