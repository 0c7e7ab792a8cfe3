/** Counts the users of an entry, and says when it has had none for half a minute. */
import type { Clock, Timer } from '../clock.ts';

/** How long an entry without users keeps its object open. */
const keepOpenMs = 30_000;

/** A player that opens one place after another leaves an entry without a user for less. */
const withinPlayMs = 10_000;

export class IdleTracker {
  readonly #clock: Clock;
  readonly #onIdle: () => void;
  #users = 0;
  #usedAt = 0;
  #playedSince = 0;
  /** Since when there may have been no user, in monotonic time. */
  #restsSince = 0;
  /** Set once in half a minute at most: who comes and leaves touches no timer. */
  #timer: Timer | null = null;
  #closed = false;

  /**
   * Calls `onIdle` after half a minute without users, also where there never was one. An entry that is still busy then
   * calls `restart`, and `onIdle` is called again later.
   */
  constructor(clock: Clock, onIdle: () => void) {
    this.#clock = clock;
    this.#onIdle = onIdle;
    this.restart();
  }

  /** Whether there is no user now. */
  get idle(): boolean {
    return this.#users === 0;
  }

  /** When the last user came or left, in wall-clock time. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /** Since when it has had users but for moments, in wall-clock time: so long it has been one play. */
  get playedSince(): number {
    return this.#playedSince;
  }

  /** A user has come. It calls `leave` once. */
  arrive(): void {
    const now = this.#clock.wallTime();
    if (this.idle && now - this.#usedAt > withinPlayMs) this.#playedSince = now;
    this.#users += 1;
    this.#usedAt = now;
  }

  leave(): void {
    this.#users -= 1;
    this.#usedAt = this.#clock.wallTime();
    if (this.idle) this.restart();
  }

  /** Begins the half minute anew. */
  restart(): void {
    if (this.#closed) return;
    this.#restsSince = this.#clock.now();
    if (this.#timer === null) this.#lookAfter(keepOpenMs);
  }

  /** `onIdle` is called no more. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #lookAfter(delay: number): void {
    this.#timer = this.#clock.after(delay, () => {
      this.#timer = null;
      if (!this.idle) return;
      const rest = this.#restsSince + keepOpenMs - this.#clock.now();
      if (rest > 0) this.#lookAfter(rest);
      else this.#onIdle();
    });
  }
}
