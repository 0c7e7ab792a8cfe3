/**
 * When memory is given back to the system: once for each burst of work, after the first quiet second. That stops the process
 * for some tens of milliseconds, so it is done while next to nothing runs.
 */
import type { Clock } from '../clock.ts';

/** How long it is looked whether the process is quiet, in milliseconds; and how much of that it may have run then. */
const look = { for: 1000, share: 0.1 };

export interface ProcessMemory {
  /** How long the process has run so far, over all of its threads, in milliseconds. */
  used(): number;
  /** Frees whatever is garbage. Buffers are freed by another thread soon after. */
  collect(): void;
  /** Gives back to the system what was freed. */
  trim(): void;
}

export class QuietMemory {
  readonly #clock: Clock;
  readonly #memory: ProcessMemory;
  #isDue = false;

  constructor(clock: Clock, memory: ProcessMemory) {
    this.#clock = clock;
    this.#memory = memory;
  }

  /** There may be memory to be given back: the next quiet time is used. */
  noteCollection(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#look();
  }

  #look(): void {
    const before = this.#memory.used();
    this.#clock.after(look.for, () => {
      if (this.#memory.used() - before > look.for * look.share) return this.#look();
      this.#isDue = false;
      this.#memory.collect();
      this.#clock.after(look.for, () => this.#memory.trim());
    });
  }
}
