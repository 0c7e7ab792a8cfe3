/** Bounds a Set or a Map: the entries that were added last stay. */

/** Forgets the oldest entries of `kept` until there are no more than `most`. */
export function keepNewest<Key>(kept: Pick<Map<Key, unknown>, 'size' | 'keys' | 'delete'>, most: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(oldest);
  }
}
