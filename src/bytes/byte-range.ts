/** Half-open ranges of bytes, closed and open; inclusive ends exist only on the wire. */

export interface ByteRange {
  readonly start: number;
  /** One past the last byte; greater than `start` unless the range is empty. */
  readonly end: number;
}

/** A range that may go on to the end of the file, wherever that is. Every closed range is one, too. */
export interface OpenRange {
  readonly start: number;
  /** One past the last byte; `null` for the end of the file. */
  readonly end: number | null;
}

/** The bytes of `range` in a file of `length` bytes. Its end is `Infinity` only where neither knows one (`null`). */
export function clipTo(range: OpenRange, length: number | null): ByteRange {
  const end = Math.min(range.end ?? Number.POSITIVE_INFINITY, length ?? Number.POSITIVE_INFINITY);
  return { start: Math.min(range.start, end), end };
}

/** How many bytes there are in `range`. */
export function byteLength(range: ByteRange): number {
  return Math.max(0, range.end - range.start);
}

/** How many bytes there are in all of `ranges`, which do not overlap. */
export function totalLength(ranges: Iterable<ByteRange>): number {
  let bytes = 0;
  for (const range of ranges) bytes += byteLength(range);
  return bytes;
}

/** `range`, cut at every multiple of `unit`: in ascending order, none empty. `range` has an end. */
export function* splitAt(range: ByteRange, unit: number): Generator<ByteRange, void, undefined> {
  for (let { start } = range; start < range.end; ) {
    const end = Math.min(range.end, (Math.floor(start / unit) + 1) * unit);
    yield { start, end };
    start = end;
  }
}
