/** A token bucket: so many tokens come a second, and what nobody takes is saved up to a bound. It is full at first. */
import type { Clock } from '../clock.ts';

export interface TokenBucketOptions {
  readonly clock: Clock;
  readonly perSecond: number;
  /** Tokens that can be saved up; nobody can ever take more at once. */
  readonly capacity: number;
}

export class TokenBucket {
  readonly #options: TokenBucketOptions;
  #saved: number;
  #countedAt: number;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#saved = options.capacity;
    this.#countedAt = options.clock.now();
  }

  /** Takes `count` tokens where there are so many; else none. */
  take(count: number): boolean {
    this.#refill();
    if (this.#saved < count) return false;
    this.#saved -= count;
    return true;
  }

  /** Milliseconds until there are `count` tokens, where nobody takes any meanwhile. */
  msUntil(count: number): number {
    this.#refill();
    return Math.max(0, Math.ceil(((count - this.#saved) * 1000) / this.#options.perSecond));
  }

  #refill(): void {
    const { clock, perSecond, capacity } = this.#options;
    const now = clock.now();
    // The rounding of fractions is no reason to wait once more.
    const come = ((now - this.#countedAt) * perSecond) / 1000 + 1e-9;
    this.#saved = Math.min(capacity, this.#saved + come);
    this.#countedAt = now;
  }
}
