/**
 * One of several bases with the same files: whether it is worth asking now, and what it is known to lack.
 *
 * A base that failed is left alone for a while, for longer each time it fails again; then real work tries it.
 */
import type { Clock } from '../clock.ts';
import type { Origin } from './origin.ts';

/** The first cool-down, in milliseconds; it doubles with each failure in a row. */
const firstCoolDown = 10_000;
const longestCoolDown = 300_000;

/** More versions than this are not remembered. */
const mostLacking = 512;

export class Mirror {
  /** Name and port, for events. */
  readonly host: string;
  readonly origin: Origin;
  readonly #clock: Clock;
  readonly #lacking = new Set<string>();
  #failures = 0;
  #coolUntil = Number.NEGATIVE_INFINITY;
  /** When the first of its failures in a row was, in monotonic milliseconds; `null` where it is well. */
  failingSince: number | null = null;

  constructor(host: string, origin: Origin, clock: Clock) {
    this.host = host;
    this.origin = origin;
    this.#clock = clock;
  }

  /** The lower, the sooner it is asked; those of one rank in the operator's order. */
  rank(version: string | null): number {
    const lacks = version !== null && this.#lacking.has(version);
    return (lacks ? 2 : 0) + (this.#clock.now() < this.#coolUntil ? 1 : 0);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#coolUntil = Number.NEGATIVE_INFINITY;
    this.failingSince = null;
  }

  failed(): void {
    const now = this.#clock.now();
    this.failingSince ??= now;
    // Several requests that fail in one cool-down are one failure.
    if (now < this.#coolUntil) return;
    this.#coolUntil = now + Math.min(longestCoolDown, firstCoolDown * 2 ** this.#failures);
    this.#failures += 1;
  }

  /** It holds another version of the target than this one. */
  lacks(version: string): void {
    this.#lacking.add(version);
    const [oldest] = this.#lacking;
    if (this.#lacking.size > mostLacking && oldest !== undefined) this.#lacking.delete(oldest);
  }
}
