/**
 * How a container is read: a reader of one looks at a few bytes here and there, and says what it learns as it goes.
 *
 * It never sees the file. It yields the range of the bytes that it wants to look at, and goes on when somebody gives them
 * to it; so it needs no bytes that are not there, and waits for none. Whatever a file says costs bounded work: so many
 * looks, each so large at most.
 */
import type { ByteRange } from '../bytes/byte-range.ts';

export type Container = 'mp4' | 'matroska' | 'avi' | 'wav' | 'ogg' | 'mpeg-ts' | 'flac' | 'mp3';

/** A range that may yet turn out to be another. */
export interface Stretch {
  start: number;
  end: number;
}

/** Yields the bytes that it wants to look at; is given them, or goes on no more where the file has none there. */
export type Looking<T = void> = Generator<ByteRange, T, Uint8Array>;

/** In bytes: no look is larger. */
export const largestLook = 256 * 1024;

/** Of one index, in bytes: that of a film of hours has some megabytes. */
export const largestIndex = 8 * 1024 * 1024;

/** What was learned so far of a file of `length` bytes. */
export class Notes {
  readonly length: number;
  container: Container | null = null;
  durationMs: number | null = null;
  /** What players ask for when they open the file. */
  readonly opening: Stretch[] = [];
  /** What they ask for when they seek first. */
  readonly seeking: Stretch[] = [];
  /** The heads of fragments, in order: a player that has gone from one to the next without an index asks for all. */
  readonly fragments: Stretch[] = [];
  /** What tells more of those at once; for nobody else. */
  readonly fragmentIndex: Stretch[] = [];

  constructor(length: number) {
    this.length = length;
  }

  /** Players ask for what lies from `start` to `end`, as far as that can be. */
  expect(when: 'opening' | 'seeking' | 'fragments' | 'fragmentIndex', start: number, end: number): Stretch | null {
    if (!Number.isSafeInteger(start) || start < 0 || start >= this.length || end <= start) return null;
    const span = { start, end: Math.min(end, this.length, start + largestIndex) };
    this[when].push(span);
    return span;
  }

  /** It plays for so many of these units, of which there are so many a second. */
  lasts(units: number, perSecond: number): void {
    const durationMs = Math.round((units / perSecond) * 1000);
    // What claims to be longer than a month is no film.
    if (durationMs > 0 && durationMs < 31 * 86_400_000) this.durationMs = durationMs;
  }
}

/** So many bytes from `start` on. */
export function* look(start: number, bytes: number): Looking<DataView> {
  const given = yield { start, end: start + bytes };
  return new DataView(given.buffer, given.byteOffset, bytes);
}

/** The four letters at `offset`. */
export function lettersAt(view: DataView, offset: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(offset + index)));
}

/** An unsigned number of eight bytes; larger than any file where it can't be told exactly. */
export function longAt(view: DataView, offset: number, littleEndian = false): number {
  return Number(view.getBigUint64(offset, littleEndian));
}
