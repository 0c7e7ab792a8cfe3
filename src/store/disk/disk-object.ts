/**
 * One object of the disk store, shared by all who have it open.
 *
 * A byte goes from accepted (readable from memory) to written (readable from its segment file) to durable (its whole block
 * is written, summed, synced and named in the index). `checkpoint` computes the checksums of blocks that can be named
 * early, `sync` makes blocks durable, and the committer saves the row. A written byte can be lost again, by eviction or
 * because its content is wrong; everybody who has the object open is told before.
 */
import { crc32 } from 'node:zlib';
import { type ByteRange, totalLength } from '../../bytes/byte-range.ts';
import { RangeSet } from '../../bytes/range-set.ts';
import type { Representation } from '../../http/representation.ts';
import { untilAborted } from '../../until-aborted.ts';
import type { Verified } from '../admin.ts';
import type { SharedObject } from '../open-object.ts';
import { type FilePart, type Slice, StoreError } from '../store.ts';
import { BlockChecksums } from './block-checksums.ts';
import type { BlockIndex } from './block-index.ts';
import type { Description } from './closed-objects.ts';
import type { HeldOnDisk, OpenContent } from './held-on-disk.ts';
import type { ObjectRow } from './index/rows.ts';
import type { Medium } from './medium.ts';
import type { ObjectFiles } from './object-directory.ts';
import { type Run, WriteBuffer } from './write-buffer.ts';

/** Errors of a read that lacked a resource for a moment: the bytes on disk are as good as before. */
const passingCodes = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

export class DiskObject implements SharedObject, OpenContent {
  readonly held: HeldOnDisk<DiskObject>;
  readonly description: Description;
  readonly copies = true;
  readonly #medium: Medium;
  readonly #files: ObjectFiles;
  readonly #unwritten: WriteBuffer;
  readonly #checksums: BlockChecksums;
  readonly #index: BlockIndex;
  /** Bytes in the segment files. */
  readonly #written: RangeSet;
  /** Blocks that are written and not durable yet. */
  readonly #whole: Set<number>;
  /** How often each segment's file was given up: a read or sync during which that changed counts for nothing. */
  readonly #losses = new Map<number, number>();
  #synced: Promise<void> = Promise.resolve();
  /** How often something was changed that the index is to hold, and how often it had been when it held everything. */
  #changes = 0;
  #savedChanges = 0;
  #taken: { readonly row: ObjectRow; readonly changes: number } | null = null;

  constructor(held: HeldOnDisk<DiskObject>, description: Description, files: ObjectFiles, medium: Medium) {
    this.held = held;
    this.description = description;
    this.#medium = medium;
    this.#files = files;
    this.#unwritten = new WriteBuffer(medium.layout.segmentSize, medium, (run) => this.#writeRun(run));
    this.#checksums = new BlockChecksums(medium.layout.blockSize);
    this.#index = description.blocks;
    this.#written = RangeSet.from(this.#index.ranges());
    this.#whole = new Set(this.#index.early());
  }

  get representation(): Representation {
    return this.description.representation;
  }

  get durable(): readonly ByteRange[] {
    return this.#index.ranges();
  }

  /** Whether bytes wait to be written. */
  get hasUnwritten(): boolean {
    return this.#unwritten.size > 0;
  }

  get isSaved(): boolean {
    return this.#changes === this.#savedChanges && this.#whole.size === 0 && !this.hasUnwritten;
  }

  /** Throws a `StoreError` where the medium takes nothing now. */
  write(offset: number, bytes: Buffer): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    this.#medium.space.admit(this.held, { start: offset, end: offset + bytes.length });
    this.noteDirty();
    return this.#unwritten.add(offset, bytes);
  }

  read(range: ByteRange, signal: AbortSignal, isFirst = false): Slice | Promise<Slice> {
    const readInto = (buffer: Buffer) => this.#readInto(buffer, range);
    return this.#readUnwritten(range) ?? this.#medium.reads.read(readInto, signal, isFirst);
  }

  readAhead(range: ByteRange, signal: AbortSignal): Slice | Promise<Slice> | null {
    const readInto = (buffer: Buffer) => this.#readInto(buffer, range);
    return this.#readUnwritten(range) ?? this.#medium.reads.readSpare(readInto, signal);
  }

  useFile({ start, end }: ByteRange, use: (part: FilePart) => number): number | null {
    const stop = Math.min(end, this.#written.runEnd(start), this.#checkedEnd(start, end));
    const file = stop > start ? this.#files.fileAt(start) : null;
    if (file === null) return null;
    const used = use({ ...file, length: stop - start });
    if (used > 0) this.#watch(this.#blockAt(start));
    return used;
  }

  describe(representation: Representation): void {
    const { length } = representation;
    this.description.representation = representation;
    this.held.length = length;
    if (length !== null && this.#index.length === null) {
      this.#index.length = length;
      this.#noteWhole({ start: Math.max(0, length - 1), end: length });
    }
    this.noteDirty();
  }

  noteDirty(): void {
    this.#changes += 1;
    this.#medium.committer.noteDirty(this);
  }

  commit(): Promise<void> {
    return this.#medium.committer.commit([this]);
  }

  async checkpoint(): Promise<void> {
    await this.#flush();
    if (this.held.detached) return;
    for (const block of [...this.#whole]) {
      if (this.#index.sumOf(block) !== undefined) continue;
      const before = this.#lossesOf(block);
      try {
        const sum = await this.#sumOf(block);
        if (this.#lossesOf(block) === before && this.#whole.has(block)) this.#index.markEarly(block, sum);
      } catch {
        // `sync` reads it again, and deals with the error.
      }
    }
  }

  sync(): Promise<void> {
    this.#synced = this.#synced.then(async () => {
      await this.#flush();
      if (this.#medium.health.trouble !== null || this.held.detached) return;
      const bySegment = Map.groupBy(this.#whole, (block) => this.#index.segmentOf(block));
      for (const [segment, blocks] of [...bySegment]) await this.#syncSegment(segment, blocks);
    });
    return this.#synced;
  }

  takeRow(): ObjectRow {
    const { name, generation, label, pinned, used, place } = this.held;
    const segments = this.#index
      .takeChangedRows()
      .map((row) => ({ ...row, used: this.held.bySegment.get(row.number)?.used ?? used }));
    const row = { name, generation, label, representation: this.representation, pinned, used, place, segments };
    this.#taken = { row, changes: this.#changes };
    return row;
  }

  saved(row: ObjectRow): void {
    if (this.#taken?.row === row) this.#savedChanges = this.#taken.changes;
  }

  notSaved({ segments }: ObjectRow): void {
    this.#index.notSaved(segments.map(({ number }) => number));
    this.#savedChanges = -1;
  }

  evict(segment: number, unnamed?: Promise<void>): Promise<void> {
    this.#giveUp(segment);
    this.noteDirty();
    return this.#files.removeSegment(segment, unnamed);
  }

  invalidate(): void {
    const segments = [...this.held.bySegment.keys()];
    this.#files.reset(segments);
    for (const segment of segments) {
      this.#giveUp(segment);
      this.#medium.capacity.drop(this.held, segment);
    }
    this.noteDirty();
  }

  /** Reads every durable block again; a block whose checksum is wrong is lost. */
  async verify(progress: (bytes: number) => void, signal: AbortSignal): Promise<Verified> {
    const bad: ByteRange[] = [];
    let checked = 0;
    for (const block of this.#index.blocks()) {
      const range = this.#index.blockRange(block);
      if (!(await untilAborted(this.#isWhatWasWritten(block, range), signal))) bad.push(range);
      checked += range.end - range.start;
      progress(range.end - range.start);
    }
    return { checked, bad };
  }

  /** Lets go of the files, and unlinks those that no row will name. Nobody may have the object open. */
  async leave(): Promise<void> {
    this.#unwritten.discard();
    this.#medium.capacity.abandon(this.held);
    if (!this.held.detached) await Promise.all(this.#dropUnnamed());
  }

  /** Begun at once: whoever opens the object next writes to other files. */
  #dropUnnamed(): Promise<void>[] {
    const named = this.#index.segments();
    const unnamed = [...this.held.bySegment.keys()].filter((segment) => !named.has(segment));
    return unnamed.map((segment) => {
      this.#medium.capacity.drop(this.held, segment);
      return this.#files.removeSegment(segment);
    });
  }

  async #flush(): Promise<void> {
    if (this.#medium.health.trouble === null) await this.#unwritten.flush();
  }

  async #writeRun(run: Run): Promise<StoreError | null> {
    const { health, space } = this.#medium;
    if (health.trouble !== null) return health.trouble;
    const segment = this.#index.segmentOf(this.#blockAt(run.start));
    let before = this.#losses.get(segment);
    try {
      await space.evicting;
      before = this.#losses.get(segment);
      // Not when they are accepted: a client may wait for them.
      this.#checksums.add(run.start, run.buffers);
      await space.withRoom(run.end - run.start, () => this.#files.write(run, this.#hasFile(segment)));
    } catch (error) {
      const failure = StoreError.from(error, 'Bytes could not be written');
      const isGone = failure.code === 'ENOENT';
      if (isGone && this.#hasFile(segment)) this.#fileGone(segment);
      if (this.#losses.get(segment) !== before) return this.#writeRun(run);
      if (isGone) this.invalidate();
      health.fail(failure);
      return failure;
    }
    // They went to a file that nobody finds any more.
    if (this.#losses.get(segment) !== before) return this.#writeRun(run);
    this.#written.add(run);
    this.#medium.capacity.received(this.held, run.start, run.end);
    this.#noteWhole(run);
    return null;
  }

  #noteWhole(range: ByteRange): void {
    for (const block of this.#index.blocksIn(range)) {
      if (!this.#index.has(block) && this.#isWritten(block)) this.#whole.add(block);
    }
  }

  #isWritten(block: number): boolean {
    const range = this.#index.blockRange(block);
    return range.end > range.start && this.#written.covers(range);
  }

  async #syncSegment(segment: number, blocks: readonly number[]): Promise<void> {
    // It may have been given up while others were synced.
    if (!blocks.some((block) => this.#whole.has(block))) return;
    const before = this.#losses.get(segment);
    try {
      const sums = new Map<number, number>();
      for (const block of blocks) sums.set(block, this.#index.sumOf(block) ?? (await this.#sumOf(block)));
      await this.#files.sync(segment, (real) => {
        if (this.#losses.get(segment) === before) this.#medium.capacity.correct(this.held, segment, real);
      });
      if (this.#losses.get(segment) !== before) return;
      for (const [block, sum] of sums) {
        if (this.#whole.delete(block)) this.#index.mark(block, sum);
      }
      this.#changes += 1;
    } catch (error) {
      if (this.#losses.get(segment) !== before) return;
      const failure = StoreError.from(error, 'A segment could not be made durable');
      if (failure.code === 'ENOENT') this.#fileGone(segment);
      else this.#loseUnsynced(segment, failure);
      this.#medium.health.fail(failure);
    }
  }

  async #sumOf(block: number): Promise<number> {
    const { start, end } = this.#index.blockRange(block);
    const sum = this.#checksums.take(block, end);
    if (sum !== undefined) return sum;
    // Not from the pool: readers who hold all of its buffers must not keep what was written from becoming durable.
    const buffer = Buffer.allocUnsafe(end - start);
    await this.#files.read(buffer, start);
    return crc32(buffer);
  }

  #readUnwritten({ start, end }: ByteRange): Slice | null {
    return this.#unwritten.read(start, Math.min(end - start, this.#medium.reads.pool.size));
  }

  /** Rejects with a `StoreError` only. */
  async #readInto(buffer: Buffer, { start, end }: ByteRange): Promise<Buffer> {
    const block = this.#blockAt(start);
    const blockRange = this.#index.blockRange(block);
    const sliceEnd = Math.min(end, blockRange.end, this.#written.runEnd(start));
    const expected = this.#index.expectedSum(block);
    const within = expected === undefined ? { start, end: sliceEnd } : blockRange;
    const before = this.#lossesOf(block);
    try {
      if (sliceEnd <= start) throw new StoreError('CORRUPT', `Byte ${start} of an object is not there any more.`);
      const bytes = buffer.subarray(0, within.end - within.start);
      await this.#files.read(bytes, within.start);
      if (this.#lossesOf(block) !== before) throw new StoreError('ENOENT', 'The segment was given up meanwhile.');
      if (expected !== undefined && crc32(bytes) !== expected) throw notWhatWasWritten(block);
      this.#index.checked(block);
      this.#watch(block);
      return bytes.subarray(start - within.start, sliceEnd - within.start);
    } catch (error) {
      const failure = StoreError.from(error, 'Bytes could not be read');
      if (this.#lossesOf(block) === before) this.#lose(block, failure);
      throw failure;
    }
  }

  #blockAt(offset: number): number {
    return Math.floor(offset / this.#medium.layout.blockSize);
  }

  /** Where the checked blocks of one segment end that begin with the one at `start`; not past the block of `end`. */
  #checkedEnd(start: number, end: number): number {
    const first = this.#blockAt(start);
    const segment = this.#index.segmentOf(first);
    let block = first;
    while (block <= this.#blockAt(end - 1) && this.#index.segmentOf(block) === segment) {
      if (this.#index.expectedSum(block) !== undefined) break;
      block += 1;
    }
    return block === first ? start : block * this.#medium.layout.blockSize;
  }

  #watch(block: number): void {
    this.held.watch(this.#index.segmentOf(block), this.#medium.clock);
  }

  async #isWhatWasWritten(block: number, { start, end }: ByteRange): Promise<boolean> {
    const expected = this.#index.sumOf(block);
    if (expected === undefined) return true;
    const before = this.#lossesOf(block);
    const bytes = Buffer.allocUnsafe(end - start);
    try {
      await this.#files.read(bytes, start);
      if (crc32(bytes) !== expected) throw notWhatWasWritten(block);
      return true;
    } catch (error) {
      if (this.#lossesOf(block) !== before) return true;
      this.#lose(block, StoreError.from(error, 'A block could not be read'));
      return false;
    }
  }

  /** The block on disk can't be used any more; its bytes that are in memory stay. */
  #lose(block: number, { code }: StoreError): void {
    const range = this.#index.blockRange(block);
    const gone = passingCodes.has(code) ? this.#written.within(range) : this.#unwrite(range);
    if (!passingCodes.has(code)) {
      this.#index.drop(block);
      this.noteDirty();
    }
    this.held.lose(gone);
    const bytes = totalLength(gone);
    if (bytes > 0) {
      this.#medium.events.blockLost(this.held.label, code === 'CORRUPT' ? 'checksum' : 'read', bytes);
    }
  }

  /** A sync has failed: the system may have dropped what it could not write, so all of it is lost. */
  #loseUnsynced(segment: number, failure: StoreError): void {
    const { start, end } = this.#segmentRange(segment);
    const written = this.#written.within({ start, end });
    const blocks = new Set(written.flatMap((range) => this.#index.blocksIn(range)));
    this.#bumpLosses(segment);
    for (const block of blocks) if (!this.#index.has(block)) this.#lose(block, failure);
  }

  #giveUp(segment: number): void {
    this.#bumpLosses(segment);
    const range = this.#segmentRange(segment);
    const gone = this.#unwrite(range);
    for (const block of this.#index.blocksIn(range)) this.#index.drop(block);
    this.held.lose(gone);
  }

  /** Somebody else has removed the file of a segment. */
  #fileGone(segment: number): void {
    this.#medium.capacity.drop(this.held, segment);
    // Nothing is to be unlinked; the next one of that path is another file.
    this.evict(segment).catch(() => {});
  }

  /** Whether anything of the segment is in its file. */
  #hasFile(segment: number): boolean {
    return this.#written.within(this.#segmentRange(segment)).length > 0;
  }

  /** Forgets what of `range` is on disk, and returns it. */
  #unwrite(range: ByteRange): ByteRange[] {
    const gone = this.#written.within(range);
    this.#written.remove(range);
    for (const each of gone) for (const block of this.#index.blocksIn(each)) this.#whole.delete(block);
    return gone;
  }

  #segmentRange(segment: number): ByteRange {
    const { segmentSize } = this.#medium.layout;
    return { start: segment * segmentSize, end: (segment + 1) * segmentSize };
  }

  #lossesOf(block: number): number | undefined {
    return this.#losses.get(this.#index.segmentOf(block));
  }

  #bumpLosses(segment: number): void {
    this.#losses.set(segment, (this.#losses.get(segment) ?? 0) + 1);
  }
}

function notWhatWasWritten(block: number): StoreError {
  return new StoreError('CORRUPT', `Block ${block} of an object is not what was written.`);
}
