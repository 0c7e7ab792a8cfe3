/**
 * One object of the disk store, shared by all who have it open.
 *
 * A byte lives like this: accepted (in memory, readable) → written (in its segment file, read from there) → durable
 * (its whole block written, summed and synced, and then named in the index). `note` sums what can be named early, `settle`
 * makes durable what can be; the store saves the row that follows. Whatever is written may be lost again: evicted, or
 * not to be believed; those who have the object open are told before.
 */
import { crc32 } from 'node:zlib';
import type { ByteRange } from '../../bytes/byte-range.ts';
import { RangeSet } from '../../bytes/range-set.ts';
import type { Representation } from '../../http/representation.ts';
import { untilAborted } from '../../until-aborted.ts';
import type { Verified } from '../admin.ts';
import type { Holding } from '../holding.ts';
import { gaveNothing, type Lost, ownedSlice, type Slice, StoreError } from '../store.ts';
import { AcceptedBytes } from './accepted-bytes.ts';
import { BlockSums } from './block-checksums.ts';
import { DurableBlocks } from './block-index.ts';
import type { Loan } from './buffer-pool.ts';
import type { DiskMedium, ObjectFiles } from './disk-medium.ts';
import type { Run } from './gather-list.ts';
import type { ObjectRow } from './index/sqlite-index.ts';
import { storeError } from './private-files.ts';

/** What a read fails with for want of something that may come back: the bytes on disk are as good as before. */
const passingCodes = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

export class DiskObject {
  readonly holding: Holding;
  /** One for each who has it open: told when bytes are lost. */
  readonly users = new Map<symbol, { readonly lost: Lost; playheads: readonly number[] }>();
  /** Resolves when the index no longer names this object; `null` while it may. */
  forgotten: Promise<void> | null = null;

  #representation: Representation;
  readonly #medium: DiskMedium;
  readonly #files: ObjectFiles;
  readonly #accepted: AcceptedBytes;
  readonly #sums: BlockSums;
  readonly #durable: DurableBlocks;
  /** Bytes in the segment files. */
  readonly #written: RangeSet;
  /** Blocks that are written and not durable yet. */
  readonly #whole: Set<number>;
  /** How often a segment's file was given up, by number: what is read or synced across that is not believed. */
  readonly #losses = new Map<number, number>();
  #settled: Promise<void> = Promise.resolve();

  constructor(row: ObjectRow, holding: Holding, files: ObjectFiles, medium: DiskMedium) {
    this.holding = holding;
    this.#representation = row.representation;
    this.#medium = medium;
    this.#files = files;
    this.#accepted = new AcceptedBytes(medium.layout.segmentSize, (run) => this.#writeRun(run));
    this.#sums = new BlockSums(medium.layout.blockSize);
    this.#durable = new DurableBlocks(medium.layout, row.representation.length, row.segments);
    this.#written = RangeSet.from(this.#durable.ranges());
    this.#whole = new Set(this.#durable.early);
  }

  get representation(): Representation {
    return this.#representation;
  }

  get durable(): ByteRange[] {
    return this.#durable.ranges();
  }

  /** Whether bytes wait to be written. */
  get hasUnwritten(): boolean {
    return this.#accepted.size > 0;
  }

  /** How many blocks are written and not durable. */
  get unsettled(): number {
    return this.#whole.size;
  }

  /** Throws a `StoreError` where the medium takes nothing now. */
  write(offset: number, bytes: Buffer): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    this.#medium.admit(this, { start: offset, end: offset + bytes.length });
    this.#sums.land(offset, bytes);
    this.#medium.onDirty(this);
    return this.#accepted.land(offset, bytes);
  }

  read(range: ByteRange, signal: AbortSignal, isFirst = false): Slice | Promise<Slice> {
    return this.#readAccepted(range) ?? this.#readWaiting(range, signal, isFirst);
  }

  readAhead(range: ByteRange, signal: AbortSignal): Slice | Promise<Slice> | null {
    const accepted = this.#readAccepted(range);
    if (accepted !== null) return accepted;
    const { reads, pool } = this.#medium;
    const leave = reads.enterNow();
    const loan = leave && pool.takeSpare();
    if (loan === null) leave?.();
    return loan && this.#readWritten(loan, range, signal, leave);
  }

  describe(representation: Representation): void {
    const { length } = representation;
    this.#representation = representation;
    this.holding.length = length;
    if (length !== null && this.#durable.length === null) {
      this.#durable.length = length;
      this.#noteWhole({ start: Math.max(0, length - 1), end: length });
    }
    this.#medium.onDirty(this);
  }

  /** Writes what was accepted, and names its whole blocks as early ones. Never rejects. */
  async note(): Promise<void> {
    await this.#flush();
    if (this.forgotten !== null) return;
    for (const block of [...this.#whole]) {
      if (this.#durable.sumOf(block) !== undefined) continue;
      const before = this.#lossesOf(block);
      try {
        const sum = await this.#sumOf(block);
        if (this.#lossesOf(block) === before && this.#whole.has(block)) this.#durable.markEarly(block, sum);
      } catch {
        // `settle` will look at it again, and at what is wrong.
      }
    }
  }

  /** Makes durable every whole block of what was accepted until now. Never rejects: it may fail the medium instead. */
  settle(): Promise<void> {
    this.#settled = this.#settled.then(async () => {
      await this.#flush();
      if (this.#medium.trouble !== null || this.forgotten !== null) return;
      const bySegment = Map.groupBy(this.#whole, (block) => this.#durable.segmentOf(block));
      for (const [segment, blocks] of [...bySegment]) await this.#syncSegment(segment, blocks);
    });
    return this.#settled;
  }

  /** What the index does not hold yet; to be saved at once. */
  takeRow(): ObjectRow {
    const { name, generation, label, pinned, used } = this.holding;
    const segments = this.#durable.takeChangedRows();
    return { name, generation, label, representation: this.#representation, pinned, used, segments };
  }

  /** The index could not take the row. */
  notSaved({ segments }: ObjectRow): void {
    this.#durable.notSaved(segments.map(({ number }) => number));
  }

  /** Gives a segment up: tells who has it open, then unlinks its file. None of its bytes may be on their way there. */
  evict(segment: number): Promise<void> {
    this.#giveUp(segment);
    this.#medium.onDirty(this);
    return this.#files.removeSegment(segment);
  }

  /** Nothing that was written is there any more, nor in the index. */
  forsake(): void {
    this.#files.reset();
    for (const segment of [...this.holding.bySegment.keys()]) {
      this.#giveUp(segment);
      this.#medium.room.drop(this.holding, segment);
    }
    this.#medium.onDirty(this);
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

  /** Lets go of the files, and unlinks those that no row names, or all where the object is forgotten. Nobody may have it open. */
  async leave(): Promise<void> {
    this.#medium.room.abandon(this.holding);
    if (this.forgotten === null) {
      await Promise.all(this.#dropUnnamed());
      return this.#files.close();
    }
    await this.forgotten;
    await this.#files.remove();
  }

  /** Begun at once: whoever opens the object next writes to other files. */
  #dropUnnamed(): Promise<void>[] {
    const named = this.#durable.segments();
    const unnamed = [...this.holding.bySegment.keys()].filter((segment) => !named.has(segment));
    return unnamed.map((segment) => {
      this.#medium.room.drop(this.holding, segment);
      return this.#files.removeSegment(segment);
    });
  }

  async #flush(): Promise<void> {
    if (this.#medium.trouble === null) await this.#accepted.flush();
  }

  async #writeRun(run: Run): Promise<StoreError | null> {
    if (this.#medium.trouble !== null) return this.#medium.trouble;
    try {
      await this.#medium.withRoom(run.end - run.start, () => this.#files.write(run));
    } catch (error) {
      const failure = storeError(error, 'Bytes could not be written');
      if (failure.code === 'ENOENT') this.forsake();
      this.#medium.fail(failure);
      return failure;
    }
    this.#written.add(run);
    this.#medium.room.landed(this.holding, run.start, run.end);
    this.#noteWhole(run);
    return null;
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

  async #syncSegment(segment: number, blocks: readonly number[]): Promise<void> {
    // It may have been given up while others were synced.
    if (!blocks.some((block) => this.#whole.has(block))) return;
    const before = this.#losses.get(segment);
    try {
      const sums = new Map<number, number>();
      for (const block of blocks) sums.set(block, this.#durable.sumOf(block) ?? (await this.#sumOf(block)));
      const real = await this.#files.sync(segment);
      if (this.#losses.get(segment) !== before) return;
      this.#medium.room.correct(this.holding, segment, real);
      for (const [block, sum] of sums) {
        if (this.#whole.delete(block)) this.#durable.mark(block, sum);
      }
      this.#durable.use(segment, this.#medium.clock.wallTime());
    } catch (error) {
      if (this.#losses.get(segment) !== before) return;
      const failure = storeError(error, 'A segment could not be made durable');
      if (failure.code === 'ENOENT') this.forsake();
      else this.#loseUnsynced(segment, failure);
      this.#medium.fail(failure);
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

  #readAccepted({ start, end }: ByteRange): Slice | null {
    const bytes = this.#accepted.from(start);
    return bytes === undefined ? null : ownedSlice(bytes.subarray(0, Math.min(end - start, this.#medium.pool.size)));
  }

  async #readWaiting(range: ByteRange, signal: AbortSignal, isFirst: boolean): Promise<Slice> {
    const { reads, pool } = this.#medium;
    const leave = await reads.enter(signal, isFirst).catch((error: unknown) => {
      throw gaveNothing(error);
    });
    let loan: Loan;
    try {
      loan = await pool.take(signal);
    } catch (error) {
      leave();
      throw error;
    }
    return this.#readWritten(loan, range, signal, leave);
  }

  /**
   * Takes the loan over: it is the slice's, or is given back. Who has given up waits no longer; but the system may write
   * into the buffer until the read has ended, and only then is it the next one's turn.
   */
  async #readWritten(loan: Loan, range: ByteRange, signal: AbortSignal, leave: (() => void) | null): Promise<Slice> {
    const { buffer, giveBack, cede } = loan;
    const reading = this.#readInto(buffer, range).finally(() => leave?.());
    let lent = false;
    try {
      const bytes = await untilAborted(reading, signal);
      lent = true;
      return { bytes, release: giveBack, cede };
    } catch (error) {
      throw error instanceof StoreError ? error : gaveNothing(error);
    } finally {
      if (!lent) reading.then(giveBack, giveBack);
    }
  }

  /** Rejects with a `StoreError` only. */
  async #readInto(buffer: Buffer, { start, end }: ByteRange): Promise<Buffer> {
    const [block = 0] = this.#durable.blocksIn({ start, end: start + 1 });
    const blockRange = this.#durable.blockRange(block);
    const sliceEnd = Math.min(end, blockRange.end, this.#written.runEnd(start));
    const expected = this.#durable.expectedSum(block);
    const within = expected === undefined ? { start, end: sliceEnd } : blockRange;
    const before = this.#lossesOf(block);
    try {
      if (sliceEnd <= start) throw new StoreError('CORRUPT', `Byte ${start} of an object is not there any more.`);
      const bytes = buffer.subarray(0, within.end - within.start);
      await this.#files.read(bytes, within.start);
      if (this.#lossesOf(block) !== before) throw new StoreError('ENOENT', 'The segment was given up meanwhile.');
      if (expected !== undefined && crc32(bytes) !== expected) throw notWhatWasWritten(block);
      this.#durable.checked(block);
      this.#watch(block, this.#medium.clock.wallTime());
      return bytes.subarray(start - within.start, sliceEnd - within.start);
    } catch (error) {
      const failure = storeError(error, 'Bytes could not be read');
      if (this.#lossesOf(block) === before) this.#lose(block, failure);
      throw failure;
    }
  }

  #watch(block: number, at: number): void {
    const segment = this.#durable.segmentOf(block);
    this.#durable.use(segment, at);
    this.holding.watch(segment, at);
  }

  async #isWhatWasWritten(block: number, { start, end }: ByteRange): Promise<boolean> {
    const expected = this.#durable.sumOf(block);
    if (expected === undefined) return true;
    const before = this.#lossesOf(block);
    const bytes = Buffer.allocUnsafe(end - start);
    try {
      await this.#files.read(bytes, start);
      if (crc32(bytes) !== expected) throw notWhatWasWritten(block);
      return true;
    } catch (error) {
      if (this.#lossesOf(block) !== before) return true;
      this.#lose(block, storeError(error, 'A block could not be read'));
      return false;
    }
  }

  /** Believes nothing more of what is on disk of this block; what has landed since stays. */
  #lose(block: number, { code }: StoreError): void {
    const range = this.#durable.blockRange(block);
    const gone = passingCodes.has(code) ? this.#written.within(range) : this.#unwrite(range);
    if (!passingCodes.has(code)) {
      this.#durable.drop(block);
      this.#medium.onDirty(this);
    }
    for (const { lost } of this.users.values()) for (const each of gone) lost(each);
    const bytes = gone.reduce((sum, { start, end }) => sum + end - start, 0);
    if (bytes > 0) this.#medium.onBlockLost(this, code === 'CORRUPT' ? 'checksum' : 'read', bytes);
  }

  /** The system may have thrown away what it could not write: nothing of it is believed. */
  #loseUnsynced(segment: number, failure: StoreError): void {
    const { start, end } = this.#segmentRange(segment);
    const written = this.#written.within({ start, end });
    const blocks = new Set(written.flatMap((range) => this.#durable.blocksIn(range)));
    this.#bumpLosses(segment);
    for (const block of blocks) if (!this.#durable.has(block)) this.#lose(block, failure);
  }

  #giveUp(segment: number): void {
    this.#bumpLosses(segment);
    const range = this.#segmentRange(segment);
    const gone = this.#unwrite(range);
    for (const block of this.#durable.blocksIn(range)) this.#durable.drop(block);
    for (const { lost } of this.users.values()) for (const each of gone) lost(each);
  }

  /** What of `range` was on disk, which it is no longer. */
  #unwrite(range: ByteRange): ByteRange[] {
    const gone = this.#written.within(range);
    this.#written.remove(range);
    for (const each of gone) for (const block of this.#durable.blocksIn(each)) this.#whole.delete(block);
    return gone;
  }

  #segmentRange(segment: number): ByteRange {
    const { segmentSize } = this.#medium.layout;
    return { start: segment * segmentSize, end: (segment + 1) * segmentSize };
  }

  #lossesOf(block: number): number | undefined {
    return this.#losses.get(this.#durable.segmentOf(block));
  }

  #bumpLosses(segment: number): void {
    this.#losses.set(segment, (this.#losses.get(segment) ?? 0) + 1);
  }
}

function notWhatWasWritten(block: number): StoreError {
  return new StoreError('CORRUPT', `Block ${block} of an object is not what was written.`);
}
