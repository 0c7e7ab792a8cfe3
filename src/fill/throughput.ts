/** How fast bytes come and go: over one body so far, and over the last seconds. */
import type { Clock } from '../clock.ts';

/** What comes at once, from buffers on the way, says little about a connection: so many bytes, or milliseconds. */
const burst = { bytes: 64 * 1024, durationMs: 20 };

/** Of one body, counted from when its bytes began to come without a pause of ours. */
export class BodyThroughput {
  #since = 0;
  #bytes = 0;

  /** Bytes begin to come, at `now` in milliseconds. */
  begin(now: number): void {
    this.#since = now;
    this.#bytes = 0;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Bytes a second, or `null` before there are any. */
  overall(now: number): number | null {
    return this.#bytes === 0 ? null : (this.#bytes * 1000) / Math.max(1, now - this.#since);
  }

  /** The same without the burst that a connection begins with; `null` before enough has come to tell. */
  steady(now: number): number | null {
    if (this.#bytes < burst.bytes) return null;
    return (this.#bytes * 1000) / Math.max(burst.durationMs, now - this.#since);
  }
}

/** What is older than this has mostly been forgotten, in milliseconds. */
const memoryMs = 3000;

/** Over the last seconds, of which the newest count most. */
export class RecentThroughput {
  readonly #clock: Clock;
  #beganAt: number | null = null;
  #weighed = 0;
  #weighedAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(bytes: number): void {
    const now = this.#clock.now();
    this.#beganAt ??= now;
    this.#weighed = this.#weighed * Math.exp((this.#weighedAt - now) / memoryMs) + bytes;
    this.#weighedAt = now;
  }

  /** In bytes a second; 0 before there were any. */
  get now(): number {
    if (this.#beganAt === null) return 0;
    const now = this.#clock.now();
    const weighed = this.#weighed * Math.exp((this.#weighedAt - now) / memoryMs);
    // A time that is only beginning is not taken for a long one; nor one moment for a throughput.
    const span = memoryMs * (1 - Math.exp(-Math.max(100, now - this.#beganAt) / memoryMs));
    return (weighed * 1000) / span;
  }
}
