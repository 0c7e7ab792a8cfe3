/** How many requests an origin may be sent a second, of which one second's worth may be saved up. */
import type { Clock } from '../clock.ts';
import { TokenBucket } from '../kit/token-bucket.ts';

export class RequestRate {
  readonly clock: Clock;
  /** Requests a second. */
  readonly perSecond: number;
  readonly #bucket: TokenBucket;

  constructor(perSecond: number, clock: Clock) {
    this.clock = clock;
    this.perSecond = perSecond;
    this.#bucket = new TokenBucket({ clock, perSecond, capacity: Math.max(1, perSecond) });
  }

  /** Takes the right to one request, where there is one. */
  take(): boolean {
    return this.#bucket.take(1);
  }

  /** Milliseconds until there is one. */
  get wait(): number {
    return this.#bucket.msUntil(1);
  }
}
