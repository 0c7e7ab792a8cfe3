/** How fast bytes go by now: an average over the last seconds, in which the newest count most. */
import type { Clock } from '../clock.ts';

/** What is older than this has mostly been forgotten, in milliseconds. */
const memory = 3000;

export class Speed {
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
    this.#weighed = this.#weighed * Math.exp((this.#weighedAt - now) / memory) + bytes;
    this.#weighedAt = now;
  }

  /** In bytes a second; 0 before there were any. */
  get now(): number {
    if (this.#beganAt === null) return 0;
    const now = this.#clock.now();
    const weighed = this.#weighed * Math.exp((this.#weighedAt - now) / memory);
    // A time that is only beginning is not taken for a long one; nor one moment for a speed.
    const span = memory * (1 - Math.exp(-Math.max(100, now - this.#beganAt) / memory));
    return (weighed * 1000) / span;
  }
}
