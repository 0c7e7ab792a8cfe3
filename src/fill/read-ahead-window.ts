/**
 * How far past a reader a fill may run.
 *
 * Whoever opens a film to look at its head or its tail must not pull it in: until 8 MiB have been read in sequence it may
 * be a scan, and gets little. From there on it plays, and has the whole of `readAhead`; a film that is read so fast that
 * this would last for less than 20 s has more, because 20 s is what a connection that breaks may take to be replaced.
 */
import type { FillPolicy } from './policy.ts';
import { readUnit } from './read-unit.ts';

const mebibyte = 1024 * 1024;

/** Whoever has read so many bytes in sequence plays. */
export const playedAfter = 8 * mebibyte;

/** What a scan gets; a player that leaves after 2 MiB has cost 3 MiB at most. */
export const scanWindow = mebibyte;

/** How long a fast reader shall have enough, in milliseconds, and how many times `readAhead` that may be. */
const enoughMs = 20_000;
const mostTimes = 4;

/** What a reader has done so far. */
export interface ReadingProgress {
  /** Bytes read in sequence. */
  readonly sequence: number;
  /** Bytes a second that it reads, or that the film needs; 0 where neither is known yet. */
  readonly throughput: number;
}

/** In bytes. */
export function readAheadWindow(
  { sequence, throughput }: ReadingProgress,
  { readAhead, fill }: Pick<FillPolicy, 'readAhead' | 'fill'>,
): number {
  if (fill === 'none') return Math.min(readAhead, readUnit);
  if (sequence < playedAfter) return Math.min(readAhead, Math.max(scanWindow, Math.floor(sequence / 2)));
  return Math.max(readAhead, Math.min(mostTimes * readAhead, Math.floor((throughput * enoughMs) / 1000)));
}

/** Long enough to see past what a player takes at once to fill its buffer. */
const periodMs = 10_000;

/** How fast a reader reads: bytes a second over the last period that is over. */
export class ReadingThroughput {
  #since: number | null = null;
  #bytes = 0;
  #perSecond = 0;

  get bytesPerSecond(): number {
    return this.#perSecond;
  }

  /** Bytes were taken; `now` in milliseconds. */
  took(bytes: number, now: number): void {
    this.#since ??= now;
    const elapsed = now - this.#since;
    if (elapsed >= periodMs) {
      this.#perSecond = (this.#bytes * 1000) / elapsed;
      this.#since = now;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
  }
}
