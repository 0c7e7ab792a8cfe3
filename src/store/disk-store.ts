/**
 * A store in a directory of its own, whose objects survive the process and power cuts.
 *
 * What is accepted becomes durable within about a second, or at `commit`: first the bytes, then the rows that name
 * them, so that a crash costs at most unfinished blocks. Objects that are open are here, all others in the index.
 */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Clock, Timer } from '../clock.ts';
import type { Representation } from '../http/representation.ts';
import { createBufferPool } from './buffer-pool.ts';
import { CacheDirectory, type OwnerFacts } from './cache-directory.ts';
import { type DiskMedium, DiskObject } from './disk-object.ts';
import { directoryName, directoryPath, ObjectDirectory } from './object-directory.ts';
import { OpenObject } from './open-object.ts';
import { findOrphans, removeOrphans } from './orphans.ts';
import { storeError } from './private-files.ts';
import { SegmentFiles } from './segment-files.ts';
import { type IndexPlace, type ObjectRow, SqliteIndex } from './sqlite-index.ts';
import {
  type Lost,
  type ObjectLabel,
  type ObjectName,
  type Store,
  type StoredObject,
  StoreError,
  type StoreObject,
} from './store.ts';
import type { StoreEvents } from './store-events.ts';
import type { NextToGo, StoreUsage, Upkeep, Verified } from './upkeep.ts';

export interface DiskStoreOptions {
  /** Made if need be; nobody else may use it. */
  directory: string;
  clock: Clock;
  /** The unit of durability and of reading, in bytes. */
  blockSize?: number;
  /** Of one file, in bytes: a whole number of blocks. */
  segmentSize?: number;
  /** For reading from disk, in bytes. */
  bufferMemory?: number;
  /** Called when a read must wait for memory, and again each second while one does. */
  onStarved?: () => void;
  /** How many segment files may be open. */
  openFiles?: number;
  /** Called when an object fails, beside what its writers are told, or when old files can't be removed. */
  onFailure?: (error: StoreError) => void;
  /** Told what happens to what is stored. */
  events?: Partial<StoreEvents>;
}

/** A store in a directory that tells others about its owner. */
export interface OwnedStore extends Store, Upkeep {
  /** Writes it down for whoever may read the directory, until the store is closed. Rejects with the system's error. */
  announce(facts: OwnerFacts): Promise<void>;
}

/** How long something accepted may wait to be made durable, in milliseconds. */
const settleInterval = 1000;

/**
 * Opens the store. Rejects with a `StoreError`: `EBUSY` where another process has the directory, `EPERM` where
 * something in it is not ours, or the system's code. A damaged index, or one for other sizes, is set aside together
 * with the objects, and the store begins empty.
 */
export async function createDiskStore(options: DiskStoreOptions): Promise<OwnedStore> {
  const { blockSize = 256 * 1024, segmentSize = 16 * 1024 * 1024 } = options;
  if (segmentSize % blockSize !== 0) throw new RangeError('A segment must be a whole number of blocks.');
  const directory = await CacheDirectory.claim(options.directory);
  try {
    const { index, objects } = await openIndex(directory, { blockSize, segmentSize, boot: '' });
    const named = new Set(objects.map(({ name, generation }) => directoryName(name, generation)));
    const orphans = await findOrphans(directory.objects, named);
    return new DiskStore(options, { blockSize, segmentSize }, directory, index, orphans);
  } catch (error) {
    directory.release();
    throw storeError(error, `The cache directory ${options.directory} can't be opened`);
  }
}

async function openIndex(directory: CacheDirectory, layout: Omit<IndexPlace, 'path'>) {
  const place = { path: directory.index, ...layout };
  try {
    return await SqliteIndex.open(place);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'CORRUPT') throw error;
    await directory.setAside();
    return SqliteIndex.open(place);
  }
}

class DiskStore implements OwnedStore {
  readonly #options: DiskStoreOptions;
  readonly #directory: CacheDirectory;
  readonly #index: SqliteIndex;
  readonly #files: SegmentFiles;
  readonly #medium: DiskMedium;
  /** The newest object of each name that anyone has open. */
  readonly #newest = new Map<ObjectName, DiskObject>();
  /** Every object that anyone has open, by the name of its directory. */
  readonly #open = new Map<string, DiskObject>();
  /** The last step of the latest call that concerns a name: calls for one name happen one after another. */
  readonly #turns = new Map<ObjectName, Promise<unknown>>();
  /** Files being removed; never rejects. */
  readonly #removals = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #dirty = new Set<DiskObject>();
  #timer: Timer | null = null;

  constructor(
    options: DiskStoreOptions,
    layout: DiskMedium['layout'],
    directory: CacheDirectory,
    index: SqliteIndex,
    orphans: readonly string[],
  ) {
    this.#options = options;
    this.#directory = directory;
    this.#index = index;
    this.#files = new SegmentFiles(options.openFiles ?? 128);
    this.#medium = {
      layout,
      pool: createBufferPool({
        size: layout.blockSize,
        limit: options.bufferMemory ?? 48 * 1024 * 1024,
        clock: options.clock,
        onStarved: () => options.onStarved?.(),
      }),
      clock: options.clock,
      onDirty: (object) => this.#noteDirty(object),
      onFailure: (error) => options.onFailure?.(error),
      onBlockLost: ({ label }, cause, bytes) => options.events?.blockLost?.(label, cause, bytes),
    };
    this.#removing(removeOrphans(orphans, this.#closing.signal));
  }

  announce(facts: OwnerFacts): Promise<void> {
    return this.#directory.announce(facts);
  }

  find(name: ObjectName, lost: Lost): Promise<StoreObject | null> {
    return this.#inTurn(name, async () => {
      const object = await this.#known(name);
      object?.touch();
      return object === null ? null : this.#lend(object, lost);
    });
  }

  create(name: ObjectName, representation: Representation, label: ObjectLabel, lost: Lost): Promise<StoreObject> {
    return this.#inTurn(name, async () => {
      // Nobody waits for this: the new object's own row, once there is one, forgets the old one as well.
      this.#forget(name).catch(() => {});
      const generation = randomUUID().replaceAll('-', '').slice(0, 16);
      const used = this.#options.clock.wallTime();
      const object = this.#admit({ name, generation, label, representation, pinned: false, used, segments: [] });
      this.#noteDirty(object);
      return this.#lend(object, lost);
    });
  }

  remove(name: ObjectName): Promise<void> {
    return this.#inTurn(name, () => this.#forget(name));
  }

  async *list(): AsyncGenerator<StoredObject> {
    await this.#commit([...this.#newest.values()]);
    yield* this.#index.list();
  }

  pin(name: ObjectName, pinned: boolean): Promise<boolean> {
    return this.#inTurn(name, async () => {
      const open = this.#newest.get(name);
      if (open !== undefined) await this.#commit([open]);
      return this.#index.pin(name, pinned);
    });
  }

  async verify(name: ObjectName, progress: (bytes: number) => void, signal: AbortSignal): Promise<Verified | null> {
    const object = await this.#inTurn(name, async () => {
      const known = await this.#known(name);
      return known === null ? null : { known, lent: this.#lend(known, () => {}) };
    });
    if (object === null) return null;
    try {
      await object.lent.commit();
      return await object.known.verify(progress, signal);
    } finally {
      await object.lent.close();
    }
  }

  usage(): StoreUsage {
    return { bytes: 0, objects: 0, limit: null, free: null, trouble: null };
  }

  nextToGo(): readonly NextToGo[] {
    return [];
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#closing.abort();
    await Promise.allSettled(this.#turns.values());
    const open = [...this.#open.values()];
    await this.#commit(open);
    for (const object of open) await this.#leave(object);
    await Promise.all(this.#removals);
    await this.#files.close();
    await this.#index.close();
    // What it said is no longer true; a full disk may keep that from being written.
    await this.#directory.announce({}).catch(() => {});
    this.#directory.release();
  }

  #inTurn<Result>(name: ObjectName, step: () => Promise<Result>): Promise<Result> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(step, step);
    this.#turns.set(name, turn);
    const end = () => {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    };
    turn.then(end, end);
    return turn;
  }

  async #known(name: ObjectName): Promise<DiskObject | null> {
    const open = this.#newest.get(name);
    if (open !== undefined) return open;
    const row = await this.#index.find(name);
    return row === null ? null : this.#admit(row);
  }

  /** Begins to know an object that nobody had open. */
  #admit(row: ObjectRow): DiskObject {
    const { name, generation } = row;
    const { segmentSize } = this.#medium.layout;
    const path = directoryPath(this.#directory.objects, name, generation);
    const files = new ObjectDirectory(path, segmentSize, this.#files);
    const object = new DiskObject(row, files, this.#medium);
    this.#newest.set(name, object);
    this.#open.set(directoryName(name, generation), object);
    return object;
  }

  #lend(object: DiskObject, lost: Lost): StoreObject {
    // A function of its own, so that the same one may be given twice.
    const user: Lost = (range) => lost(range);
    object.users.add(user);
    return new OpenObject(object, {
      commit: () => this.#commit([object]),
      close: () => this.#takeBack(object, user),
    });
  }

  async #takeBack(object: DiskObject, user: Lost): Promise<void> {
    await this.#commit([object]);
    object.users.delete(user);
    if (object.users.size > 0) return;
    if (this.#newest.get(object.name) === object) this.#newest.delete(object.name);
    this.#open.delete(directoryName(object.name, object.generation));
    await this.#leave(object);
    // A full disk may have kept the index from forgetting; with the files gone there is room.
    if (object.forgotten !== null) await this.#index.remove(object.name, object.generation).catch(() => {});
  }

  /** Takes the object of that name out of the index, and its files away as soon as nobody has it open. */
  async #forget(name: ObjectName): Promise<void> {
    const open = this.#newest.get(name);
    this.#newest.delete(name);
    if (open === undefined) return this.#removeClosed(name);
    open.forgotten = this.#index.remove(name).then(
      () => {},
      () => {},
    );
    await open.forgotten;
  }

  async #removeClosed(name: ObjectName): Promise<void> {
    const remove = (generation: string) =>
      rm(directoryPath(this.#directory.objects, name, generation), { recursive: true, force: true });
    try {
      const generation = await this.#index.remove(name);
      if (generation !== null) this.#removing(remove(generation));
    } catch {
      // On a full disk the index can't even forget: then the files go first, and the row names nothing for a while.
      const row = await this.#index.find(name);
      if (row === null || this.#open.has(directoryName(name, row.generation))) return;
      await remove(row.generation);
      await this.#index.remove(name, row.generation);
    }
  }

  #removing(removal: Promise<void>): void {
    const removed = removal.catch(this.#reportLeftover).finally(() => this.#removals.delete(removed));
    this.#removals.add(removed);
  }

  #leave(object: DiskObject): Promise<void> {
    return object.leave().catch(this.#reportLeftover);
  }

  readonly #reportLeftover = (error: unknown): void => {
    this.#medium.onFailure(storeError(error, 'Files could not be closed or removed'));
  };

  #noteDirty(object: DiskObject): void {
    this.#dirty.add(object);
    this.#timer ??= this.#options.clock.after(settleInterval, () => {
      this.#timer = null;
      void this.#commit([...this.#dirty]);
    });
  }

  /** Makes durable what can be of these objects. Never rejects: an object that can't be saved fails. */
  async #commit(objects: readonly DiskObject[]): Promise<void> {
    for (const object of objects) this.#dirty.delete(object);
    await Promise.all(objects.map((object) => object.settle()));
    const named = objects.filter((object) => object.forgotten === null);
    if (named.length === 0) return;
    try {
      await this.#index.save(named.map((object) => object.takeRow()));
    } catch (error) {
      for (const object of named) object.fail(storeError(error, 'The index could not be written'));
    }
  }
}
