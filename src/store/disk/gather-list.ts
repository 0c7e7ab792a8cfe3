/**
 * Bytes of one object that were accepted and are not on disk yet: readable here, and gathered into few large writes.
 *
 * A buffer passes: `land` → `takeRuns` (about to be written, still readable) → `drop` (on disk), or `putBack` where
 * writing failed. No run reaches over the edge of a segment file.
 */
import type { ByteRange } from '../../bytes/byte-range.ts';
import { BuffersByOffset } from '../buffers-by-offset.ts';

/** Adjacent bytes within one segment. */
export interface Run extends ByteRange {
  readonly buffers: readonly Buffer[];
}

interface Landed {
  readonly start: number;
  readonly bytes: Buffer;
}

export class GatherList {
  readonly #segmentSize: number;
  readonly #readable = new BuffersByOffset();
  #gathered: Landed[] = [];
  #gatheredSize = 0;
  #size = 0;

  constructor(segmentSize: number) {
    this.#segmentSize = segmentSize;
  }

  /** How many bytes are here. */
  get size(): number {
    return this.#size;
  }

  /** How many of them `takeRuns` would give. */
  get gatheredSize(): number {
    return this.#gatheredSize;
  }

  /** The rest of the buffer that holds the byte at `offset`, or `undefined`. */
  from(offset: number): Buffer | undefined {
    return this.#readable.from(offset);
  }

  land(offset: number, bytes: Buffer): void {
    for (let taken = 0; taken < bytes.length; ) {
      const start = offset + taken;
      const count = Math.min(bytes.length - taken, this.#segmentSize - (start % this.#segmentSize));
      const part = bytes.subarray(taken, taken + count);
      this.#readable.add(start, part);
      this.#gathered.push({ start, bytes: part });
      taken += count;
    }
    this.#gatheredSize += bytes.length;
    this.#size += bytes.length;
  }

  /** Everything gathered since the last call, as few runs. */
  takeRuns(): Run[] {
    const runs: { start: number; end: number; buffers: Buffer[] }[] = [];
    for (const { start, bytes } of this.#gathered.sort((one, other) => one.start - other.start)) {
      const last = runs.at(-1);
      if (last?.end === start && start % this.#segmentSize !== 0) {
        last.buffers.push(bytes);
        last.end += bytes.length;
      } else {
        runs.push({ start, end: start + bytes.length, buffers: [bytes] });
      }
    }
    this.#gathered = [];
    this.#gatheredSize = 0;
    return runs;
  }

  /** Takes back a run that could not be written, for the next call of `takeRuns`. */
  putBack({ start, end, buffers }: Run): void {
    let offset = start;
    for (const bytes of buffers) {
      this.#gathered.push({ start: offset, bytes });
      offset += bytes.length;
    }
    this.#gatheredSize += end - start;
  }

  /** Forgets a run that can be read elsewhere from now on. */
  drop({ start, end, buffers }: Run): void {
    let offset = start;
    for (const buffer of buffers) {
      this.#readable.delete(offset);
      offset += buffer.length;
    }
    this.#size -= end - start;
  }
}
