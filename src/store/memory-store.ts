/**
 * A store that forgets everything with the process: for tests on virtual time, and for machines without a disk.
 *
 * It never waits for anything outside itself: every promise settles within the microtasks of the same turn. What it
 * calls durable is what was there at the last commit, byte for byte.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { RangeSet } from '../bytes/range-set.ts';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import type { Representation } from '../http/representation.ts';
import { BuffersByOffset } from './buffers-by-offset.ts';
import {
  type Lost,
  type ObjectLabel,
  type ObjectName,
  type Slice,
  type Store,
  type StoredObject,
  StoreError,
  type StoreObject,
} from './store.ts';
import type { NextToGo, StoreUsage, Upkeep, Verified } from './upkeep.ts';

/** No read gives more than this at once. */
const largestSlice = 256 * 1024;

export interface MemoryStoreOptions {
  clock?: Clock;
}

export function createMemoryStore({ clock = systemClock }: MemoryStoreOptions = {}): Store & Upkeep {
  return new MemoryStore(clock);
}

/** What all who have one object open share. */
class Content {
  readonly label: ObjectLabel;
  representation: Representation;
  durable = new RangeSet();
  pinned = false;
  used: number;
  readonly buffers = new BuffersByOffset();

  constructor(label: ObjectLabel, representation: Representation, used: number) {
    this.label = label;
    this.representation = representation;
    this.used = used;
  }

  commit(): void {
    this.durable = RangeSet.from(this.buffers.ranges());
  }
}

class MemoryStore implements Store, Upkeep {
  readonly #clock: Clock;
  readonly #contents = new Map<ObjectName, Content>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async find(name: ObjectName, _lost: Lost): Promise<StoreObject | null> {
    const content = this.#contents.get(name);
    return content === undefined ? null : new MemoryObject(name, content, this.#clock);
  }

  async create(
    name: ObjectName,
    representation: Representation,
    label: ObjectLabel,
    _lost: Lost,
  ): Promise<StoreObject> {
    const content = new Content(label, representation, this.#clock.wallTime());
    content.pinned = this.#contents.get(name)?.pinned ?? false;
    this.#contents.set(name, content);
    return new MemoryObject(name, content, this.#clock);
  }

  async remove(name: ObjectName): Promise<void> {
    this.#contents.delete(name);
  }

  async *list(): AsyncGenerator<StoredObject> {
    for (const [name, { label, representation, durable, pinned, used }] of [...this.#contents]) {
      yield { name, label, representation, bytes: durable.size, pinned, used };
    }
  }

  async close(): Promise<void> {
    this.#contents.clear();
  }

  async pin(name: ObjectName, pinned: boolean): Promise<boolean> {
    const content = this.#contents.get(name);
    if (content === undefined) return false;
    content.pinned = pinned;
    return true;
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
    let bytes = 0;
    for (const { buffers } of this.#contents.values()) bytes += buffers.size;
    return { bytes, objects: this.#contents.size, limit: null, free: null, trouble: null };
  }

  nextToGo(): readonly NextToGo[] {
    return [];
  }
}

class MemoryObject implements StoreObject {
  readonly name: ObjectName;
  readonly #content: Content;
  readonly #clock: Clock;

  constructor(name: ObjectName, content: Content, clock: Clock) {
    this.name = name;
    this.#content = content;
    this.#clock = clock;
    content.used = clock.wallTime();
  }

  get representation(): Representation {
    return this.#content.representation;
  }

  get durable(): readonly ByteRange[] {
    return [...this.#content.durable];
  }

  write(offset: number, bytes: Buffer): undefined {
    this.#content.buffers.add(offset, bytes);
  }

  read({ start, end }: ByteRange): Slice | Promise<Slice> {
    const bytes = this.#content.buffers.from(start);
    if (bytes === undefined) return Promise.reject(new StoreError('EINVAL', `Byte ${start} is not in memory.`));
    this.#content.used = this.#clock.wallTime();
    return { bytes: bytes.subarray(0, Math.min(end - start, largestSlice)), release() {} };
  }

  attend(_playheads: readonly number[]): void {
    this.#content.used = this.#clock.wallTime();
  }

  describe(representation: Representation): void {
    this.#content.representation = representation;
  }

  async commit(): Promise<void> {
    this.#content.commit();
  }

  close(): Promise<void> {
    return this.commit();
  }
}
