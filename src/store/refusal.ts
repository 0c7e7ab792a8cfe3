/** Whether bytes are being refused for want of room: from the first that was, until none was for a moment. */
import type { Clock, Timer } from '../clock.ts';
import { StoreError } from './store.ts';

/** In milliseconds. */
const calm = 1000;

export class Refusal {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #current: StoreError | null = null;
  #last = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get current(): StoreError | null {
    return this.#current;
  }

  /** Refuses bytes, because the store has reached its limit or the disk is full; returns what to say. */
  refuse(reason: 'size' | 'free'): StoreError {
    this.#last = this.#clock.now();
    if (this.#current !== null) return this.#current;
    this.#current =
      reason === 'size'
        ? new StoreError('FULL', 'The cache has reached its limit, and nothing in it may go.')
        : new StoreError('ENOSPC', 'The disk is as full as it may be, and nothing in the cache may go.');
    this.#onChange();
    this.#watch(calm);
    return this.#current;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #watch(delay: number): void {
    this.#timer = this.#clock.after(delay, () => {
      const rest = this.#last + calm - this.#clock.now();
      if (rest > 0) return this.#watch(rest);
      this.#current = null;
      this.#onChange();
    });
  }
}
