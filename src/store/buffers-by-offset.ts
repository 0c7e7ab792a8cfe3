/**
 * Bytes that are in memory, found by their offset: buffers that do not overlap, kept as they came, never copied.
 *
 * Most bytes come in order, so that adding one is mostly a push at the end.
 */
import type { ByteRange } from '../bytes/byte-range.ts';

export class BuffersByOffset {
  /** Ascending; `#buffers[i]` begins at `#offsets[i]`. */
  readonly #offsets: number[] = [];
  readonly #buffers: Buffer[] = [];
  #size = 0;

  /** How many bytes are here. */
  get size(): number {
    return this.#size;
  }

  /** Takes `bytes`, none of which may be here already. An empty buffer leaves no trace. */
  add(offset: number, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const index = this.#indexAfter(offset);
    this.#offsets.splice(index, 0, offset);
    this.#buffers.splice(index, 0, bytes);
    this.#size += bytes.length;
  }

  /** The rest of the buffer that holds the byte at `offset`, beginning with that byte. */
  from(offset: number): Buffer | undefined {
    const index = this.#indexAfter(offset) - 1;
    const start = this.#offsets[index];
    const bytes = this.#buffers[index];
    if (start === undefined || bytes === undefined || offset >= start + bytes.length) return undefined;
    return offset === start ? bytes : bytes.subarray(offset - start);
  }

  /** Forgets the buffer that was added at exactly `offset`. */
  delete(offset: number): void {
    const index = this.#indexAfter(offset) - 1;
    if (this.#offsets[index] !== offset) return;
    this.#offsets.splice(index, 1);
    for (const { length } of this.#buffers.splice(index, 1)) this.#size -= length;
  }

  /** Forgets every buffer that begins in `range`. */
  deleteIn(range: ByteRange): void {
    const first = this.#indexAfter(range.start - 1);
    const count = this.#indexAfter(range.end - 1) - first;
    this.#offsets.splice(first, count);
    for (const { length } of this.#buffers.splice(first, count)) this.#size -= length;
  }

  /** Which bytes are here: sorted, disjoint, not adjacent. */
  ranges(): ByteRange[] {
    return this.rangesIn({ start: 0, end: Number.POSITIVE_INFINITY });
  }

  /** The same of the buffers that begin in `range`. */
  rangesIn(range: ByteRange): ByteRange[] {
    const ranges: { start: number; end: number }[] = [];
    for (let index = this.#indexAfter(range.start - 1); index < this.#offsets.length; index += 1) {
      const start = this.#offsets[index] ?? 0;
      if (start >= range.end) break;
      const end = start + (this.#buffers[index]?.length ?? 0);
      const last = ranges.at(-1);
      if (last?.end === start) last.end = end;
      else ranges.push({ start, end });
    }
    return ranges;
  }

  /** How many buffers begin at or before `offset`. */
  #indexAfter(offset: number): number {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
