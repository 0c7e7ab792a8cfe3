/**
 * Files that are read in small steps, each a request of its own: disc images, AVI, databases. A step that begins where
 * another one ended goes on with that, as if both were one reader: it may be read ahead for, and its fetch is kept.
 */
import type { Clock } from '../clock.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import { readUnit } from './read-unit.ts';

/** Whoever comes later than this begins anew, in milliseconds. */
const betweenMs = 5000;

/** So many places are remembered at which a step has ended. */
const mostEnds = 64;

/** So much read in sequence shows that more will be, in bytes: sixteen of the smallest steps. */
export const surelyGoesOn = 64 * 1024;

/** From here on a file is read whole, as far as anybody can tell, in bytes. */
const wholly = 1024 * 1024;

/**
 * How far past a step may be fetched where so much was read in sequence, in bytes: as much again, and where that is much,
 * so far that a request for a MiB or more is made each time that a part of it is used up.
 */
export function stepsWindow(sequence: number): number {
  return sequence < wholly ? sequence : 4 * sequence;
}

export class Steps {
  readonly #clock: Clock;
  /** By the place where a step ended: what was read in sequence up to there, and when. */
  readonly #ends = new Map<number, { readonly sequence: number; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A reader has read all that it wanted, which was little. */
  ended(position: number, sequence: number): void {
    this.#ends.delete(position);
    this.#ends.set(position, { sequence, at: this.#clock.now() });
    keepNewest(this.#ends, mostEnds);
  }

  /** What was read in sequence up to where a step begins; 0 where none has ended there. */
  before(position: number): number {
    const end = this.#ends.get(position);
    this.#ends.delete(position);
    return end !== undefined && this.#clock.now() - end.at <= betweenMs ? end.sequence : 0;
  }
}

/** Whether a range is a step. */
export function isStep(start: number, end: number | null): boolean {
  return end !== null && end - start <= readUnit;
}
