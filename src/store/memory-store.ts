/**
 * A store that forgets everything with the process: for tests on virtual time, and for machines without a disk.
 *
 * It never waits for anything outside itself: every promise settles within the microtasks of the same turn. Durable is
 * what was there at the last commit, byte for byte. It evicts in segments, as the disk store does.
 */
import { randomUUID } from 'node:crypto';
import { totalmem } from 'node:os';
import { type ByteRange, splitAt } from '../bytes/byte-range.ts';
import { RangeSet } from '../bytes/range-set.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Representation } from '../http/representation.ts';
import type { EvictionPreview, StoreAdmin, StoreLoans, StoreUsage, Verified } from './admin.ts';
import { BuffersByOffset } from './buffers-by-offset.ts';
import { Capacity, type Eviction, inBytes, type StoreLimits } from './capacity.ts';
import { HeldObject, type Identity, Inventory } from './inventory.ts';
import { OpenObject, type SharedObject } from './open-object.ts';
import {
  type Lost,
  mostRead,
  type ObjectLabel,
  type ObjectName,
  ownedSlice,
  type Slice,
  type Store,
  type StoredObject,
  StoreError,
  type StoreObject,
} from './store.ts';
import type { StoreEvents } from './store-events.ts';

/** A share of `maxSize` is one of the machine's memory. */
export interface MemoryStoreOptions extends Pick<StoreLimits, 'maxSize'> {
  clock?: Clock;
  /** What is evicted at once, in bytes. */
  segmentSize?: number;
  events?: Pick<StoreEvents, 'evicted' | 'stateChanged'>;
}

export function createMemoryStore(options: MemoryStoreOptions = {}): Store & StoreAdmin {
  return new MemoryStore(options);
}

/** One object with its bytes. */
class HeldInMemory extends HeldObject implements SharedObject {
  representation: Representation;
  /** What was there at the last commit. */
  committed = new RangeSet();
  readonly buffers = new BuffersByOffset();
  readonly #store: MemoryStore;

  constructor(store: MemoryStore, identity: Identity, representation: Representation, pinned: boolean, used: number) {
    super(identity, representation.length, pinned, used);
    this.#store = store;
    this.representation = representation;
  }

  get held(): this {
    return this;
  }

  get durable(): readonly ByteRange[] {
    return [...this.committed];
  }

  write(offset: number, bytes: Buffer): undefined {
    this.#store.write(this, offset, bytes);
  }

  read({ start, end }: ByteRange): Slice | Promise<Slice> {
    const bytes = this.buffers.from(start);
    if (bytes === undefined) return Promise.reject(new StoreError('EINVAL', `Byte ${start} is not in memory.`));
    this.#store.watch(this, start);
    return ownedSlice(bytes.subarray(0, Math.min(end - start, mostRead)));
  }

  readAhead(range: ByteRange): Slice | Promise<Slice> {
    return this.read(range);
  }

  describe(representation: Representation): void {
    this.representation = representation;
    this.length = representation.length;
  }

  async commit(): Promise<void> {
    this.committed = RangeSet.from(this.buffers.ranges());
  }
}

class MemoryStore implements Store, StoreAdmin {
  readonly #clock: Clock;
  readonly #segmentSize: number;
  readonly #events: MemoryStoreOptions['events'];
  readonly #inventory = new Inventory<HeldInMemory>();
  readonly #capacity: Capacity<HeldInMemory>;

  constructor({ clock = systemClock, segmentSize = 16 * 1024 * 1024, maxSize, events }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#segmentSize = segmentSize;
    this.#events = events;
    const onFullChange = () => events?.stateChanged(this.#capacity.full.current);
    this.#capacity = new Capacity({ clock, segmentSize, inventory: this.#inventory, onFullChange });
    this.#capacity.limit = inBytes(maxSize, totalmem(), Number.POSITIVE_INFINITY);
  }

  find(name: ObjectName, lost: Lost, signal?: AbortSignal): StoreObject | null | Promise<never> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const held = this.#inventory.find(name);
    return held === undefined ? null : this.#acquire(held, lost);
  }

  async create(
    name: ObjectName,
    representation: Representation,
    label: ObjectLabel,
    lost: Lost,
    signal?: AbortSignal,
  ): Promise<StoreObject> {
    signal?.throwIfAborted();
    const pinned = this.#inventory.find(name)?.pinned ?? false;
    await this.remove(name);
    const identity = { name, generation: randomUUID(), label };
    const held = new HeldInMemory(this, identity, representation, pinned, this.#clock.wallTime());
    this.#capacity.admit(held);
    return this.#acquire(held, lost);
  }

  async remove(name: ObjectName, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const held = this.#inventory.find(name);
    if (held !== undefined) this.#detach(held);
  }

  async *list(signal?: AbortSignal): AsyncGenerator<StoredObject> {
    signal?.throwIfAborted();
    for (const { name, label, representation, committed, pinned, used, detached } of this.#inventory.all()) {
      if (!detached) yield { name, label, representation, bytes: committed.size, pinned, used };
    }
  }

  async close(): Promise<void> {
    this.#capacity.full.stop();
    for (const held of this.#inventory.all()) this.#inventory.detach(held);
  }

  async pin(name: ObjectName, pinned: boolean, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    const held = this.#inventory.find(name);
    if (held !== undefined) held.pinned = pinned;
    return held !== undefined;
  }

  /** Nothing is compared: memory holds what was written to it. */
  async verify(name: ObjectName, progress: (bytes: number) => void, signal: AbortSignal): Promise<Verified | null> {
    signal.throwIfAborted();
    const held = this.#inventory.find(name);
    if (held === undefined) return null;
    await held.commit();
    progress(held.committed.size);
    return { checked: held.committed.size, bad: [] };
  }

  usage(): StoreUsage {
    return this.#capacity.usage(this.#capacity.full.current);
  }

  nextToGo(bytes: number): readonly EvictionPreview[] {
    return this.#capacity.evictionPreview(bytes);
  }

  loans(): StoreLoans {
    return { objects: this.#inventory.users, buffers: 0, starved: 0, descriptors: 0 };
  }

  /** Takes bytes in; throws a `StoreError` where there is no room for them. */
  write(held: HeldInMemory, offset: number, bytes: Buffer): void {
    const { refused, evictions } = this.#capacity.reserve(held, offset, offset + bytes.length);
    for (const eviction of evictions) this.#evictSoon(eviction);
    if (refused !== null) throw refused;
    for (const { start, end } of splitAt({ start: offset, end: offset + bytes.length }, this.#segmentSize)) {
      held.buffers.add(start, bytes.subarray(start - offset, end - offset));
      this.#capacity.received(held, start, end);
    }
  }

  watch(held: HeldInMemory, offset: number): void {
    held.watch(Math.floor(offset / this.#segmentSize), this.#clock);
  }

  #acquire(held: HeldInMemory, lost: Lost): StoreObject {
    held.use(this.#clock.wallTime());
    const user = this.#inventory.acquire(held, lost);
    const release = async () => {
      this.#inventory.release(held, user);
      if (held.detached) this.#dismissIfLeft(held);
    };
    return new OpenObject({ object: held, user, capacity: this.#capacity, release });
  }

  /** After the write that needs the room: `lost` runs other fills. */
  #evictSoon({ held, segment, bytes, reason }: Eviction<HeldInMemory>): void {
    const range = { start: segment * this.#segmentSize, end: (segment + 1) * this.#segmentSize };
    // What is written from now on stays.
    const gone = held.buffers.rangesIn(range);
    queueMicrotask(() => {
      held.lose(gone);
      for (const each of gone) {
        held.buffers.deleteIn(each);
        held.committed.remove(each);
      }
      this.#events?.evicted(reason, held.label, bytes);
      if (held.users.length === 0 && held.buffers.size === 0) this.#detach(held);
    });
  }

  #detach(held: HeldInMemory): void {
    this.#inventory.detach(held);
    this.#dismissIfLeft(held);
  }

  #dismissIfLeft(held: HeldInMemory): void {
    if (held.users.length === 0) this.#capacity.dismiss(held);
  }
}
