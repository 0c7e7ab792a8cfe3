/**
 * Files that are read in small steps, each a request of its own: disc images, AVI, databases. They seldom come in the
 * order of the file. A step goes on with what lies before it where most of that has been read, as if one reader had: it may
 * be read ahead for, and its fetch is kept. What was left out before it is wanted as well, because it is about to be read.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { RangeSet } from '../bytes/range-set.ts';
import type { Clock } from '../clock.ts';
import { readUnit, unitEnd } from './read-unit.ts';

/** Whoever comes later than this begins anew, in milliseconds. */
const betweenMs = 5000;

/** So many places are remembered that lie apart. */
const mostRuns = 1024;

/** So much read in sequence shows that more will be, in bytes: sixteen of the smallest steps. */
export const surelyGoesOn = 64 * 1024;

/** From here on a file is read whole, as far as anybody can tell, in bytes. */
const wholly = 1024 * 1024;

/** The smallest stretch that is looked at, and the largest, in bytes. */
const smallest = 8 * 1024;
const largest = 1024 ** 3;

/** What is read of a stretch so long, at least, is read whole; of a shorter one it has to be half. */
const long = 1024 * 1024;
const shareOfLong = 1 / 8;

/** Who goes on in steps waits so long for a body that comes, rather than to have it torn, in milliseconds. */
export const stepPatienceMs = 250;

/** No more than this is wanted before a step, in bytes. */
const mostBehind = 4 * 1024 * 1024;

/**
 * How far past a step may be fetched where so much was read in sequence, in bytes: as much again, and where that is much,
 * so far that a request for a MiB or more is made each time that a part of it is used up.
 */
export function stepsWindow(sequence: number): number {
  return sequence < wholly ? sequence : 4 * sequence;
}

export class Steps {
  readonly #clock: Clock;
  readonly #read = new RangeSet();
  readonly #wanted = new RangeSet();
  #at = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A reader has read all that it wanted, which was little. */
  ended(step: ByteRange): void {
    this.#endAfterPause();
    this.#at = this.#clock.now();
    if (this.#read.runs >= mostRuns) this.#read.remove(everything);
    const near = this.#read.nextStart(Math.max(0, step.start - readUnit));
    // Its unit comes for it anyway, and is worth more than the connection that would be torn.
    if (near !== null && near < step.end + readUnit) this.#wanted.add({ start: step.start, end: unitEnd(step.end) });
    this.#read.add(step);
  }

  /** How many bytes were read in sequence up to where a step begins; 0 where it does not go on with any. */
  before(position: number): number {
    this.#endAfterPause();
    const { length, bytes } = this.#readBefore(position);
    if (bytes >= surelyGoesOn) this.#wanted.add({ start: position - Math.min(length, mostBehind), end: position });
    return bytes;
  }

  /** What was left out before steps that went on. */
  wanted(): RangeSet {
    this.#endAfterPause();
    return this.#wanted;
  }

  /** Where the bytes begin that were left out before a place, and lack still; the place itself where none were. */
  gapBefore(position: number, present: RangeSet): number {
    const start = this.#wanted.runStart(position);
    const gap = present.firstGap({ start, end: position });
    return gap !== null && gap.end === position ? gap.start : position;
  }

  /** What was left out is not wanted any more. */
  giveUp(): void {
    this.#wanted.remove(everything);
  }

  #endAfterPause(): void {
    if (this.#clock.now() - this.#at <= betweenMs) return;
    this.#read.remove(everything);
    this.#wanted.remove(everything);
  }

  /** The longest stretch before `position` of which enough has been read, and how much of it. */
  #readBefore(position: number): { readonly length: number; readonly bytes: number } {
    const run = position - this.#read.runStart(position);
    let found = { length: run, bytes: run };
    let bytes = 0;
    let end = position;
    for (let length = smallest; end > 0 && length <= largest; length *= 2) {
      const start = Math.max(0, position - length);
      bytes += this.#read.sizeWithin({ start, end });
      end = start;
      if (bytes >= (position - start) * (length >= long ? shareOfLong : 1 / 2))
        found = { length: position - start, bytes };
    }
    return found;
  }
}

const everything: ByteRange = { start: 0, end: Number.MAX_SAFE_INTEGER };

/** Whether a range is a step. */
export function isStep(start: number, end: number | null): boolean {
  return end !== null && end - start <= readUnit;
}
