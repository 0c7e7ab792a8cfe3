/** A half-open range of bytes; inclusive ends exist only on the wire. */

export interface ByteRange {
  readonly start: number;
  /** One past the last byte; greater than `start` unless the range is empty. */
  readonly end: number;
}
