/**
 * A store in a directory of its own, whose objects survive the process and power cuts.
 *
 * What is accepted is named early within a moment and durable within about a second, or at `commit`: first the bytes,
 * then the rows that name them, so that a crash costs at most unfinished blocks. Objects that are open are here, all
 * others in the index; what each of them holds is counted in the room. Where the medium fails, nothing more is taken
 * until it is well again.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import type { Clock } from '../../clock.ts';
import type { Representation } from '../../http/representation.ts';
import type { NextToGo, StoreLoans, StoreUsage, Upkeep, Verified } from '../admin.ts';
import { Holding } from '../holding.ts';
import type { StoreLimits } from '../limits.ts';
import {
  type Lost,
  type ObjectLabel,
  type ObjectName,
  type Store,
  type StoredObject,
  StoreError,
  type StoreObject,
} from '../store.ts';
import type { StoreEvents } from '../store-events.ts';
import { CacheDirectory } from './cache-directory.ts';
import { DiskLibrary } from './disk-library.ts';
import { DiskObject } from './disk-object.ts';
import { type ObjectRow, SqliteIndex } from './index/sqlite-index.ts';
import { directoryName, ObjectDirectory } from './object-directory.ts';
import { OpenObject } from './open-object.ts';
import { storeError } from './private-files.ts';
import { TrialRead } from './trial-read.ts';

export interface DiskStoreOptions extends StoreLimits {
  /** Made if need be; nobody else may use it. */
  directory: string;
  clock: Clock;
  /** The unit of durability and of reading, in bytes. */
  blockSize?: number;
  /** Of one file, in bytes: a whole number of blocks. */
  segmentSize?: number;
  /** For reading from disk, in bytes. */
  bufferMemory?: number;
  /** How many segment files may be open. */
  openFiles?: number;
  /** Names this run of the machine; found out where absent. */
  boot?: string;
  /** Told what happens to what is stored. */
  events?: StoreEvents;
}

/** A store, and its directory, whose owner can say how to be reached. */
export type DiskStore = Store & Upkeep & Pick<CacheDirectory, 'describeOwner'>;

/**
 * Opens the store. Rejects with a `StoreError`: `EBUSY` where another process has the directory, `EPERM` where
 * something in it is not ours, or the system's code. A damaged index, or one for other sizes, is set aside together
 * with the objects, and the store begins empty.
 */
export async function createDiskStore(options: DiskStoreOptions): Promise<DiskStore> {
  const { blockSize = 256 * 1024, segmentSize = 16 * 1024 * 1024 } = options;
  if (segmentSize % blockSize !== 0) throw new RangeError('A segment must be a whole number of blocks.');
  // Its thread begins while the directory is claimed, and while the caller does something else.
  const index = new SqliteIndex();
  let directory: CacheDirectory | null = null;
  try {
    directory = await CacheDirectory.claim(options.directory);
    const { boot = await bootId() } = options;
    return new OpenStore(await DiskLibrary.open(options, { blockSize, segmentSize, boot }, directory, index));
  } catch (error) {
    await index.discard();
    directory?.release();
    throw storeError(error, `The cache directory ${options.directory} can't be opened`);
  }
}

/** What names this run of the machine; `''` where the system does not say. */
async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}

class OpenStore implements DiskStore {
  readonly #library: DiskLibrary;
  readonly #trial: TrialRead;
  /** The newest object of each name that anyone has open. */
  readonly #newest = new Map<ObjectName, DiskObject>();
  /** The last step of the latest call that concerns a name: calls for one name happen one after another. */
  readonly #turns = new Map<ObjectName, Promise<unknown>>();

  constructor(library: DiskLibrary) {
    this.#library = library;
    this.#trial = new TrialRead({
      holdings: library.holdings,
      find: ({ name }) => library.index.find(name),
      pathOf: (holding) => library.pathOf(holding),
      reads: library.medium.reads,
      pool: library.medium.pool,
      files: library.files,
    });
    library.start({
      forget: (name, spare) =>
        this.#inTurn(name, async () => {
          const holding = library.holdings.named(name);
          if (holding === undefined || this.#newest.has(name) || spare(holding)) return false;
          await this.#forget(name);
          return true;
        }),
    });
  }

  describeOwner(fields: Parameters<CacheDirectory['describeOwner']>[0]): Promise<void> {
    return this.#library.directory.describeOwner(fields);
  }

  find(name: ObjectName, lost: Lost): Promise<StoreObject | null> {
    return this.#inTurn(name, async () => {
      const object = await this.#known(name);
      return object === null ? null : this.#lend(object, lost);
    });
  }

  create(name: ObjectName, representation: Representation, label: ObjectLabel, lost: Lost): Promise<StoreObject> {
    return this.#inTurn(name, async () => {
      const pinned = this.#library.holdings.named(name)?.pinned ?? false;
      // Nobody waits for this: the new object's own row, once there is one, forgets the old one as well.
      this.#forget(name).catch(() => {});
      const generation = randomUUID().replaceAll('-', '').slice(0, 16);
      const used = this.#library.clock.wallTime();
      const holding = new Holding({ name, generation, label }, representation.length, pinned, used);
      this.#library.admit(holding);
      const object = this.#open(holding, { name, generation, label, representation, pinned, used, segments: [] });
      this.#library.committer.noteDirty(object);
      return this.#lend(object, lost);
    });
  }

  remove(name: ObjectName): Promise<void> {
    return this.#inTurn(name, () => this.#forget(name));
  }

  async *list(): AsyncGenerator<StoredObject> {
    await this.#library.committer.commit([...this.#newest.values()]);
    yield* this.#library.index.list();
  }

  pin(name: ObjectName, pinned: boolean): Promise<boolean> {
    return this.#inTurn(name, async () => {
      const open = this.#newest.get(name);
      if (open !== undefined) await this.#library.committer.commit([open]);
      const found = await this.#library.index.pin(name, pinned);
      if (!found && open !== undefined) throw this.#library.trouble ?? new StoreError('EIO', 'The object has no row.');
      const holding = this.#library.holdings.named(name);
      if (found && holding !== undefined) holding.pinned = pinned;
      return found;
    });
  }

  async verify(name: ObjectName, progress: (bytes: number) => void, signal: AbortSignal): Promise<Verified | null> {
    const lent = await this.#inTurn(name, async () => {
      const object = await this.#known(name);
      return object === null ? null : { object, view: this.#lend(object, () => {}) };
    });
    if (lent === null) return null;
    try {
      await lent.view.commit();
      return await lent.object.verify(progress, signal);
    } finally {
      await lent.view.close();
    }
  }

  usage(): StoreUsage {
    return this.#library.usage();
  }

  tryRead(signal: AbortSignal): Promise<void> {
    return this.#trial.run(signal);
  }

  loans(): StoreLoans {
    return this.#library.loans();
  }

  nextToGo(bytes: number): readonly NextToGo[] {
    return this.#library.room.nextToGo(bytes);
  }

  async close(): Promise<void> {
    await this.#library.stop();
    await Promise.allSettled(this.#turns.values());
    await this.#library.close();
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
    const row = await this.#library.index.find(name);
    if (row === null) return null;
    const holding = this.#library.holdings.named(name);
    if (holding?.generation !== row.generation) return null;
    // What has been evicted since may still have its row.
    return this.#open(holding, {
      ...row,
      segments: row.segments.filter(({ number }) => holding.bySegment.has(number)),
    });
  }

  /** Begins to know an object that nobody had open. */
  #open(holding: Holding, row: ObjectRow): DiskObject {
    const files = new ObjectDirectory(
      this.#library.pathOf(holding),
      this.#library.medium.layout.segmentSize,
      this.#library.files,
    );
    const object = new DiskObject(row, holding, files, this.#library.medium);
    this.#newest.set(holding.name, object);
    this.#library.open.set(directoryName(holding.name, holding.generation), object);
    return object;
  }

  #lend(object: DiskObject, lost: Lost): StoreObject {
    const user = Symbol('user');
    object.users.set(user, { lost, playheads: [] });
    object.holding.used = this.#library.clock.wallTime();
    return new OpenObject(object, {
      attend: (playheads) => this.#attend(object, user, lost, playheads),
      ahead: () => this.#library.room.ahead,
      commit: () => this.#library.committer.commit([object]),
      close: () => this.#takeBack(object, user),
    });
  }

  #attend(object: DiskObject, user: symbol, lost: Lost, playheads: readonly number[]): void {
    if (!object.users.has(user)) return;
    object.users.set(user, { lost, playheads });
    this.#library.room.attend(
      object.holding,
      [...object.users.values()].flatMap((each) => each.playheads),
    );
  }

  async #takeBack(object: DiskObject, user: symbol): Promise<void> {
    await this.#library.committer.commit([object]);
    object.users.delete(user);
    const { holding } = object;
    this.#library.room.attend(
      holding,
      [...object.users.values()].flatMap(({ playheads }) => playheads),
    );
    if (object.users.size > 0) return;
    if (this.#newest.get(holding.name) === object) this.#newest.delete(holding.name);
    this.#library.open.delete(directoryName(holding.name, holding.generation));
    await this.#library.leave(object);
  }

  /** Takes the object of that name out of the index, and its files away as soon as nobody has it open. */
  async #forget(name: ObjectName): Promise<void> {
    const open = this.#newest.get(name);
    this.#newest.delete(name);
    if (open === undefined) return this.#removeClosed(name);
    this.#library.holdings.hide(open.holding);
    open.forgotten = this.#library.index.remove(name).then(
      () => {},
      () => {},
    );
    await open.forgotten;
  }

  async #removeClosed(name: ObjectName): Promise<void> {
    const { index } = this.#library;
    const holding = this.#library.holdings.named(name);
    if (holding !== undefined) this.#library.holdings.hide(holding);
    try {
      await index.remove(name);
      if (holding !== undefined) this.#library.removeFiles(holding);
    } catch {
      // On a full disk the index can't even forget: then the files go first, and the row names nothing for a while.
      if (holding === undefined) return;
      await rm(this.#library.pathOf(holding), { recursive: true, force: true });
      this.#library.dismiss(holding);
      await index.remove(name, holding.generation);
    }
  }
}
