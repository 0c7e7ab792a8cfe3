/** Who is at an entry, and when the last of them has been gone for a while. */
import type { Clock, Timer } from '../clock.ts';

/** How long an entry that nobody reads keeps its object open, in milliseconds. */
const keepOpen = 30_000;

export class Attendance {
  readonly #clock: Clock;
  readonly #onDeserted: () => void;
  #visits = 0;
  #usedAt = 0;
  #timer: Timer | null = null;
  #closed = false;

  /**
   * `onDeserted` is called when nobody has come for a while, also where nobody ever has; whoever is not ready then says
   * `wait`.
   */
  constructor(clock: Clock, onDeserted: () => void) {
    this.#clock = clock;
    this.#onDeserted = onDeserted;
    this.wait();
  }

  get deserted(): boolean {
    return this.#visits === 0;
  }

  /** When somebody came or went last, in wall-clock time. */
  get usedAt(): number {
    return this.#usedAt;
  }

  arrive(): void {
    this.#visits += 1;
    this.#usedAt = this.#clock.wallTime();
    this.#timer?.cancel();
  }

  leave(): void {
    this.#visits -= 1;
    this.#usedAt = this.#clock.wallTime();
    if (this.deserted) this.wait();
  }

  /** Asks again after the same while. */
  wait(): void {
    if (this.#closed) return;
    this.#timer = this.#clock.after(keepOpen, () => {
      if (this.deserted) this.#onDeserted();
    });
  }

  /** Nobody is called any more. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }
}
