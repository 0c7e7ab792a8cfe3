/**
 * Which blocks of one object are durable, with their checksums: in memory what the index holds in rows.
 *
 * A block that came from the index is unchecked until its content has been read and compared once.
 */
import { BlockMap } from '../bytes/block-map.ts';
import type { ByteRange } from '../bytes/byte-range.ts';
import type { SegmentRow } from './sqlite-index.ts';

/** Sizes in bytes; a segment is a whole number of blocks. */
export interface Layout {
  readonly blockSize: number;
  readonly segmentSize: number;
}

/** In milliseconds. */
const useResolution = 60_000;

interface Segment {
  /** By position of the block in the segment; without meaning where the block is not durable. */
  readonly sums: Uint32Array;
  used: number;
  changed: boolean;
}

export class DurableBlocks {
  readonly #map: BlockMap;
  readonly #blocksPerSegment: number;
  readonly #segments = new Map<number, Segment>();
  readonly #unchecked = new Set<number>();

  /** `length` is that of the object, `null` while unknown. */
  constructor({ blockSize, segmentSize }: Layout, length: number | null, rows: readonly SegmentRow[]) {
    this.#map = new BlockMap(blockSize, length);
    this.#blocksPerSegment = segmentSize / blockSize;
    for (const row of rows) this.#restore(row);
  }

  get length(): number | null {
    return this.#map.length;
  }

  /** A length once known stays; only then is a short last block whole. */
  set length(length: number | null) {
    this.#map.length = length;
  }

  /** The bytes of all durable blocks: sorted, disjoint, not adjacent. */
  ranges(): ByteRange[] {
    return this.#map.ranges();
  }

  has(block: number): boolean {
    return this.#map.has(block);
  }

  blockRange(block: number): ByteRange {
    return this.#map.blockRange(block);
  }

  /** Every block that has a byte in `range`. */
  blocksIn({ start, end }: ByteRange): number[] {
    const first = this.#map.blockOf(start);
    return Array.from({ length: Math.max(0, this.#map.blockOf(end - 1) - first + 1) }, (_, place) => first + place);
  }

  segmentOf(block: number): number {
    return Math.floor(block / this.#blocksPerSegment);
  }

  /** Every durable block, in ascending order. */
  blocks(): number[] {
    return this.#map.ranges().flatMap((range) => this.blocksIn(range));
  }

  /** The checksum that the content of a durable block must have. */
  sumOf(block: number): number | undefined {
    return this.#map.has(block) ? this.#sums(block)[block % this.#blocksPerSegment] : undefined;
  }

  /** The checksum that the content of an unchecked block must have; `undefined` for every other block. */
  expectedSum(block: number): number | undefined {
    return this.#unchecked.has(block) ? this.sumOf(block) : undefined;
  }

  /** The content of the block is what was written. */
  checked(block: number): void {
    this.#unchecked.delete(block);
  }

  mark(block: number, sum: number): void {
    this.#map.mark(block);
    this.#sums(block)[block % this.#blocksPerSegment] = sum;
    this.#segment(this.segmentOf(block)).changed = true;
  }

  /** The content of the block is lost. */
  drop(block: number): void {
    if (!this.#map.has(block)) return;
    this.#map.clear(block);
    this.#unchecked.delete(block);
    this.#segment(this.segmentOf(block)).changed = true;
  }

  /** Takes note that the block was used, at a wall-clock time; to the minute, so that reading changes few rows. */
  use(block: number, at: number): void {
    const segment = this.#segment(this.segmentOf(block));
    if (at - segment.used < useResolution) return;
    segment.used = at;
    segment.changed = true;
  }

  /** The rows that are no longer what the index holds, which the caller is about to save. */
  takeChangedRows(): SegmentRow[] {
    const rows: SegmentRow[] = [];
    for (const [number, segment] of this.#segments) {
      if (!segment.changed) continue;
      segment.changed = false;
      rows.push(this.#row(number, segment));
    }
    return rows;
  }

  #row(number: number, { sums, used }: Segment): SegmentRow {
    const blocks = new Uint8Array(Math.ceil(this.#blocksPerSegment / 8));
    const stored = new DataView(new ArrayBuffer(this.#blocksPerSegment * 4));
    let bytes = 0;
    for (const [place, sum] of sums.entries()) {
      const block = number * this.#blocksPerSegment + place;
      if (!this.#map.has(block)) continue;
      blocks[place >> 3] = (blocks[place >> 3] ?? 0) | (1 << (place & 7));
      stored.setUint32(place * 4, sum, true);
      const { start, end } = this.#map.blockRange(block);
      bytes += end - start;
    }
    return { number, blocks, early: new Uint8Array(), sums: new Uint8Array(stored.buffer), bytes, used };
  }

  #restore({ number, blocks, sums, used }: SegmentRow): void {
    const segment = this.#segment(number);
    segment.used = used;
    const stored = new DataView(sums.buffer, sums.byteOffset, sums.byteLength);
    for (let place = 0; place < this.#blocksPerSegment; place += 1) {
      if (((blocks[place >> 3] ?? 0) & (1 << (place & 7))) === 0) continue;
      const block = number * this.#blocksPerSegment + place;
      this.#map.mark(block);
      segment.sums[place] = stored.getUint32(place * 4, true);
      this.#unchecked.add(block);
    }
  }

  #sums(block: number): Uint32Array {
    return this.#segment(this.segmentOf(block)).sums;
  }

  #segment(number: number): Segment {
    let segment = this.#segments.get(number);
    if (segment === undefined) {
      segment = { sums: new Uint32Array(this.#blocksPerSegment), used: 0, changed: false };
      this.#segments.set(number, segment);
    }
    return segment;
  }
}
