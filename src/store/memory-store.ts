/**
 * A store that forgets everything with the process: for tests on virtual time, and for machines without a disk.
 *
 * It never waits for anything outside itself: every promise settles within the microtasks of the same turn. What it
 * calls durable is what was there at the last commit, byte for byte.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Representation } from '../http/representation.ts';
import { BuffersByOffset } from './buffers-by-offset.ts';
import { type ObjectName, type Slice, type Store, type StoredObject, StoreError, type StoreObject } from './store.ts';

/** No read gives more than this at once. */
const largestSlice = 256 * 1024;

export function createMemoryStore(): Store {
  return new MemoryStore();
}

/** What all who have one object open share. */
interface Content {
  representation: Representation;
  durable: ByteRange[];
  readonly buffers: BuffersByOffset;
}

class MemoryStore implements Store {
  readonly #contents = new Map<ObjectName, Content>();

  async find(name: ObjectName): Promise<StoreObject | null> {
    const content = this.#contents.get(name);
    return content === undefined ? null : new MemoryObject(name, content);
  }

  async create(name: ObjectName, representation: Representation): Promise<StoreObject> {
    const content: Content = { representation, durable: [], buffers: new BuffersByOffset() };
    this.#contents.set(name, content);
    return new MemoryObject(name, content);
  }

  async remove(name: ObjectName): Promise<void> {
    this.#contents.delete(name);
  }

  async *list(): AsyncGenerator<StoredObject> {
    for (const [name, { representation, durable }] of [...this.#contents]) {
      const bytes = durable.reduce((sum, { start, end }) => sum + end - start, 0);
      yield { name, representation, bytes };
    }
  }

  async close(): Promise<void> {
    this.#contents.clear();
  }
}

class MemoryObject implements StoreObject {
  readonly name: ObjectName;
  readonly durable: readonly ByteRange[];
  readonly #content: Content;

  constructor(name: ObjectName, content: Content) {
    this.name = name;
    this.durable = content.durable;
    this.#content = content;
  }

  get representation(): Representation {
    return this.#content.representation;
  }

  write(offset: number, bytes: Buffer): undefined {
    this.#content.buffers.add(offset, bytes);
  }

  read({ start, end }: ByteRange): Slice | Promise<Slice> {
    const bytes = this.#content.buffers.from(start);
    if (bytes === undefined) return Promise.reject(new StoreError('EINVAL', `Byte ${start} is not in memory.`));
    return { bytes: bytes.subarray(0, Math.min(end - start, largestSlice)), release() {} };
  }

  describe(representation: Representation): void {
    this.#content.representation = representation;
  }

  async commit(): Promise<void> {
    this.#content.durable = this.#content.buffers.ranges();
  }

  close(): Promise<void> {
    return this.commit();
  }
}
