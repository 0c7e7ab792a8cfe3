/**
 * A store that forgets everything with the process: for tests on virtual time, and for machines without a disk.
 *
 * It never waits for anything outside itself: every promise settles within the microtasks of the same turn. What it
 * calls durable is what was there at the last commit, byte for byte. Room is made as on a disk, in segments.
 */
import { randomUUID } from 'node:crypto';
import { totalmem } from 'node:os';
import type { ByteRange } from '../bytes/byte-range.ts';
import { RangeSet } from '../bytes/range-set.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { EvictionReason } from '../events.ts';
import type { Representation } from '../http/representation.ts';
import type { NextToGo, StoreLoans, StoreUsage, Upkeep, Verified } from './admin.ts';
import { BuffersByOffset } from './buffers-by-offset.ts';
import { Room } from './capacity.ts';
import { Holding } from './holding.ts';
import { inBytes, type StoreLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import {
  type Lost,
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

/** No read gives more than this at once. */
const largestSlice = 256 * 1024;

/** A share of `maxSize` is one of the machine's memory. */
export interface MemoryStoreOptions extends Pick<StoreLimits, 'maxSize'> {
  clock?: Clock;
  /** What is evicted at once, in bytes. */
  segmentSize?: number;
  events?: Pick<StoreEvents, 'evicted' | 'stateChanged'>;
}

export function createMemoryStore(options: MemoryStoreOptions = {}): Store & Upkeep {
  return new MemoryStore(options);
}

/** What all who have one object open share. */
class Content {
  readonly holding: Holding;
  representation: Representation;
  durable = new RangeSet();
  readonly buffers = new BuffersByOffset();
  readonly users = new Map<symbol, { readonly lost: Lost; playheads: readonly number[] }>();

  constructor(holding: Holding, representation: Representation) {
    this.holding = holding;
    this.representation = representation;
  }

  commit(): void {
    this.durable = RangeSet.from(this.buffers.ranges());
  }

  evict(range: ByteRange): void {
    const gone = this.buffers.deleteIn(range);
    this.durable.remove(range);
    for (const { lost } of this.users.values()) for (const each of gone) lost(each);
  }
}

class MemoryStore implements Store, Upkeep {
  readonly #clock: Clock;
  readonly #segmentSize: number;
  readonly #events: MemoryStoreOptions['events'];
  readonly #contents = new Map<ObjectName, Content>();
  /** Also those that can't be found any more, while somebody has them open. */
  readonly #byHolding = new Map<Holding, Content>();
  readonly #room: Room;
  readonly #refusal: Refusal;

  constructor({ clock = systemClock, segmentSize = 16 * 1024 * 1024, maxSize, events }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#segmentSize = segmentSize;
    this.#events = events;
    this.#room = new Room({ clock, segmentSize, evict: (...gone) => this.#evict(...gone) });
    this.#room.limit = inBytes(maxSize, totalmem(), Number.POSITIVE_INFINITY);
    this.#refusal = new Refusal(clock, () => events?.stateChanged(this.#refusal.current));
  }

  async find(name: ObjectName, lost: Lost): Promise<StoreObject | null> {
    const content = this.#contents.get(name);
    return content === undefined ? null : this.#lend(content, lost);
  }

  async create(name: ObjectName, representation: Representation, label: ObjectLabel, lost: Lost): Promise<StoreObject> {
    const pinned = this.#contents.get(name)?.holding.pinned ?? false;
    await this.remove(name);
    const holding = new Holding(
      { name, generation: randomUUID(), label },
      representation.length,
      pinned,
      this.#clock.wallTime(),
    );
    const content = new Content(holding, representation);
    this.#contents.set(name, content);
    this.#byHolding.set(holding, content);
    this.#room.admit(holding);
    return this.#lend(content, lost);
  }

  async remove(name: ObjectName): Promise<void> {
    const content = this.#contents.get(name);
    if (content === undefined) return;
    this.#contents.delete(name);
    content.holding.forgotten = true;
    this.#dismissIfLeft(content);
  }

  async *list(): AsyncGenerator<StoredObject> {
    for (const [name, { holding, representation, durable }] of [...this.#contents]) {
      const { label, pinned, used } = holding;
      yield { name, label, representation, bytes: durable.size, pinned, used };
    }
  }

  async close(): Promise<void> {
    this.#refusal.stop();
    this.#contents.clear();
  }

  async pin(name: ObjectName, pinned: boolean): Promise<boolean> {
    const content = this.#contents.get(name);
    if (content !== undefined) content.holding.pinned = pinned;
    return content !== undefined;
  }

  /** Memory is believed. */
  async verify(name: ObjectName, progress: (bytes: number) => void, signal: AbortSignal): Promise<Verified | null> {
    signal.throwIfAborted();
    const content = this.#contents.get(name);
    if (content === undefined) return null;
    content.commit();
    progress(content.durable.size);
    return { checked: content.durable.size, bad: [] };
  }

  usage(): StoreUsage {
    const { bytes, limit } = this.#room;
    const refused = this.#refusal.current;
    return {
      bytes,
      objects: this.#contents.size,
      limit: Number.isFinite(limit) ? limit : null,
      free: null,
      trouble: refused === null ? null : { code: refused.code, message: refused.message },
    };
  }

  nextToGo(bytes: number): readonly NextToGo[] {
    return this.#room.nextToGo(bytes);
  }

  loans(): StoreLoans {
    const objects = [...this.#byHolding.values()].reduce((sum, { users }) => sum + users.size, 0);
    return { objects, buffers: 0, starved: 0, descriptors: 0 };
  }

  #lend(content: Content, lost: Lost): StoreObject {
    const user = Symbol('user');
    content.users.set(user, { lost, playheads: [] });
    content.holding.used = this.#clock.wallTime();
    return new MemoryObject(content, this.#room, {
      watch: (offset) => content.holding.watch(Math.floor(offset / this.#segmentSize), this.#clock.wallTime()),
      write: (offset, bytes) => this.#write(content, offset, bytes),
      attend: (playheads) => {
        if (!content.users.has(user)) return;
        content.users.set(user, { lost, playheads });
        this.#attend(content);
      },
      close: () => {
        content.users.delete(user);
        this.#attend(content);
        if (content.holding.forgotten) this.#dismissIfLeft(content);
      },
    });
  }

  #attend({ holding, users }: Content): void {
    this.#room.attend(
      holding,
      [...users.values()].flatMap(({ playheads }) => playheads),
    );
  }

  #write({ holding, buffers }: Content, offset: number, bytes: Buffer): void {
    if (!this.#room.reserve(holding, offset, offset + bytes.length)) throw this.#refusal.refuse('size');
    for (let taken = 0; taken < bytes.length; ) {
      const start = offset + taken;
      const count = Math.min(bytes.length - taken, this.#segmentSize - (start % this.#segmentSize));
      buffers.add(start, bytes.subarray(taken, taken + count));
      this.#room.landed(holding, start, start + count);
      taken += count;
    }
  }

  #evict(holding: Holding, segment: number, bytes: number, reason: EvictionReason): void {
    const content = this.#byHolding.get(holding);
    content?.evict({ start: segment * this.#segmentSize, end: (segment + 1) * this.#segmentSize });
    this.#events?.evicted(reason, holding.label, bytes);
    if (content?.users.size === 0 && content.buffers.size === 0) void this.remove(holding.name);
  }

  #dismissIfLeft({ holding, users }: Content): void {
    if (users.size > 0) return;
    this.#byHolding.delete(holding);
    this.#room.dismiss(holding);
  }
}

/** What an object asks of its store. */
interface ObjectCalls {
  readonly watch: (offset: number) => void;
  readonly write: (offset: number, bytes: Buffer) => void;
  readonly attend: (playheads: readonly number[]) => void;
  readonly close: () => void;
}

class MemoryObject implements StoreObject {
  readonly attend: (playheads: readonly number[]) => void;
  readonly #content: Content;
  readonly #room: Room;
  readonly #calls: ObjectCalls;

  constructor(content: Content, room: Room, calls: ObjectCalls) {
    this.#content = content;
    this.#room = room;
    this.#calls = calls;
    this.attend = calls.attend;
  }

  get name(): ObjectName {
    return this.#content.holding.name;
  }

  get representation(): Representation {
    return this.#content.representation;
  }

  get durable(): readonly ByteRange[] {
    return [...this.#content.durable];
  }

  get ahead(): number {
    return this.#room.ahead;
  }

  write(offset: number, bytes: Buffer): undefined {
    this.#calls.write(offset, bytes);
  }

  read({ start, end }: ByteRange): Slice | Promise<Slice> {
    const bytes = this.#content.buffers.from(start);
    if (bytes === undefined) return Promise.reject(new StoreError('EINVAL', `Byte ${start} is not in memory.`));
    this.#calls.watch(start);
    return ownedSlice(bytes.subarray(0, Math.min(end - start, largestSlice)));
  }

  readAhead(range: ByteRange): Slice | Promise<Slice> {
    return this.read(range);
  }

  describe(representation: Representation): void {
    this.#content.representation = representation;
    this.#content.holding.length = representation.length;
  }

  async commit(): Promise<void> {
    this.#content.commit();
  }

  async close(): Promise<void> {
    this.#content.commit();
    this.#calls.close();
  }
}
