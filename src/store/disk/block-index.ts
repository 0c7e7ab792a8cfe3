/**
 * Which blocks of one object the index names, with their checksums: in memory what it holds in rows.
 *
 * A block is durable once it is synced. Before that it may be early: it is written and summed, and counts for as long as
 * the machine runs. A block that came from the index is unchecked until its content has been read and compared once.
 */
import { BlockMap } from '../../bytes/block-map.ts';
import type { ByteRange } from '../../bytes/byte-range.ts';
import { RangeSet } from '../../bytes/range-set.ts';
import type { SegmentRow } from './index/rows.ts';

/** Sizes in bytes; a segment is a whole number of blocks. */
export interface Layout {
  readonly blockSize: number;
  readonly segmentSize: number;
}

/** In milliseconds. */
const useResolution = 60_000;

interface Segment {
  /** By position of the block in the segment; without meaning where the block is not named. */
  readonly sums: Uint32Array;
  used: number;
  changed: boolean;
}

export class BlockIndex {
  readonly #map: BlockMap;
  readonly #early = new Set<number>();
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

  /** The blocks that are early. */
  get early(): ReadonlySet<number> {
    return this.#early;
  }

  /** The bytes of all durable and early blocks: sorted, disjoint, not adjacent. */
  ranges(): ByteRange[] {
    if (this.#early.size === 0) return this.#map.ranges();
    const early = [...this.#early].map((block) => this.#map.blockRange(block));
    return [...RangeSet.from([...this.#map.ranges(), ...early])];
  }

  /** Whether the block is durable. */
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

  /** Every durable or early block, in ascending order. */
  blocks(): number[] {
    return this.ranges().flatMap((range) => this.blocksIn(range));
  }

  /** The segments that hold a durable or early block. */
  segments(): ReadonlySet<number> {
    return new Set(this.blocks().map((block) => this.segmentOf(block)));
  }

  segmentOf(block: number): number {
    return Math.floor(block / this.#blocksPerSegment);
  }

  /** The checksum that the content of a durable or early block must have. */
  sumOf(block: number): number | undefined {
    const named = this.#map.has(block) || this.#early.has(block);
    return named ? this.#segment(this.segmentOf(block)).sums[block % this.#blocksPerSegment] : undefined;
  }

  /** The checksum that the content of an unchecked block must have; `undefined` for every other block. */
  expectedSum(block: number): number | undefined {
    return this.#unchecked.has(block) ? this.sumOf(block) : undefined;
  }

  /** The content of the block is what was written. */
  checked(block: number): void {
    this.#unchecked.delete(block);
  }

  /** The block is written, and not synced. */
  markEarly(block: number, sum: number): void {
    this.#early.add(block);
    this.#name(block, sum);
  }

  /** The block is durable. */
  mark(block: number, sum: number): void {
    this.#early.delete(block);
    this.#map.mark(block);
    this.#name(block, sum);
  }

  /** The content of the block is lost. */
  drop(block: number): void {
    const named = this.#map.has(block) || this.#early.has(block);
    this.#map.clear(block);
    this.#early.delete(block);
    this.#unchecked.delete(block);
    if (named) this.#segment(this.segmentOf(block)).changed = true;
  }

  /** Takes note that the segment was used, at a wall-clock time; to the minute, so that reading changes few rows. */
  use(number: number, at: number): void {
    const segment = this.#segments.get(number);
    if (segment === undefined || at - segment.used < useResolution) return;
    segment.used = at;
    segment.changed = true;
  }

  /** The rows that are no longer what the index holds, which the caller is about to save. */
  takeChangedRows(): SegmentRow[] {
    const rows: SegmentRow[] = [];
    for (const [number, segment] of this.#segments) {
      if (!segment.changed) continue;
      segment.changed = false;
      const row = this.#row(number, segment);
      if (row.bytes === 0 && row.early.every((bits) => bits === 0)) this.#segments.delete(number);
      rows.push(row);
    }
    return rows;
  }

  /** These rows could not be saved; all of them, where no numbers are given. */
  notSaved(numbers: Iterable<number> = this.#segments.keys()): void {
    for (const number of numbers) this.#segment(number).changed = true;
  }

  #row(number: number, { sums, used }: Segment): SegmentRow {
    const blocks = new Uint8Array(Math.ceil(this.#blocksPerSegment / 8));
    const early = new Uint8Array(blocks.length);
    const stored = new DataView(new ArrayBuffer(this.#blocksPerSegment * 4));
    let bytes = 0;
    for (const [place, sum] of sums.entries()) {
      const block = number * this.#blocksPerSegment + place;
      const durable = this.#map.has(block);
      if (!durable && !this.#early.has(block)) continue;
      const bits = durable ? blocks : early;
      bits[place >> 3] = (bits[place >> 3] ?? 0) | (1 << (place & 7));
      stored.setUint32(place * 4, sum, true);
      const { start, end } = this.#map.blockRange(block);
      if (durable) bytes += end - start;
    }
    return { number, blocks, early, sums: new Uint8Array(stored.buffer), bytes, used };
  }

  #restore({ number, blocks, early, sums, used }: SegmentRow): void {
    const segment = this.#segment(number);
    segment.used = used;
    const stored = new DataView(sums.buffer, sums.byteOffset, sums.byteLength);
    for (let place = 0; place < this.#blocksPerSegment; place += 1) {
      const bit = 1 << (place & 7);
      const durable = ((blocks[place >> 3] ?? 0) & bit) !== 0;
      if (!durable && ((early[place >> 3] ?? 0) & bit) === 0) continue;
      const block = number * this.#blocksPerSegment + place;
      if (durable) this.#map.mark(block);
      else this.#early.add(block);
      segment.sums[place] = stored.getUint32(place * 4, true);
      this.#unchecked.add(block);
    }
  }

  #name(block: number, sum: number): void {
    const segment = this.#segment(this.segmentOf(block));
    segment.sums[block % this.#blocksPerSegment] = sum;
    segment.changed = true;
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
