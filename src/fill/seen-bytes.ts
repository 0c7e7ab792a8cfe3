/**
 * Bytes that were seen and may not be present: those before a piece, where another fetch is about to bring them, and those
 * that may be gone before a body from the start comes to them. What comes there is compared with these. Of very many the
 * oldest are forgotten.
 */

/** So many are kept, of a read each. */
const most = 64;

export class SeenBytes {
  #all: readonly { readonly start: number; readonly end: number; readonly bytes: Buffer }[] = [];

  add(start: number, bytes: Buffer): void {
    this.#all = [...this.#all, { start, end: start + bytes.length, bytes: Buffer.from(bytes) }].slice(-most);
  }

  /** Whether they go up to `offset`. */
  reach(offset: number): boolean {
    return this.#all.some(({ end }) => end === offset);
  }

  /** Whether some of `bytes` at `offset` were seen. */
  isAmong(offset: number, bytes: Buffer): boolean {
    return this.#all.some(({ start, end }) => start < offset + bytes.length && offset < end);
  }

  /** Whether what was seen of `bytes` at `offset` was the same; it is forgotten where they go past it. */
  agree(offset: number, bytes: Buffer): boolean {
    const until = offset + bytes.length;
    const met = this.#all.filter(({ start, end }) => start < until && offset < end);
    this.#all = this.#all.filter((seen) => !met.includes(seen) || seen.end > until);
    return met.every((seen) => {
      const [start, end] = [Math.max(offset, seen.start), Math.min(until, seen.end)];
      return bytes
        .subarray(start - offset, end - offset)
        .equals(seen.bytes.subarray(start - seen.start, end - seen.start));
    });
  }
}
