/**
 * CRC-32 of blocks, computed from their bytes as these are written, as long as that is in order.
 *
 * A block whose bytes are written in another order has no sum here; whoever needs it reads the block back.
 */
import { crc32 } from 'node:zlib';
import { splitAt } from '../../bytes/byte-range.ts';

interface Running {
  /** One past the last byte that the sum covers; it begins at the block's first. */
  end: number;
  sum: number;
}

export class BlockChecksums {
  readonly #blockSize: number;
  readonly #running = new Map<number, Running>();

  constructor(blockSize: number) {
    this.#blockSize = blockSize;
  }

  /** Takes note of bytes that are written, one buffer after another from `offset` on. */
  add(offset: number, buffers: readonly Buffer[]): void {
    let at = offset;
    for (const bytes of buffers) {
      for (const { start, end } of splitAt({ start: at, end: at + bytes.length }, this.#blockSize)) {
        this.#addToBlock(Math.floor(start / this.#blockSize), start, bytes.subarray(start - at, end - at));
      }
      at += bytes.length;
    }
  }

  /** The sum of the block that ends at `end`, forgotten here; `undefined` where its bytes came in another order. */
  take(block: number, end: number): number | undefined {
    const running = this.#running.get(block);
    this.#running.delete(block);
    return running?.end === end ? running.sum : undefined;
  }

  #addToBlock(block: number, start: number, bytes: Buffer): void {
    const running = this.#running.get(block);
    if (start === block * this.#blockSize) {
      this.#running.set(block, { end: start + bytes.length, sum: crc32(bytes) });
    } else if (running?.end === start) {
      running.end += bytes.length;
      running.sum = crc32(bytes, running.sum);
    }
  }
}
