/** A half-open range of bytes; inclusive ends exist only on the wire. */

export interface ByteRange {
  readonly start: number;
  /** One past the last byte; greater than `start` unless the range is empty. */
  readonly end: number;
}

/** How many bytes there are in `range`. */
export function byteLength(range: ByteRange): number {
  return Math.max(0, range.end - range.start);
}

/** The bytes that are in both; `null` where there are none. */
export function intersect(a: ByteRange, b: ByteRange): ByteRange | null {
  const start = Math.max(a.start, b.start);
  const end = Math.min(a.end, b.end);
  return start < end ? { start, end } : null;
}
