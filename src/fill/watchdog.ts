/** The patience with one connection: how long it may go without progress. */
import type { Clock, Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';

/** Aborts an attempt that has gone without progress for too long; setting it again only moves a number. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #abort: AbortController;
  #limit = 0;
  #since = 0;
  #setting = '';
  #timer: Timer | null = null;

  constructor(clock: Clock, abort: AbortController) {
    this.#clock = clock;
    this.#abort = abort;
  }

  /** Starts over; `setting` is the key that governs `limit`. */
  set(limit: number, setting: string): void {
    if (limit < this.#limit) this.cancel();
    this.#since = this.#clock.now();
    this.#limit = limit;
    this.#setting = setting;
    if (this.#timer === null) this.#arm(limit);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(delay: number): void {
    this.#timer = this.#clock.after(delay, () => {
      const rest = this.#since + this.#limit - this.#clock.now();
      if (rest > 0) return this.#arm(rest);
      const message = `The origin was silent for ${(this.#limit / 1000).toFixed(1)} s.`;
      this.#abort.abort(new ProxyError('connection_read_timeout', message, { setting: this.#setting }));
    });
  }
}
