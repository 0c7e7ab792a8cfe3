/**
 * Which blocks of one object the index names, with their checksums: in memory what it holds in rows.
 *
 * Block `n` covers the bytes from `n * blockSize`; the last block of a known length is as short as what is left, and is
 * whole all the same. A block is durable once it is synced. Before that it may be early: it is written and summed, and
 * counts for as long as the machine runs. A block that came from the index is unchecked until its content has been read
 * and compared once.
 */
import type { ByteRange } from '../../bytes/byte-range.ts';
import type { BlocksRow } from './index/rows.ts';

/** Sizes in bytes; a segment is a whole number of blocks. */
export interface Layout {
  readonly blockSize: number;
  readonly segmentSize: number;
}

/** What the index says of a block. */
const unnamed = 0;
const early = 1;
const durable = 2;
const named = 3;

/** Besides that: its content has not been compared. */
const unchecked = 4;

/**
 * Each list by position of the block in the segment; no longer than the object reaches. Plain ones, since most objects are
 * small, and many: a typed one takes hundreds of bytes beside what is in it.
 */
interface Segment {
  readonly states: number[];
  /** Without meaning where the block is not named. */
  readonly sums: number[];
  changed: boolean;
}

export class BlockIndex {
  /** In bytes; `null` while unknown. Once known it stays; only then is a short last block whole. */
  length: number | null;
  readonly #blockSize: number;
  readonly #blocksPerSegment: number;
  readonly #segments = new Map<number, Segment>();
  /** What `ranges` gave, as long as it is true. */
  #ranges: readonly ByteRange[] | null = null;

  constructor({ blockSize, segmentSize }: Layout, length: number | null, rows: readonly BlocksRow[]) {
    this.length = length;
    this.#blockSize = blockSize;
    this.#blocksPerSegment = segmentSize / blockSize;
    for (const row of rows) this.#restore(row);
  }

  /** The bytes of all durable and early blocks: sorted, disjoint, not adjacent. */
  ranges(): readonly ByteRange[] {
    if (this.#ranges !== null) return this.#ranges;
    const ranges: { start: number; end: number }[] = [];
    for (const block of this.blocks()) {
      const { start, end } = this.blockRange(block);
      const last = ranges.at(-1);
      if (last?.end === start) last.end = end;
      else ranges.push({ start, end });
    }
    this.#ranges = ranges;
    return ranges;
  }

  /** Every durable or early block, in ascending order. */
  *blocks(): Generator<number> {
    for (const number of [...this.#segments.keys()].sort((one, other) => one - other)) {
      for (const [place, state] of this.#segments.get(number)?.states.entries() ?? []) {
        if ((state & named) !== unnamed) yield number * this.#blocksPerSegment + place;
      }
    }
  }

  /** Every early block, in ascending order. */
  *early(): Generator<number> {
    for (const block of this.blocks()) if (!this.has(block)) yield block;
  }

  /** How many blocks it has room for. */
  get size(): number {
    let size = 0;
    for (const { states } of this.#segments.values()) size += states.length;
    return size;
  }

  /** The segments that hold a durable or early block. */
  segments(): ReadonlySet<number> {
    const found = [...this.#segments].filter(([, { states }]) => states.some((state) => (state & named) !== unnamed));
    return new Set(found.map(([number]) => number));
  }

  /** Whether the block is durable. */
  has(block: number): boolean {
    return this.#stateOf(block) === durable;
  }

  /** The bytes of one block; empty past the end. */
  blockRange(block: number): ByteRange {
    const limit = this.length ?? Number.POSITIVE_INFINITY;
    const start = Math.min(limit, block * this.#blockSize);
    return { start, end: Math.min(limit, start + this.#blockSize) };
  }

  /** Every block that has a byte in `range`. */
  blocksIn({ start, end }: ByteRange): number[] {
    const first = Math.floor(start / this.#blockSize);
    const count = Math.floor((end - 1) / this.#blockSize) - first + 1;
    return Array.from({ length: Math.max(0, count) }, (_, place) => first + place);
  }

  segmentOf(block: number): number {
    return Math.floor(block / this.#blocksPerSegment);
  }

  /** The segment that holds the byte at `offset`, and where in that it lies. */
  placeOf(offset: number): { readonly segment: number; readonly within: number } {
    const segmentSize = this.#blocksPerSegment * this.#blockSize;
    return { segment: Math.floor(offset / segmentSize), within: offset % segmentSize };
  }

  /** Where the named blocks of one segment end whose content has been compared, from the one at `start` on; `start`: none. */
  comparedEnd(start: number): number {
    const first = Math.floor(start / this.#blockSize);
    const states = this.#of(first)?.states;
    let place = first % this.#blocksPerSegment;
    while (states !== undefined && isCompared(states[place])) place += 1;
    const end = (this.segmentOf(first) * this.#blocksPerSegment + place) * this.#blockSize;
    return Math.max(start, Math.min(this.length ?? Number.POSITIVE_INFINITY, end));
  }

  /** The checksum that the content of a durable or early block must have. */
  sumOf(block: number): number | undefined {
    return this.#stateOf(block) === unnamed ? undefined : this.#of(block)?.sums[block % this.#blocksPerSegment];
  }

  /** The checksum that the content of an unchecked block must have; `undefined` for every other block. */
  expectedSum(block: number): number | undefined {
    const state = this.#of(block)?.states[block % this.#blocksPerSegment] ?? 0;
    return (state & unchecked) === 0 ? undefined : this.sumOf(block);
  }

  /** The content of the block is what was written. */
  checked(block: number): void {
    const states = this.#of(block)?.states;
    const place = block % this.#blocksPerSegment;
    if (states !== undefined) states[place] = (states[place] ?? 0) & named;
  }

  /** The block is written, and not synced. */
  markEarly(block: number, sum: number): void {
    this.#set(block, early, sum);
  }

  /** The block is durable. */
  mark(block: number, sum: number): void {
    this.#set(block, durable, sum);
  }

  /** The content of the block is lost. */
  drop(block: number): void {
    this.checked(block);
    if (this.#stateOf(block) !== unnamed) this.#set(block, unnamed, 0);
  }

  /** The rows that are no longer what the index holds, which the caller is about to save. */
  takeChangedRows(): BlocksRow[] {
    const rows: BlocksRow[] = [];
    for (const [number, segment] of this.#segments) {
      if (!segment.changed) continue;
      segment.changed = false;
      rows.push(this.#row(number, segment));
      if (segment.states.every((state) => (state & named) === unnamed)) this.#segments.delete(number);
    }
    return rows;
  }

  /** The rows of these segments could not be saved. */
  notSaved(numbers: Iterable<number>): void {
    for (const number of numbers) this.#segment(number).changed = true;
  }

  #row(number: number, { states, sums }: Segment): BlocksRow {
    const most = this.#blocksPerSegment;
    const row = { blocks: new Uint8Array(Math.ceil(most / 8)), early: new Uint8Array(Math.ceil(most / 8)) };
    const stored = new DataView(new ArrayBuffer(most * 4));
    let bytes = 0;
    for (const [place, each] of states.entries()) {
      const state = each & named;
      if (state === unnamed) continue;
      const bits = state === durable ? row.blocks : row.early;
      bits[place >> 3] = (bits[place >> 3] ?? 0) | (1 << (place & 7));
      stored.setUint32(place * 4, sums[place] ?? 0, true);
      const { start, end } = this.blockRange(number * this.#blocksPerSegment + place);
      if (state === durable) bytes += end - start;
    }
    return { number, ...row, sums: new Uint8Array(stored.buffer), bytes };
  }

  #restore({ number, blocks, early: earlyBlocks, sums }: BlocksRow): void {
    const segment = this.#segment(number);
    const stored = new DataView(sums.buffer, sums.byteOffset, sums.byteLength);
    for (const place of segment.states.keys()) {
      const has = (bits: Uint8Array) => ((bits[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
      if (!has(blocks) && !has(earlyBlocks)) continue;
      segment.states[place] = (has(blocks) ? durable : early) | unchecked;
      segment.sums[place] = stored.getUint32(place * 4, true);
    }
  }

  #set(block: number, state: number, sum: number): void {
    const segment = this.#segment(this.segmentOf(block));
    const place = block % this.#blocksPerSegment;
    segment.states[place] = state | ((segment.states[place] ?? 0) & unchecked);
    segment.sums[place] = sum;
    segment.changed = true;
    this.#ranges = null;
  }

  #blocksBefore(length: number | null): number {
    return Math.ceil((length ?? Number.POSITIVE_INFINITY) / this.#blockSize);
  }

  #stateOf(block: number): number {
    return (this.#of(block)?.states[block % this.#blocksPerSegment] ?? unnamed) & named;
  }

  #of(block: number): Segment | undefined {
    return this.#segments.get(this.segmentOf(block));
  }

  #segment(number: number): Segment {
    let segment = this.#segments.get(number);
    if (segment === undefined) {
      const left = this.#blocksBefore(this.length) - number * this.#blocksPerSegment;
      const count = Math.max(0, Math.min(this.#blocksPerSegment, left));
      const none = () => Array.from({ length: count }, () => 0);
      segment = { states: none(), sums: none(), changed: false };
      this.#segments.set(number, segment);
    }
    return segment;
  }
}

function isCompared(state = unnamed): boolean {
  return (state & named) !== unnamed && (state & unchecked) === 0;
}
