/**
 * The entries that nobody uses: each is kept open for half a minute, and no more than so many together.
 *
 * That is for who comes back in a moment, and for who looks at what was played just now. What is stored is opened again
 * at once; so where more are idle than people look at, those that were used longest ago go first.
 */
import type { Clock, Timer } from '../clock.ts';

const keepOpenMs = 30_000;

const mostIdle = 64;

/** An entry, as far as it matters here. */
export interface IdleEntry {
  /** Whether it is at work although nobody uses it. */
  readonly engaged: boolean;
  /** Lets go of everything that it has open. */
  retire(): void;
}

export class IdleEntries {
  readonly #clock: Clock;
  /** With the monotonic time since when nobody uses it; the longest first. */
  readonly #since = new Map<IdleEntry, number>();
  /** One for all of them: who comes and leaves touches no timer. */
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nobody uses it from now on. */
  add(entry: IdleEntry): void {
    this.#since.delete(entry);
    this.#since.set(entry, this.#clock.now());
    // The next turn is soon enough: whoever asks for another one now is not to wait for it.
    if (this.#since.size > mostIdle) setImmediate(() => this.#retireOldest());
    this.#timer ??= this.#lookAfter(keepOpenMs);
  }

  /** Somebody uses it, or it is closed. */
  delete(entry: IdleEntry): void {
    this.#since.delete(entry);
  }

  /** Lets go of nothing more by itself. */
  stop(): void {
    this.#timer?.cancel();
    this.#since.clear();
  }

  #retireOldest(): void {
    for (const oldest of this.#since.keys()) {
      if (this.#since.size <= mostIdle) break;
      if (!oldest.engaged) this.#retire(oldest);
    }
  }

  #retire(entry: IdleEntry): void {
    this.#since.delete(entry);
    entry.retire();
  }

  #lookAfter(delay: number): Timer {
    return this.#clock.after(delay, () => {
      const now = this.#clock.now();
      for (const [entry, since] of [...this.#since]) {
        if (since + keepOpenMs > now) break;
        // Its half minute begins anew.
        if (entry.engaged) this.add(entry);
        else this.#retire(entry);
      }
      const [next] = this.#since.values();
      this.#timer = next === undefined ? null : this.#lookAfter(next + keepOpenMs - now);
    });
  }
}
