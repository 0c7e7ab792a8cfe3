/**
 * When memory is given back to the system: once for each burst of work, after the first quiet second, and where it is worth
 * the while. That stops the process for some tens of milliseconds, and what was given back has to be taken again.
 */
import type { Clock } from '../clock.ts';

/** How long it is looked whether the process is quiet, in milliseconds; and how much of that it may have run then. */
const look = { for: 1000, share: 0.1 };

/** By how much the process must have grown, in bytes. */
const worthwhile = 64 * 1024 * 1024;

export interface ProcessMemory {
  /** How long the process has run so far, over all of its threads, in milliseconds. */
  used(): number;
  /** In bytes; `null` where the system does not say. */
  resident(): number | null;
  /** Frees whatever is garbage, and gives back V8's pages. Buffers are freed by another thread soon after. */
  collect(): void;
  /** Gives back what else was freed. */
  trim(): void;
}

export class QuietMemory {
  readonly #clock: Clock;
  readonly #memory: ProcessMemory;
  /** The least that it needed in a quiet time since memory was given back. */
  #needed: number;
  #isDue = false;

  constructor(clock: Clock, memory: ProcessMemory) {
    this.#clock = clock;
    this.#memory = memory;
    this.#needed = memory.resident() ?? Number.POSITIVE_INFINITY;
  }

  /** There may be memory to be given back: the next quiet time is used. */
  noteCollection(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#whenQuiet(() => this.#free());
  }

  #whenQuiet(act: () => void): void {
    const before = this.#memory.used();
    this.#clock.after(look.for, () => {
      if (this.#memory.used() - before > look.for * look.share) this.#whenQuiet(act);
      else act();
    });
  }

  #free(): void {
    const resident = this.#memory.resident();
    if (resident === null || resident - this.#needed < worthwhile) {
      this.#end(Math.min(resident ?? this.#needed, this.#needed));
      return;
    }
    this.#memory.collect();
    this.#clock.after(look.for, () => {
      this.#memory.trim();
      this.#end(this.#memory.resident() ?? this.#needed);
    });
  }

  #end(needed: number): void {
    this.#needed = needed;
    this.#isDue = false;
  }
}
