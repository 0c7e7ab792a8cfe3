/** Whether the store is full. It is from the first write that it refuses until it has refused none for a second. */
import type { Clock, Timer } from '../clock.ts';
import { StoreError } from './store.ts';

/** The store is full until it has refused nothing for this long. */
const calmMs = 1000;

export class FullState {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #current: StoreError | null = null;
  #last = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Why the store refuses bytes; `null` while there is room. */
  get current(): StoreError | null {
    return this.#current;
  }

  /** The store refuses bytes: it has reached its limit (`size`), or the disk is full (`free`). Returns the error. */
  refuse(reason: 'size' | 'free'): StoreError {
    this.#last = this.#clock.now();
    if (this.#current !== null) return this.#current;
    this.#current =
      reason === 'size'
        ? new StoreError('FULL', 'The cache has reached its limit, and nothing in it may go.')
        : new StoreError('ENOSPC', 'The disk is as full as it may be, and nothing in the cache may go.');
    this.#onChange();
    this.#watch(calmMs);
    return this.#current;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #watch(delay: number): void {
    this.#timer = this.#clock.after(delay, () => {
      const rest = this.#last + calmMs - this.#clock.now();
      if (rest > 0) return this.#watch(rest);
      this.#current = null;
      this.#onChange();
    });
  }
}
