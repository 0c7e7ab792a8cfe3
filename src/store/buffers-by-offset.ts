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
    const place = this.#placeAfter(offset);
    this.#offsets.splice(place, 0, offset);
    this.#buffers.splice(place, 0, bytes);
    this.#size += bytes.length;
  }

  /** The rest of the buffer that holds the byte at `offset`, beginning with that byte. */
  from(offset: number): Buffer | undefined {
    const place = this.#placeAfter(offset) - 1;
    const start = this.#offsets[place];
    const bytes = this.#buffers[place];
    if (start === undefined || bytes === undefined || offset >= start + bytes.length) return undefined;
    return offset === start ? bytes : bytes.subarray(offset - start);
  }

  /** Forgets the buffer that was added at exactly `offset`. */
  delete(offset: number): void {
    const place = this.#placeAfter(offset) - 1;
    if (this.#offsets[place] !== offset) return;
    this.#offsets.splice(place, 1);
    for (const { length } of this.#buffers.splice(place, 1)) this.#size -= length;
  }

  /** Forgets every buffer that begins in `range`. */
  deleteIn(range: ByteRange): void {
    const first = this.#placeAfter(range.start - 1);
    const count = this.#placeAfter(range.end - 1) - first;
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
    for (let place = this.#placeAfter(range.start - 1); place < this.#offsets.length; place += 1) {
      const start = this.#offsets[place] ?? 0;
      if (start >= range.end) break;
      const end = start + (this.#buffers[place]?.length ?? 0);
      const last = ranges.at(-1);
      if (last?.end === start) last.end = end;
      else ranges.push({ start, end });
    }
    return ranges;
  }

  /** How many buffers begin at or before `offset`. */
  #placeAfter(offset: number): number {
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
