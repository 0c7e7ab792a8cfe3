/** How long to leave something alone that has failed: twice as long for each failure in a row, up to a bound. Pure. */

export interface BackOff {
  /** After the first failure. */
  readonly firstMs: number;
  readonly longestMs: number;
}

/** The pause after so many `failures` in a row, at least one; in milliseconds. */
export function backOffMs({ firstMs, longestMs }: BackOff, failures: number): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}
