/**
 * The way past the store: the last bytes received, kept in bounded memory for those who read along. A fill writes to it
 * where nothing may be stored (pass-through), or where the store has failed under it.
 */
import type { ByteRange } from '../bytes/byte-range.ts';

export class Bypass {
  readonly #limit: number;
  /** In order of arrival; the oldest go first. */
  #received: { start: number; bytes: Buffer }[] = [];
  #size = 0;

  /** `limit` in bytes; one read of the network may exceed it. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Keeps `bytes` and returns what had to go for them. */
  write(start: number, bytes: Buffer): ByteRange[] {
    this.#received.push({ start, bytes });
    this.#size += bytes.length;
    const gone: ByteRange[] = [];
    while (this.#size > this.#limit && this.#received.length > 1) {
      const oldest = this.#received.shift();
      if (oldest === undefined) break;
      this.#size -= oldest.bytes.length;
      gone.push({ start: oldest.start, end: oldest.start + oldest.bytes.length });
    }
    return gone;
  }

  /** Forgets everything that has a byte in `range`, and returns what that was. */
  forget(range: ByteRange): ByteRange[] {
    const isIn = ({ start, bytes }: { start: number; bytes: Buffer }) =>
      start < range.end && start + bytes.length > range.start;
    const gone = this.#received.filter(isIn);
    if (gone.length > 0) this.#received = this.#received.filter((received) => !isIn(received));
    for (const { bytes } of gone) this.#size -= bytes.length;
    return gone.map(({ start, bytes }) => ({ start, end: start + bytes.length }));
  }

  /** The first bytes of `range` that are here, or `null` where its first is not. */
  read(range: ByteRange): Buffer | null {
    for (const { start, bytes } of this.#received) {
      if (start > range.start || start + bytes.length <= range.start) continue;
      return bytes.subarray(range.start - start, Math.min(bytes.length, range.end - start));
    }
    return null;
  }
}
