/**
 * Films made of numbers: bytes that are the same each time and known at every offset, at no cost of memory.
 *
 * Each block of 4 KiB is a piece of one random pattern, cut at a place that its number decides, and has that
 * number mixed into its beginning: a run of bytes out of place, or of another seed, is not right by chance.
 */
import assert from 'node:assert/strict';

const blockSize = 4096;
const patternSize = 1 << 18;
const stampSize = 6;
const patterns = new Map<number, Buffer>();
/** What bytes are compared with; garbage of this size is what a long scenario would take most of its time to collect. */
const scratch = Buffer.allocUnsafeSlow(1 << 16);

export class Film {
  readonly size: number;
  readonly seed: number;
  readonly #pattern: Buffer;

  constructor(size: number, seed: number) {
    this.size = size;
    this.seed = seed;
    this.#pattern = patternOf(seed);
  }

  /** The bytes from `start` to `end` (exclusive), cut off at the end of the film; in `into` where they fit there. */
  bytesAt(start: number, end: number, into?: Buffer): Buffer {
    const until = Math.min(end, this.size);
    const length = Math.max(0, until - start);
    const bytes = into !== undefined && length <= into.length ? into.subarray(0, length) : Buffer.allocUnsafe(length);
    for (let at = start; at < until; ) {
      const block = Math.floor(at / blockSize);
      const blockStart = block * blockSize;
      const stop = Math.min(until, blockStart + blockSize);
      const source = placeOf(block) - blockStart;
      this.#pattern.copy(bytes, at - start, source + at, source + stop);
      stamp(bytes, start, block, at, stop);
      at = stop;
    }
    return bytes;
  }

  /** The offset of the first byte of `bytes` that is not the film's, where they should stand at `start`; or `null`. */
  firstDifference(start: number, bytes: Buffer): number | null {
    const right = this.bytesAt(start, start + bytes.length, scratch);
    if (right.equals(bytes)) return null;
    let index = 0;
    while (index < right.length && right[index] === bytes[index]) index += 1;
    return start + index;
  }

  /** Throws an `AssertionError` unless `bytes` are the film's at `start`. */
  assertBytes(start: number, bytes: Buffer): void {
    const wrong = this.firstDifference(start, bytes);
    assert.equal(
      wrong,
      null,
      `${bytes.length} bytes at ${start} are not the film's: the first wrong one is at ${wrong}.`,
    );
  }
}

/** A film of `size` bytes; another `seed` is another film. */
export function film(size: number, seed = 1): Film {
  return new Film(size, seed);
}

/** Where in the pattern a block is cut out. */
function placeOf(block: number): number {
  const mixed = Math.imul((block ^ (block / 0x1_0000_0000)) >>> 0, 0x9e37_79b1) >>> 0;
  return mixed % (patternSize - blockSize);
}

/** Mixes the number of `block` into its first bytes, as far as they lie between `from` and `to`. */
function stamp(bytes: Buffer, start: number, block: number, from: number, to: number): void {
  const blockStart = block * blockSize;
  for (let at = from; at < to && at < blockStart + stampSize; at += 1) {
    const digit = Math.floor(block / 256 ** (at - blockStart)) % 256;
    bytes.writeUInt8(bytes.readUInt8(at - start) ^ digit, at - start);
  }
}

/** Random bytes by Marsaglia's xorshift32, the same for the same seed. */
function patternOf(seed: number): Buffer {
  const known = patterns.get(seed);
  if (known !== undefined) return known;
  const words = new Uint32Array(patternSize / 4);
  let state = Math.imul(seed, 0x85eb_ca6b) || 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  const pattern = Buffer.from(words.buffer);
  patterns.set(seed, pattern);
  return pattern;
}
