/**
 * Which whole blocks are there: the unit of durability and checksums.
 *
 * Block `n` covers the bytes from `n * blockSize`; the last block of a known length is as short as what is left, and
 * is whole all the same. While the length is unknown there is no last block, only blocks.
 */
import type { ByteRange } from './byte-range.ts';
import { RangeSet } from './range-set.ts';

export class BlockMap {
  /** In bytes. */
  readonly blockSize: number;
  /** In bytes; `null` until it is known, then set once. */
  length: number | null;
  /** Holds indexes of blocks where elsewhere there are offsets of bytes. */
  readonly #blocks = new RangeSet();

  constructor(blockSize: number, length: number | null) {
    this.blockSize = blockSize;
    this.length = length;
  }

  /** Index of the block that contains `offset`. */
  blockOf(offset: number): number {
    return Math.floor(offset / this.blockSize);
  }

  /** The bytes of one block; empty past the end. */
  blockRange(index: number): ByteRange {
    return this.#bytesOf({ start: index, end: index + 1 });
  }

  /** Throws a `RangeError` for a block that does not exist. */
  mark(index: number): void {
    const { start, end } = this.blockRange(index);
    if (!Number.isInteger(index) || index < 0 || start >= end) throw new RangeError(`there is no block ${index}`);
    this.#blocks.add({ start: index, end: index + 1 });
  }

  clear(index: number): void {
    this.#blocks.remove({ start: index, end: index + 1 });
  }

  has(index: number): boolean {
    return this.#blocks.has(index);
  }

  /** The bytes of all blocks that are there: sorted, disjoint, not adjacent. */
  ranges(): ByteRange[] {
    return Array.from(this.#blocks, (blocks) => this.#bytesOf(blocks));
  }

  #bytesOf(blocks: ByteRange): ByteRange {
    const limit = this.length ?? Number.POSITIVE_INFINITY;
    return {
      start: Math.min(blocks.start * this.blockSize, limit),
      end: Math.min(blocks.end * this.blockSize, limit),
    };
  }
}
