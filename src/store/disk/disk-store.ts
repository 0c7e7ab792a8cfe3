/**
 * A store in a directory of its own, whose objects survive the process and power cuts.
 *
 * What is accepted is named early within a moment and durable within about a second, or at `commit`: first the bytes,
 * then the rows that name them, so that a crash costs at most unfinished blocks. Objects that are open are here, and what
 * is known of those that were closed last; all others are in the index. What each of them holds is counted in the room.
 * Where the medium fails, nothing more is taken until it is well again.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { BufferWaitOutcome } from '../../events.ts';
import type { Representation } from '../../http/representation.ts';
import { bootId } from '../../proc.ts';
import type { SystemCalls } from '../../system-calls.ts';
import { never, untilAborted } from '../../until-aborted.ts';
import type { EvictionPreview, StoreAdmin, StoreLoans, StoreUsage, Verified } from '../admin.ts';
import { Capacity, type StoreLimits } from '../capacity.ts';
import { Inventory, type User } from '../inventory.ts';
import { OpenObject } from '../open-object.ts';
import {
  type Lost,
  mostRead,
  type ObjectLabel,
  type ObjectName,
  type Store,
  type StoredObject,
  StoreError,
  type StoreObject,
  type WholeObject,
} from '../store.ts';
import type { StoreEvents } from '../store-events.ts';
import { Background } from './background.ts';
import { Backlog } from './backlog.ts';
import { BlockIndex } from './block-index.ts';
import { createBufferPool } from './buffer-pool.ts';
import { CacheDirectory } from './cache-directory.ts';
import { CallQueue } from './call-queue.ts';
import { ClosedObjects, type Description } from './closed-objects.ts';
import { Committer } from './committer.ts';
import { DiskObject } from './disk-object.ts';
import { DiskReads } from './disk-reads.ts';
import { Health } from './health.ts';
import { HeldOnDisk, openContents } from './held-on-disk.ts';
import type { IndexedObject, IndexLayout } from './index/rows.ts';
import { SqliteIndex } from './index/sqlite-index.ts';
import { isOnLocalFileSystem } from './local-file-system.ts';
import { Maintenance, openIndex } from './maintenance.ts';
import type { Medium } from './medium.ts';
import { ObjectDirectories } from './object-directories.ts';
import { ObjectDirectory } from './object-directory.ts';
import { Removal } from './removal.ts';
import { SegmentFiles } from './segment-files.ts';
import { Slabs } from './slabs.ts';
import { Space } from './space.ts';
import { TrialRead } from './trial-read.ts';
import { UseTimes } from './use-times.ts';
import { WholeOnDisk } from './whole-object.ts';

/** How many bytes of all objects may wait to be written before writers are asked to wait. */
const mostUnwritten = 32 * 1024 * 1024;

const silent: StoreEvents = { evicted() {}, blockLost() {}, bufferWaited() {}, stateChanged() {}, leftover() {} };

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
  /** For what is known of objects that nobody has open, in bytes: by default that of some twenty thousand pictures. */
  closedMemory?: number;
  /** How many objects are kept of which no byte is stored: such as was only asked about, and files that are empty. */
  maxEmpty?: number;
  /** How many segment files may be open. */
  openFiles?: number;
  /**
   * Opens them, and directories, at once where neither the disk nor anybody else is needed for it; without it, and on a file
   * system that is not the kernel's own, a thread opens each.
   */
  openCached?: SystemCalls['openCached'] | undefined;
  /** Names this run of the machine; found out where absent. */
  boot?: string;
  /** Told what happens to what is stored. */
  events?: StoreEvents;
}

/** A store, and its directory, whose owner can say how to be reached. */
export type DiskStore = Store & StoreAdmin & Pick<CacheDirectory, 'describeOwner' | 'pagePassword'>;

/**
 * Opens the store. Rejects with a `StoreError`: `EBUSY` where another process has the directory, `EPERM` where
 * something in it is not ours, or the system's code. A damaged index, or one for other sizes, is set aside together
 * with the objects, and the store begins empty.
 */
export async function createDiskStore(options: DiskStoreOptions): Promise<DiskStore> {
  const { blockSize = mostRead, segmentSize = 16 * 1024 * 1024 } = options;
  if (segmentSize % blockSize !== 0) throw new RangeError('A segment must be a whole number of blocks.');
  // Its thread begins while the directory is claimed, and while the caller does something else.
  const index = new SqliteIndex();
  let directory: CacheDirectory | null = null;
  try {
    directory = await CacheDirectory.claim(options.directory);
    const { boot = bootId() ?? '' } = options;
    const layout = { path: directory.index, blockSize, segmentSize, boot };
    const { objects } = await openIndex(index, directory, layout);
    const openCached = (await isOnLocalFileSystem(directory.objects)) ? options.openCached : undefined;
    const parts = assemble({ ...options, openCached }, layout, directory, index);
    for (const object of objects) parts.capacity.admit(heldOf(object));
    await parts.space.measure(true);
    return new OpenStore(parts);
  } catch (error) {
    await index.discard();
    directory?.release();
    throw StoreError.from(error, `The cache directory ${options.directory} can't be opened`);
  }
}

type Parts = ReturnType<typeof assemble>;

/** The parts of one store, those first that know of no others. */
function assemble(options: DiskStoreOptions, layout: IndexLayout, directory: CacheDirectory, index: SqliteIndex) {
  const { clock, events = silent, maxAge = null, maxEmpty = 10_000, openFiles = 128 } = options;
  const { bufferMemory = 48 * 1024 * 1024, closedMemory = 32 * 1024 * 1024 } = options;
  const { blockSize, segmentSize } = layout;
  const files = new SegmentFiles(openFiles, clock, options.openCached);
  const directories = new ObjectDirectories(options.openCached);
  const calls = new CallQueue();
  const background = new Background(events);
  const inventory = new Inventory<HeldOnDisk<DiskObject>>();
  const capacity = new Capacity<HeldOnDisk>({ clock, segmentSize, inventory, onFullChange: () => health.tell() });
  const backlog = new Backlog(mostUnwritten);
  const health = new Health({
    clock,
    full: capacity.full,
    backlog,
    recover: () => maintenance.recover(),
    isWanted: () => openContents(inventory).some(({ hasUnwritten }) => hasUnwritten),
    events,
  });
  const kept = { directory, index, inventory, capacity, background, calls };
  const closed = new ClosedObjects(closedMemory);
  const uses = new UseTimes(clock, index);
  const removal = new Removal({ ...kept, files });
  const space = new Space({ ...kept, clock, limits: options, files, health, closed, removal, events });
  const committer = new Committer({
    clock,
    namesEarly: layout.boot !== '',
    roomForRows: segmentSize,
    index,
    health,
    space,
  });
  // Also where it is only asked, and nothing is written.
  index.onFailure = (failure) => health.fail(failure);
  const maintenance = new Maintenance({
    ...kept,
    clock,
    maxAge,
    maxEmpty,
    layout,
    files,
    space,
    removal,
    committer,
    events,
  });
  const onWaited = (outcome: BufferWaitOutcome, duration: number) => events.bufferWaited(outcome, duration);
  const reads = new DiskReads(createBufferPool({ size: blockSize, limit: bufferMemory, clock, onWaited }));
  const slabs = new Slabs();
  const medium: Medium = { layout, clock, reads, backlog, slabs, capacity, health, space, committer, events };
  const trial = new TrialRead({ inventory, index, directory, reads, files });
  return {
    ...kept,
    clock,
    files,
    directories,
    closed,
    uses,
    health,
    removal,
    space,
    committer,
    maintenance,
    medium,
    trial,
  };
}

/** Sixteen hexadecimal digits that were never drawn before; from bytes that Node draws for many at once. */
function newGeneration(): string {
  const id = randomUUID();
  return id.slice(19, 23) + id.slice(24);
}

function heldOf({ segments, ...object }: IndexedObject): HeldOnDisk {
  const used = segments.reduce((latest, segment) => Math.max(latest, segment.used), object.used);
  const held = new HeldOnDisk(object, object.length, object.pinned, used);
  for (const { number, bytes, used: usedAt } of segments) held.segment(number, usedAt).bytes = bytes;
  return held;
}

class OpenStore implements DiskStore {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.maintenance.start();
  }

  describeOwner(fields: Parameters<CacheDirectory['describeOwner']>[0]): Promise<void> {
    return this.#parts.directory.describeOwner(fields);
  }

  pagePassword(): Promise<string> {
    return this.#parts.directory.pagePassword();
  }

  find(name: ObjectName, lost: Lost, signal?: AbortSignal): StoreObject | null | Promise<StoreObject | null> {
    const isInTurn = !this.#parts.calls.has(name) && !signal?.aborted;
    const known = isInTurn ? this.#knownNow(name) : undefined;
    if (known !== undefined) return known && this.#acquire(known, lost);
    const find = async () => {
      const object = await this.#known(name);
      return object === null ? null : this.#acquire(object, lost);
    };
    return this.#parts.calls.run(name, find, signal, (late) => void late?.close());
  }

  findWhole(name: ObjectName): WholeObject | null {
    const { calls, inventory, closed, files } = this.#parts;
    const held = files.opensNow ? inventory.find(name) : undefined;
    const description = held === undefined || calls.has(name) ? null : closed.look(held);
    return held === undefined || description === null ? null : WholeOnDisk.of(held, description, this.#parts);
  }

  create(
    name: ObjectName,
    representation: Representation,
    label: ObjectLabel,
    lost: Lost,
    signal?: AbortSignal,
  ): Promise<StoreObject> {
    const { calls, inventory, removal, clock, capacity, medium, maintenance } = this.#parts;
    const create = async () => {
      const old = inventory.find(name);
      const pinned = old?.pinned ?? false;
      // Nobody waits for this: the new object's own row, once there is one, forgets the old one as well.
      if (old !== undefined) removal.remove(name).catch(() => {});
      const generation = newGeneration();
      const used = clock.wallTime();
      const held = new HeldOnDisk<DiskObject>({ name, generation, label }, representation.length, pinned, used);
      capacity.admit(held);
      const blocks = new BlockIndex(medium.layout, representation.length, []);
      const object = this.#open(held, { representation, blocks });
      object.noteDirty();
      maintenance.noteMade();
      return this.#acquire(object, lost);
    };
    return calls.run(name, create, signal, (late) => void late.close());
  }

  remove(name: ObjectName, signal?: AbortSignal): Promise<void> {
    return this.#parts.calls.run(name, () => this.#parts.removal.remove(name), signal);
  }

  async *list(signal: AbortSignal = never): AsyncGenerator<StoredObject> {
    const { committer, inventory, index } = this.#parts;
    signal.throwIfAborted();
    const open = openContents(inventory).filter(({ held }) => !held.detached);
    await untilAborted(committer.commit(open), signal);
    for await (const object of index.list(signal)) {
      yield { ...object, used: Math.max(object.used, inventory.find(object.name)?.used ?? 0) };
    }
  }

  pin(name: ObjectName, pinned: boolean, signal?: AbortSignal): Promise<boolean> {
    const { calls, inventory, index, health } = this.#parts;
    const pin = async () => {
      const object = inventory.find(name)?.content ?? null;
      await object?.commit();
      const found = await index.pin(name, pinned);
      if (!found && object !== null) throw health.trouble ?? new StoreError('EIO', 'The object has no row.');
      const held = inventory.find(name);
      if (found && held !== undefined) held.pinned = pinned;
      return found;
    };
    return calls.run(name, pin, signal);
  }

  async verify(name: ObjectName, progress: (bytes: number) => void, signal: AbortSignal): Promise<Verified | null> {
    const find = async () => {
      const object = await this.#known(name);
      return object === null ? null : { object, view: this.#acquire(object, () => {}) };
    };
    const found = await this.#parts.calls.run(name, find, signal, (late) => void late?.view.close());
    if (found === null) return null;
    try {
      await found.view.commit(signal);
      return await found.object.verify(progress, signal);
    } finally {
      // Who has left does not wait for this either.
      const closing = found.view.close();
      if (!signal.aborted) await closing;
    }
  }

  usage(): StoreUsage {
    return this.#parts.capacity.usage(this.#parts.health.notStoring);
  }

  tryRead(signal: AbortSignal): Promise<void> {
    return this.#parts.trial.run(signal);
  }

  loans(): StoreLoans {
    const { inventory, medium, files } = this.#parts;
    const { lent: buffers, waiting: starved } = medium.reads.pool;
    return { objects: inventory.users, buffers, starved, descriptors: files.inUse };
  }

  nextToGo(bytes: number): readonly EvictionPreview[] {
    return this.#parts.capacity.evictionPreview(bytes);
  }

  close(signal: AbortSignal = never): Promise<void> {
    return untilAborted(this.#close(), signal);
  }

  async #close(): Promise<void> {
    const { maintenance, committer, background, health, calls, inventory, closed, uses, files, index, directory } =
      this.#parts;
    maintenance.stop();
    committer.stop();
    background.stop();
    await health.close();
    await calls.settled();
    const open = openContents(inventory);
    await committer.commit(open);
    for (const object of open) await this.#leave(object);
    committer.stop();
    closed.clear();
    uses.stop();
    await uses.save();
    await background.settled();
    try {
      await files.close();
      await index.close();
    } finally {
      // Nobody is to be sent to where nobody listens any more.
      await directory.describeOwner({}).catch(background.report);
      directory.release();
    }
  }

  /** The object of that name, opened if need be, or that there is none; `undefined` where the index has to be asked. */
  #knownNow(name: ObjectName): DiskObject | null | undefined {
    const held = this.#parts.inventory.find(name);
    // Who waits for the first byte of a film that was never here does not wait for the index to say so.
    if (held === undefined || held.content !== null) return held?.content ?? null;
    const description = this.#parts.closed.take(held);
    return description === null ? undefined : this.#open(held, description);
  }

  async #known(name: ObjectName): Promise<DiskObject | null> {
    const { inventory, index, medium } = this.#parts;
    const known = this.#knownNow(name);
    if (known !== undefined) return known;
    const row = await index.find(name);
    const held = inventory.find(name);
    if (row === null || held?.generation !== row.generation) return null;
    // What has been evicted since may still have its row.
    const segments = row.segments.filter(({ number }) => held.bySegment.has(number));
    const { representation } = row;
    return this.#open(held, { representation, blocks: new BlockIndex(medium.layout, representation.length, segments) });
  }

  /** Begins to know an object that nobody had open. */
  #open(held: HeldOnDisk<DiskObject>, description: Description): DiskObject {
    const { directory, files, directories, medium } = this.#parts;
    const own = new ObjectDirectory(directory.pathOf(held.key), medium.layout.segmentSize, files, directories);
    held.content = new DiskObject(held, description, own, medium);
    return held.content;
  }

  #acquire(object: DiskObject, lost: Lost): StoreObject {
    const { inventory, clock, capacity } = this.#parts;
    const user = inventory.acquire(object.held, lost);
    object.held.use(clock.wallTime());
    return new OpenObject({ object, user, capacity, release: () => this.#release(object, user) });
  }

  async #release(object: DiskObject, user: User): Promise<void> {
    const { held } = object;
    this.#parts.inventory.release(held, user);
    if (held.users.length > 0) return;
    held.content = null;
    if (object.isSaved && !held.detached) this.#parts.closed.keep(held, object.description);
    await this.#leave(object);
  }

  async #leave(object: DiskObject): Promise<void> {
    const { removal, background, uses } = this.#parts;
    uses.note(object.held);
    await object.leave().catch(background.report);
    if (object.held.detached) await removal.removeLeft(object.held).catch(background.report);
  }
}
