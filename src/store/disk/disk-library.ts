/**
 * What is behind an open disk store: its directory, its index, its room, and what happens to them by themselves.
 *
 * It is opened, swept in the background, and from then on evicts what must go, tries a failed medium again, makes a
 * removed directory anew, and lets go of what nobody has used for too long.
 */
import { rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../../clock.ts';
import type { EvictionReason } from '../../events.ts';
import type { StoreLoans, StoreUsage } from '../admin.ts';
import { Room } from '../capacity.ts';
import { Holding } from '../holding.ts';
import { HoldingTable } from '../holding-table.ts';
import { inBytes } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { type ObjectName, StoreError } from '../store.ts';
import type { StoreEvents } from '../store-events.ts';
import { createBufferPool } from './buffer-pool.ts';
import type { CacheDirectory } from './cache-directory.ts';
import { Committer } from './committer.ts';
import type { DiskMedium } from './disk-medium.ts';
import type { DiskObject } from './disk-object.ts';
import type { DiskStoreOptions } from './disk-store.ts';
import { MediumState } from './health.ts';
import { type IndexedObject, type IndexPlace, type ObjectRow, SqliteIndex } from './index/sqlite-index.ts';
import { directoryName, directoryPath } from './object-directory.ts';
import { storeError } from './private-files.ts';
import { SegmentFiles } from './segment-files.ts';
import { Gate } from './semaphore.ts';
import { sweep } from './sweep.ts';

type Layout = Omit<IndexPlace, 'path'>;

/** How often it is looked for what nobody has used for too long: ten times within that time, at most so often. */
const leastAgeInterval = 60_000;

/**
 * Reads for replies that run at once: two for each of the threads that libuv gives to files. With more of them each
 * would only end later, the first byte of whoever has just come included.
 */
const mostReads = 8;

const silent: StoreEvents = { evicted() {}, blockLost() {}, bufferWaited() {}, stateChanged() {}, leftover() {} };

/** What the library asks of the store, in the order of its calls. */
export interface LibraryCalls {
  /** Forgets the object, unless it is open or `spare` says so when its turn has come; resolves with whether it did. */
  forget(name: ObjectName, spare: (holding: Holding) => boolean): Promise<boolean>;
}

export class DiskLibrary {
  readonly clock: Clock;
  readonly directory: CacheDirectory;
  readonly files: SegmentFiles;
  readonly medium: DiskMedium;
  readonly room: Room;
  readonly committer: Committer;
  readonly holdings = new HoldingTable();
  /** Every object that anyone has open, by the name of its directory. */
  readonly open = new Map<string, DiskObject>();
  readonly #options: DiskStoreOptions;
  readonly #layout: Layout;
  readonly #events: StoreEvents;
  readonly #state: MediumState;
  readonly #refusal: Refusal;
  /** Files being removed; never rejects. */
  readonly #removals = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #index: SqliteIndex;
  #indexFile: { readonly ino: number } | null = null;
  #calls: LibraryCalls | null = null;
  #aging: Timer | null = null;
  #told: string | null = null;
  #isCounted = false;
  #measuring: Promise<void> | null = null;

  private constructor(options: DiskStoreOptions, layout: Layout, directory: CacheDirectory, index: SqliteIndex) {
    const { clock, events = silent } = options;
    this.clock = clock;
    this.directory = directory;
    this.#options = options;
    this.#layout = layout;
    this.#events = events;
    this.#index = index;
    this.files = new SegmentFiles(options.openFiles ?? 128);
    this.room = new Room({ clock, segmentSize: layout.segmentSize, evict: (...gone) => this.#evict(...gone) });
    this.#state = new MediumState({
      clock,
      attempt: () => this.#recover(),
      isWanted: () => [...this.open.values()].some((object) => object.hasUnwritten),
      onChange: () => this.#tell(),
    });
    this.#refusal = new Refusal(clock, () => this.#tell());
    this.committer = new Committer({
      clock,
      namesEarly: layout.boot !== '',
      isInTrouble: () => this.#state.trouble !== null,
      save: (rows) => this.#save(rows),
    });
    this.medium = this.#makeMedium();
  }

  /** `begun` has not been opened yet. */
  static async open(
    options: DiskStoreOptions,
    layout: Layout,
    directory: CacheDirectory,
    begun: SqliteIndex,
  ): Promise<DiskLibrary> {
    const { index, objects } = await openIndex(begun, directory, layout);
    const library = new DiskLibrary(options, layout, directory, index);
    for (const object of objects) library.#admitIndexed(object);
    library.#indexFile = await stat(directory.index);
    await library.#measure(true);
    return library;
  }

  get index(): SqliteIndex {
    return this.#index;
  }

  get trouble(): StoreError | null {
    return this.#state.trouble;
  }

  /** Begins what happens in the background. */
  start(calls: LibraryCalls): void {
    this.#calls = calls;
    const swept = sweep(
      {
        objects: this.directory.objects,
        named: (directory) => this.holdings.at(directory),
        isOpen: (holding) => this.open.has(directoryName(holding.name, holding.generation)),
        removeFile: (path) => this.files.remove(path),
        correct: (holding, segment, real) => this.room.correct(holding, segment, real),
        missing: (holding, segments) => this.#missing(holding, segments),
      },
      [...this.holdings.all()],
      this.#closing.signal,
    );
    this.#removing(swept.then(() => this.#counted()));
    this.#letAge();
  }

  pathOf({ name, generation }: Holding): string {
    return directoryPath(this.directory.objects, name, generation);
  }

  admit(holding: Holding): void {
    this.holdings.add(holding);
    this.room.admit(holding);
  }

  /** Nothing of it is on disk any more, and nobody has it open. */
  dismiss(holding: Holding): void {
    this.holdings.delete(holding);
    this.room.dismiss(holding);
  }

  /** Removes the files of an object that nobody has open and the index no longer names. */
  removeFiles(holding: Holding): void {
    const removal = rm(this.pathOf(holding), { recursive: true, force: true });
    this.#removing(removal.then(() => this.dismiss(holding)));
  }

  /** The last who had it open has gone. */
  async leave(object: DiskObject): Promise<void> {
    await object.leave().catch(this.#reportLeftover);
    if (object.forgotten === null) return;
    this.dismiss(object.holding);
    // A full disk may have kept the index from forgetting; with the files gone there is room.
    await this.#index.remove(object.holding.name, object.holding.generation).catch(() => {});
  }

  usage(): StoreUsage {
    const { bytes, limit, free } = this.room;
    const trouble = this.#state.trouble ?? this.#refusal.current;
    return {
      bytes,
      objects: this.holdings.count,
      limit: Number.isFinite(limit) ? limit : null,
      free: Number.isFinite(free) ? Math.max(0, free) : null,
      trouble: trouble === null ? null : { code: trouble.code, message: trouble.message },
    };
  }

  loans(): StoreLoans {
    const objects = [...this.open.values()].reduce((sum, { users }) => sum + users.size, 0);
    const { lent: buffers, waiting: starved } = this.medium.pool;
    return { objects, buffers, starved, descriptors: this.files.inUse };
  }

  /** Ends what happens in the background. */
  async stop(): Promise<void> {
    this.committer.stop();
    this.#closing.abort();
    this.#aging?.cancel();
    this.#refusal.stop();
    await this.#state.close();
  }

  /** Makes durable what can be and lets go of the directory. */
  async close(): Promise<void> {
    const open = [...this.open.values()];
    await this.committer.commit(open);
    for (const object of open) await object.leave().catch(this.#reportLeftover);
    this.committer.stop();
    await Promise.all(this.#removals);
    await this.files.close();
    await this.#index.close();
    // Nobody is to be sent to where nobody listens any more.
    await this.directory.describeOwner({}).catch(this.#reportLeftover);
    this.directory.release();
  }

  #makeMedium(): DiskMedium {
    const { room, clock } = this;
    const state = this.#state;
    return {
      layout: this.#layout,
      clock,
      room,
      reads: new Gate(mostReads),
      pool: createBufferPool({
        size: this.#layout.blockSize,
        limit: this.#options.bufferMemory ?? 48 * 1024 * 1024,
        clock,
        onWaited: (outcome, duration) => this.#events.bufferWaited(outcome, duration),
      }),
      get trouble() {
        return state.trouble;
      },
      admit: ({ holding }, { start, end }) => {
        state.want();
        if (state.trouble !== null) throw state.trouble;
        if (!room.reserve(holding, start, end)) throw this.#refuse(end - start);
      },
      withRoom: (bytes, work) => this.#withRoom(bytes, work),
      onDirty: (object) => this.committer.noteDirty(object),
      fail: (error) => state.fail(error),
      onBlockLost: ({ holding }, cause, bytes) => this.#events.blockLost(holding.label, cause, bytes),
    };
  }

  #admitIndexed({ segments, ...object }: IndexedObject): void {
    const used = segments.reduce((latest, segment) => Math.max(latest, segment.used), object.used);
    const holding = new Holding(object, object.length, object.pinned, used);
    for (const { number, bytes, used: usedAt } of segments) holding.segment(number, usedAt).bytes = bytes;
    this.admit(holding);
  }

  #refuse(bytes: number): StoreError {
    // Somebody else may have made room meanwhile.
    this.#measuring ??= this.#measure(false).finally(() => {
      this.#measuring = null;
    });
    return this.#refusal.refuse(this.room.bytes + bytes > this.room.limit ? 'size' : 'free');
  }

  async #withRoom<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const { code } = storeError(error, 'The disk took nothing');
        const isFull = code === 'ENOSPC' || code === 'EDQUOT';
        if (!isFull || this.room.makeRoom(bytes, 'free') === 0) throw error;
        await Promise.all(this.#removals);
      }
    }
  }

  #evict(holding: Holding, segment: number, bytes: number, reason: EvictionReason): void {
    const open = this.open.get(directoryName(holding.name, holding.generation));
    this.#removing(open === undefined ? this.#evictClosed(holding, segment) : open.evict(segment));
    this.#events.evicted(reason, holding.label, bytes);
  }

  async #evictClosed(holding: Holding, segment: number): Promise<void> {
    await this.files.remove(join(this.pathOf(holding), String(segment)));
    await this.#missing(holding, [segment]);
  }

  async #missing(holding: Holding, segments: readonly number[]): Promise<void> {
    for (const segment of segments) this.room.drop(holding, segment);
    await this.#index.drop(holding.name, holding.generation, segments);
    // Not awaited: the call that is under way for this name may itself wait for room.
    if (holding.bySegment.size === 0) this.#forget(holding, ({ bySegment }) => bySegment.size > 0);
  }

  #forget(holding: Holding, spare: (holding: Holding) => boolean, onForgotten = () => {}): void {
    const isAnother = (now: Holding) => now !== holding || now.kept || spare(now);
    const forgetting = this.#calls?.forget(holding.name, isAnother);
    forgetting?.then((done) => done && onForgotten()).catch(this.#reportLeftover);
  }

  #letAge(): void {
    const { maxAge } = this.#options;
    if (maxAge === null || maxAge === undefined || this.#closing.signal.aborted) return;
    const isFresh = ({ used }: Holding) => used > this.clock.wallTime() - maxAge;
    for (const holding of [...this.holdings.all()]) {
      const isOpen = this.open.has(directoryName(holding.name, holding.generation));
      if (holding.kept || isOpen || isFresh(holding)) continue;
      const bytes = [...holding.segments].reduce((sum, segment) => sum + segment.bytes, 0);
      this.#forget(holding, isFresh, () => this.#events.evicted('age', holding.label, bytes));
    }
    this.#aging = this.clock.after(Math.max(leastAgeInterval, maxAge / 10), () => this.#letAge());
  }

  async #save(rows: readonly ObjectRow[]): Promise<boolean> {
    try {
      await this.#withRoom(this.#layout.segmentSize, () => this.#index.save(rows));
    } catch (error) {
      this.#state.fail(storeError(error, 'The index could not be written'));
      return false;
    }
    await this.#measure(false);
    if (this.#isCounted) this.room.settle();
    return true;
  }

  /** Sizes are real ones from now on: what a row says is no reason to evict. */
  async #counted(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    await this.#measure(true);
    this.#isCounted = true;
    this.room.settle();
  }

  /** Looks how much the file system has left; at the beginning also how much of it is ours. */
  async #measure(first: boolean): Promise<void> {
    const found = await statfs(this.directory.path).catch(() => null);
    if (found === null) return;
    this.room.free = found.bavail * found.bsize;
    if (!first) return;
    const { maxSize, minFree } = this.#options;
    this.room.limit = inBytes(maxSize, this.room.free + this.room.bytes, Number.POSITIVE_INFINITY);
    this.room.minFree = inBytes(minFree, found.blocks * found.bsize, 0);
  }

  async #recover(): Promise<void> {
    if (!(await this.directory.isThere(this.#indexFile))) await this.#makeAnew();
    else if (this.#index.failed) await this.#openIndexAgain();
    await this.directory.probe();
    // Not awaited: it ends when the state that follows from this is known.
    queueMicrotask(() => void this.committer.commit([...this.open.values()]));
  }

  /** Somebody has removed the directory: everything in it is lost. */
  async #makeAnew(): Promise<void> {
    await this.#index.close().catch(() => {});
    await this.directory.restore();
    await this.#openIndexAgain();
    for (const holding of [...this.holdings.all()]) {
      const open = this.open.get(directoryName(holding.name, holding.generation));
      if (open === undefined) this.dismiss(holding);
      else open.forsake();
    }
  }

  async #openIndexAgain(): Promise<void> {
    await this.directory.prepare();
    this.#index = (await openIndex(new SqliteIndex(), this.directory, this.#layout)).index;
    this.#indexFile = await stat(this.directory.index);
  }

  /** Says what has changed of whether bytes are stored. */
  #tell(): void {
    const trouble = this.#state.trouble ?? this.#refusal.current;
    const code = trouble?.code ?? null;
    if (code === this.#told) return;
    this.#told = code;
    this.#events.stateChanged(trouble);
  }

  #removing(removal: Promise<void>): void {
    const removed = removal.catch(this.#reportLeftover).finally(() => this.#removals.delete(removed));
    this.#removals.add(removed);
  }

  readonly #reportLeftover = (error: unknown): void => {
    if (this.#closing.signal.aborted) return;
    this.#events.leftover(storeError(error, 'Files could not be closed or removed'));
  };
}

async function openIndex(begun: SqliteIndex, directory: CacheDirectory, layout: Layout) {
  const place = { path: directory.index, ...layout };
  try {
    return { index: begun, objects: await begun.open(place) };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'CORRUPT') throw error;
    await directory.setAside();
    const index = new SqliteIndex();
    return { index, objects: await index.open(place) };
  }
}
