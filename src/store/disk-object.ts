/**
 * One object of the disk store, shared by all who have it open.
 *
 * A byte lives like this: accepted (in memory, readable) → written (in its segment file, read from there) → durable
 * (its whole block written, summed and synced, and then named in the index). `settle` makes durable what can be;
 * the store saves the row that follows from it. After a failure of the medium nothing more is accepted or settled,
 * while everything accepted stays readable.
 */
import { crc32 } from 'node:zlib';
import type { ByteRange } from '../bytes/byte-range.ts';
import { RangeSet } from '../bytes/range-set.ts';
import type { Clock } from '../clock.ts';
import type { Representation } from '../http/representation.ts';
import { BlockSums } from './block-sums.ts';
import type { BufferPool } from './buffer-pool.ts';
import { DurableBlocks, type Layout } from './durable-blocks.ts';
import { GatherList, type Run } from './gather-list.ts';
import { storeError } from './private-files.ts';
import type { ObjectRow } from './sqlite-index.ts';
import { type Lost, type ObjectLabel, type Slice, StoreError } from './store.ts';
import type { LossCause } from './store-events.ts';
import type { Verified } from './upkeep.ts';

/** How much is gathered before it is written, in bytes. */
const gatherSize = 1024 * 1024;

/** How many accepted bytes may wait to be written before writers are asked to wait. */
const acceptedLimit = 4 * 1024 * 1024;

/** What all objects of one store share. */
export interface DiskMedium {
  readonly layout: Layout;
  /** Its buffers hold one block each. */
  readonly pool: BufferPool;
  readonly clock: Clock;
  /** Called when there is something to settle. */
  onDirty(object: DiskObject): void;
  /** Called once an object, when it fails. */
  onFailure(error: StoreError): void;
  /** Called when a block is not what was written, or can't be read; `bytes` are its own. */
  onBlockLost(object: DiskObject, cause: LossCause, bytes: number): void;
}

/** The files of one object. Every promise may reject with a system's error. */
export interface ObjectFiles {
  write(run: Run): Promise<void>;
  /** Fills `buffer` from offset `start` on, within one segment; rejects with `CORRUPT` where the file is too short. */
  read(buffer: Buffer, start: number): Promise<void>;
  /** Makes everything written to the segment survive a power cut. */
  sync(segment: number): Promise<void>;
  /** Lets go of the descriptors. */
  close(): Promise<void>;
  /** Unlinks everything. */
  remove(): Promise<void>;
}

export class DiskObject {
  readonly name: string;
  readonly generation: string;
  readonly label: ObjectLabel;
  readonly pinned: boolean;
  /** One for each who has it open: told when bytes are lost. */
  readonly users = new Set<Lost>();
  /** Resolves when the index no longer names this object; `null` while it may. */
  forgotten: Promise<void> | null = null;

  #representation: Representation;
  #used: number;
  readonly #medium: DiskMedium;
  readonly #files: ObjectFiles;
  readonly #unwritten: GatherList;
  readonly #sums: BlockSums;
  readonly #durable: DurableBlocks;
  /** Bytes in the segment files. */
  readonly #written: RangeSet;
  /** Blocks that are written and not durable yet. */
  readonly #whole = new Set<number>();
  readonly #writing = new Set<Promise<void>>();
  #settled: Promise<void> = Promise.resolve();
  #room: PromiseWithResolvers<void> | null = null;
  #failure: StoreError | null = null;

  constructor(row: ObjectRow, files: ObjectFiles, medium: DiskMedium) {
    this.name = row.name;
    this.generation = row.generation;
    this.label = row.label;
    this.pinned = row.pinned;
    this.#used = row.used;
    this.#representation = row.representation;
    this.#medium = medium;
    this.#files = files;
    this.#unwritten = new GatherList(medium.layout.segmentSize);
    this.#sums = new BlockSums(medium.layout.blockSize);
    this.#durable = new DurableBlocks(medium.layout, row.representation.length, row.segments);
    this.#written = RangeSet.from(this.#durable.ranges());
  }

  get representation(): Representation {
    return this.#representation;
  }

  get durable(): ByteRange[] {
    return this.#durable.ranges();
  }

  get failed(): boolean {
    return this.#failure !== null;
  }

  /** Somebody uses it now. */
  touch(): void {
    this.#used = this.#medium.clock.wallTime();
  }

  write(offset: number, bytes: Buffer): Promise<void> | undefined {
    if (this.#failure !== null) throw this.#failure;
    if (bytes.length === 0) return undefined;
    this.#unwritten.land(offset, bytes);
    this.#sums.land(offset, bytes);
    this.#medium.onDirty(this);
    if (this.#unwritten.gatheredSize >= gatherSize) this.#flush();
    if (this.#unwritten.size <= acceptedLimit) return undefined;
    return this.#waitForRoom();
  }

  read({ start, end }: ByteRange): Slice | Promise<Slice> {
    const bytes = this.#unwritten.from(start);
    if (bytes === undefined) return this.#readWritten(start, end);
    return { bytes: bytes.subarray(0, Math.min(end - start, this.#medium.pool.size)), release() {} };
  }

  describe(representation: Representation): void {
    const { length } = representation;
    this.#representation = representation;
    if (length !== null && this.#durable.length === null) {
      this.#durable.length = length;
      this.#noteWhole({ start: Math.max(0, length - 1), end: length });
    }
    this.#medium.onDirty(this);
  }

  /** Takes the medium's failure: from now on nothing is accepted, and nothing more becomes durable. */
  fail(error: StoreError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#room?.reject(error);
    this.#medium.onFailure(error);
  }

  /** Makes durable every whole block of what was accepted until now. Never rejects: it may fail the object instead. */
  settle(): Promise<void> {
    this.#settled = this.#settled.then(async () => {
      this.#flush();
      await Promise.all(this.#writing);
      try {
        await this.#syncWholeBlocks();
      } catch (error) {
        this.fail(storeError(error, 'A block could not be made durable'));
      }
    });
    return this.#settled;
  }

  /** What the index does not hold yet; to be saved at once. */
  takeRow(): ObjectRow {
    return {
      name: this.name,
      generation: this.generation,
      label: this.label,
      representation: this.#representation,
      pinned: this.pinned,
      used: this.#used,
      segments: this.#durable.takeChangedRows(),
    };
  }

  /** Lets go of the files, and unlinks them where the object is forgotten. Nobody may have it open. */
  async leave(): Promise<void> {
    if (this.forgotten === null) return this.#files.close();
    await this.forgotten;
    await this.#files.remove();
  }

  /** Reads every durable block again; what is not what was written is lost. */
  async verify(progress: (bytes: number) => void, signal: AbortSignal): Promise<Verified> {
    const bad: ByteRange[] = [];
    let checked = 0;
    for (const block of this.#durable.blocks()) {
      signal.throwIfAborted();
      const range = this.#durable.blockRange(block);
      if (!(await this.#isWhatWasWritten(block, range))) bad.push(range);
      checked += range.end - range.start;
      progress(range.end - range.start);
    }
    return { checked, bad };
  }

  async #isWhatWasWritten(block: number, { start, end }: ByteRange): Promise<boolean> {
    const expected = this.#durable.sumOf(block);
    if (expected === undefined) return true;
    const bytes = Buffer.allocUnsafe(end - start);
    try {
      await this.#files.read(bytes, start);
      if (crc32(bytes) !== expected)
        throw new StoreError('CORRUPT', `Block ${block} of an object is not what was written.`);
      return true;
    } catch (error) {
      this.#lose(block, storeError(error, 'A block could not be read'));
      return false;
    }
  }

  #waitForRoom(): Promise<void> {
    if (this.#room === null) {
      this.#room = Promise.withResolvers();
      // Whoever was told to wait may have gone.
      this.#room.promise.catch(() => {});
    }
    return this.#room.promise;
  }

  #flush(): void {
    if (this.#failure !== null) return;
    for (const run of this.#unwritten.takeRuns()) {
      const writing = this.#writeRun(run).finally(() => this.#writing.delete(writing));
      this.#writing.add(writing);
    }
  }

  async #writeRun(run: Run): Promise<void> {
    try {
      await this.#files.write(run);
    } catch (error) {
      this.fail(storeError(error, 'Bytes could not be written'));
      return;
    }
    this.#written.add(run);
    this.#unwritten.drop(run);
    this.#noteWhole(run);
    if (this.#unwritten.size > acceptedLimit) return;
    this.#room?.resolve();
    this.#room = null;
  }

  #noteWhole(range: ByteRange): void {
    for (const block of this.#durable.blocksIn(range)) {
      if (!this.#durable.has(block) && this.#isWritten(block)) this.#whole.add(block);
    }
  }

  #isWritten(block: number): boolean {
    const range = this.#durable.blockRange(block);
    return range.end > range.start && this.#written.covers(range);
  }

  async #syncWholeBlocks(): Promise<void> {
    if (this.#failure !== null || this.forgotten !== null) return;
    const blocks = [...this.#whole].sort((one, other) => one - other);
    this.#whole.clear();
    const bySegment = Map.groupBy(blocks, (block) => this.#durable.segmentOf(block));
    for (const [segment, blocks] of bySegment) {
      const sums = new Map<number, number>();
      for (const block of blocks) sums.set(block, await this.#sumOf(block));
      await this.#files.sync(segment);
      for (const [block, sum] of sums) {
        if (!this.#isWritten(block)) continue;
        this.#durable.mark(block, sum);
        this.#durable.use(block, this.#medium.clock.wallTime());
      }
    }
  }

  async #sumOf(block: number): Promise<number> {
    const { start, end } = this.#durable.blockRange(block);
    const sum = this.#sums.take(block, end);
    if (sum !== undefined) return sum;
    // Not from the pool: readers who hold all of its buffers must not keep what was written from becoming durable.
    const buffer = Buffer.allocUnsafe(end - start);
    await this.#files.read(buffer, start);
    return crc32(buffer);
  }

  async #readWritten(start: number, end: number): Promise<Slice> {
    const { pool, clock } = this.#medium;
    const buffer = await pool.take();
    const [block = 0] = this.#durable.blocksIn({ start, end: start + 1 });
    const blockRange = this.#durable.blockRange(block);
    const sliceEnd = Math.min(end, blockRange.end, this.#written.runEnd(start));
    const expected = this.#durable.expectedSum(block);
    const within = expected === undefined ? { start, end: sliceEnd } : blockRange;
    if (sliceEnd <= start) {
      pool.giveBack(buffer);
      throw new StoreError('CORRUPT', `Byte ${start} of an object is not on disk, or not believed any more.`);
    }
    try {
      const bytes = buffer.subarray(0, within.end - within.start);
      await this.#files.read(bytes, within.start);
      if (expected !== undefined && crc32(bytes) !== expected) {
        throw new StoreError('CORRUPT', `Block ${block} of an object is not what was written.`);
      }
      this.#durable.checked(block);
      this.#durable.use(block, clock.wallTime());
      this.touch();
      return {
        bytes: bytes.subarray(start - within.start, sliceEnd - within.start),
        release: () => pool.giveBack(buffer),
      };
    } catch (error) {
      pool.giveBack(buffer);
      const failure = storeError(error, 'Bytes could not be read');
      this.#lose(block, failure);
      throw failure;
    }
  }

  /** Believes nothing more of what is on disk of this block; what has landed since stays. */
  #lose(block: number, { code }: StoreError): void {
    const range = this.#durable.blockRange(block);
    const written = this.#written.within(range);
    this.#written.remove(range);
    this.#whole.delete(block);
    this.#durable.drop(block);
    for (const lost of this.users) for (const gone of written) lost(gone);
    const bytes = written.reduce((sum, gone) => sum + gone.end - gone.start, 0);
    if (bytes > 0) this.#medium.onBlockLost(this, code === 'CORRUPT' ? 'checksum' : 'read', bytes);
    this.#medium.onDirty(this);
  }
}
