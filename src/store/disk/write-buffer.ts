/**
 * Bytes of one object that were accepted and are not on disk yet: readable here, and gathered into few large writes.
 *
 * Bytes are copied in, gathered, then being written, then on disk and gone from here; where writing failed they are
 * gathered again, for the next `flush`. No run reaches over the edge of a segment file. Whoever brings more than the disk takes, of this
 * object or of all, is asked to wait.
 */
import { type ByteRange, splitAt } from '../../bytes/byte-range.ts';
import { BuffersByOffset } from '../buffers-by-offset.ts';
import type { Slice, StoreError } from '../store.ts';
import { Backlog } from './backlog.ts';
import type { Slabs } from './slabs.ts';

/** How much is gathered before it is written, in bytes. */
const gatherSize = 1024 * 1024;

/** How many bytes of one object may wait to be written before writers are asked to wait. */
const mostUnwritten = 4 * 1024 * 1024;

/** Adjacent bytes within one segment. */
export interface Run extends ByteRange {
  readonly buffers: readonly Buffer[];
}

interface Piece extends Slice {
  readonly start: number;
}

export class WriteBuffer {
  readonly #segmentSize: number;
  readonly #write: (run: Run) => Promise<StoreError | null>;
  readonly #memory: Slabs;
  /** Everything that is here. */
  readonly #readable = new BuffersByOffset();
  /** What of it is not being written. */
  #gathered: Piece[] = [];
  #gatheredSize = 0;
  readonly #writing = new Set<Promise<void>>();
  readonly #own = new Backlog(mostUnwritten);
  readonly #ofAll: Backlog;

  /** `write` puts a run on disk, or resolves with the reason why it is not there. */
  constructor(
    segmentSize: number,
    { backlog, slabs }: { readonly backlog: Backlog; readonly slabs: Slabs },
    write: (run: Run) => Promise<StoreError | null>,
  ) {
    this.#segmentSize = segmentSize;
    this.#ofAll = backlog;
    this.#memory = slabs;
    this.#write = write;
  }

  /** How many bytes are here. */
  get size(): number {
    return this.#readable.size;
  }

  /** The bytes from `offset` on that lie together, `most` at most; `null` where the first is not here. */
  read(offset: number, most: number): Slice | null {
    const bytes = this.#readable.from(offset);
    return bytes === undefined ? null : this.#memory.share(bytes.subarray(0, most));
  }

  /** Copies bytes, none of which may be here already; a promise means: wait before you bring more. */
  add(offset: number, bytes: Buffer): Promise<void> | undefined {
    for (const { start, end } of splitAt({ start: offset, end: offset + bytes.length }, this.#segmentSize)) {
      let at = start;
      for (const piece of this.#memory.copy(bytes.subarray(start - offset, end - offset))) {
        this.#readable.add(at, piece.bytes);
        this.#gathered.push({ ...piece, start: at });
        at += piece.bytes.length;
      }
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

  /** Everything gathered, as few runs of adjacent pieces. */
  #takeRuns(): Piece[][] {
    const runs: Piece[][] = [];
    let end = -1;
    for (const piece of this.#gathered.sort((one, other) => one.start - other.start)) {
      if (piece.start === end && end % this.#segmentSize !== 0) runs.at(-1)?.push(piece);
      else runs.push([piece]);
      end = piece.start + piece.bytes.length;
    }
    this.#gathered = [];
    this.#gatheredSize = 0;
    return runs;
  }

  async #put(pieces: readonly Piece[]): Promise<void> {
    const buffers = pieces.map(({ bytes }) => bytes);
    const size = buffers.reduce((sum, { length }) => sum + length, 0);
    const start = pieces[0]?.start ?? 0;
    const failure = await this.#write({ start, end: start + size, buffers });
    if (failure === null) {
      for (const piece of pieces) {
        this.#readable.delete(piece.start);
        piece.release();
      }
      this.#count();
      return;
    }
    this.#gathered.push(...pieces);
    this.#gatheredSize += size;
    for (const backlog of [this.#own, this.#ofAll]) backlog.fail(failure);
  }

  /** Tells the backlogs how many bytes there are now. */
  #count(): void {
    const more = this.size - this.#own.bytes;
    for (const backlog of [this.#own, this.#ofAll]) backlog.add(more);
  }
}
