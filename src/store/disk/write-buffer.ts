/**
 * Bytes of one object that were accepted and are not on disk yet: readable here, and gathered into few large writes.
 *
 * A buffer is gathered, then being written, then on disk and gone from here; where writing failed it is gathered again,
 * for the next `flush`. No run reaches over the edge of a segment file. Whoever brings more than the disk takes, of this
 * object or of all, is asked to wait.
 */
import { type ByteRange, splitAt } from '../../bytes/byte-range.ts';
import { BuffersByOffset } from '../buffers-by-offset.ts';
import type { StoreError } from '../store.ts';
import { Backlog } from './backlog.ts';

/** How much is gathered before it is written, in bytes. */
const gatherSize = 1024 * 1024;

/** How many bytes of one object may wait to be written before writers are asked to wait. */
const mostUnwritten = 4 * 1024 * 1024;

/** Adjacent bytes within one segment. */
export interface Run extends ByteRange {
  readonly buffers: readonly Buffer[];
}

interface Piece {
  readonly start: number;
  readonly bytes: Buffer;
}

export class WriteBuffer {
  readonly #segmentSize: number;
  readonly #write: (run: Run) => Promise<StoreError | null>;
  /** Everything that is here. */
  readonly #readable = new BuffersByOffset();
  /** What of it is not being written. */
  #gathered: Piece[] = [];
  #gatheredSize = 0;
  readonly #writing = new Set<Promise<void>>();
  readonly #own = new Backlog(mostUnwritten);
  readonly #ofAll: Backlog;

  /** `write` puts a run on disk, or resolves with the reason why it is not there. */
  constructor(segmentSize: number, ofAll: Backlog, write: (run: Run) => Promise<StoreError | null>) {
    this.#segmentSize = segmentSize;
    this.#ofAll = ofAll;
    this.#write = write;
  }

  /** How many bytes are here. */
  get size(): number {
    return this.#readable.size;
  }

  /** The rest of the buffer that holds the byte at `offset`, or `undefined`. */
  from(offset: number): Buffer | undefined {
    return this.#readable.from(offset);
  }

  /** Takes bytes, none of which may be here already; a promise means: wait before you bring more. */
  add(offset: number, bytes: Buffer): Promise<void> | undefined {
    for (const { start, end } of splitAt({ start: offset, end: offset + bytes.length }, this.#segmentSize)) {
      const part = bytes.subarray(start - offset, end - offset);
      this.#readable.add(start, part);
      this.#gathered.push({ start, bytes: part });
    }
    this.#gatheredSize += bytes.length;
    this.#count();
    if (this.#gatheredSize >= gatherSize) this.#start();
    return this.#own.room ?? this.#ofAll.room;
  }

  /** Tries to write everything; resolves when nothing is being written any more. */
  async flush(): Promise<void> {
    this.#start();
    await Promise.all(this.#writing);
  }

  /** Gives up what is not on disk. Nobody may read it, or write more. */
  discard(): void {
    this.#readable.deleteIn({ start: 0, end: Number.POSITIVE_INFINITY });
    this.#count();
  }

  #start(): void {
    for (const run of this.#takeRuns()) {
      const writing = this.#put(run).finally(() => this.#writing.delete(writing));
      this.#writing.add(writing);
    }
  }

  /** Everything gathered, as few runs. */
  #takeRuns(): Run[] {
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

  async #put(run: Run): Promise<void> {
    const failure = await this.#write(run);
    let start = run.start;
    for (const bytes of run.buffers) {
      if (failure === null) this.#readable.delete(start);
      else this.#gathered.push({ start, bytes });
      start += bytes.length;
    }
    this.#count();
    if (failure === null) return;
    this.#gatheredSize += run.end - run.start;
    for (const backlog of [this.#own, this.#ofAll]) backlog.fail(failure);
  }

  /** Tells the backlogs how many bytes there are now. */
  #count(): void {
    const more = this.size - this.#own.bytes;
    for (const backlog of [this.#own, this.#ofAll]) backlog.add(more);
  }
}
