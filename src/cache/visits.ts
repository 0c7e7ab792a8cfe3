/** The visits of an entry: whether somebody uses it now, and when the play began: its users have left it for moments only. */
import type { Clock } from '../clock.ts';

/** A player that opens one place after another leaves an entry without a user for less. */
const withinPlayMs = 10_000;

export class Visits {
  readonly #clock: Clock;
  #users = 0;
  #usedAt = 0;
  #playedSince = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there is no user now. */
  get idle(): boolean {
    return this.#users === 0;
  }

  /** When the last user came or left, in wall-clock time. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /**
   * Since when it has had users but for moments, in wall-clock time: so long it has been one play. Where it has none, that
   * of who comes now.
   */
  get playedSince(): number {
    const now = this.#clock.wallTime();
    return this.idle && now - this.#usedAt > withinPlayMs ? now : this.#playedSince;
  }

  /** A user has come. It calls `leave` once. */
  arrive(): void {
    this.#playedSince = this.playedSince;
    this.#users += 1;
    this.#usedAt = this.#clock.wallTime();
  }

  leave(): void {
    this.#users -= 1;
    this.#usedAt = this.#clock.wallTime();
  }
}
