/** A store that does what a failing disk does, from the moment that a test says so. */
import { RangeSet } from '../../src/bytes/range-set.ts';
import type { StoreAdmin, StoreUsage } from '../../src/store/admin.ts';
import { BuffersByOffset } from '../../src/store/buffers-by-offset.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { type Lost, ownedSlice, type Store, StoreError, type StoreObject } from '../../src/store/store.ts';

/** Where it fails; `read` loses what was written before, not what is written again. */
export type Weakness = 'find' | 'create' | 'write throws' | 'write rejects' | 'read' | 'commit' | 'close';

export class FailingStore implements Store, StoreAdmin {
  readonly #inner = createMemoryStore();
  readonly #failing = new Set<Weakness>();
  readonly #code: string;

  constructor(code = 'ENOSPC') {
    this.#code = code;
  }

  /** From now on it fails there. */
  fail(...weaknesses: readonly Weakness[]): void {
    for (const weakness of weaknesses) this.#failing.add(weakness);
  }

  /** All is well again. */
  mend(): void {
    this.#failing.clear();
  }

  async find(name: string, lost: Lost): Promise<StoreObject | null> {
    this.#throwAt('find');
    const object = await this.#inner.find(name, lost);
    return object === null ? null : this.#weak(object, lost);
  }

  async create(...given: Parameters<Store['create']>): Promise<StoreObject> {
    this.#throwAt('create');
    return this.#weak(await this.#inner.create(...given), given[3]);
  }

  remove(name: string): Promise<void> {
    return this.#inner.remove(name);
  }

  list(): ReturnType<Store['list']> {
    return this.#inner.list();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  pin(...given: Parameters<StoreAdmin['pin']>): Promise<boolean> {
    return this.#inner.pin(...given);
  }

  verify(...given: Parameters<StoreAdmin['verify']>): ReturnType<StoreAdmin['verify']> {
    return this.#inner.verify(...given);
  }

  usage(): StoreUsage {
    return this.#inner.usage();
  }

  nextToGo(bytes: number): ReturnType<StoreAdmin['nextToGo']> {
    return this.#inner.nextToGo(bytes);
  }

  #weak(inner: StoreObject, lost: Lost): StoreObject {
    const again = new BuffersByOffset();
    return {
      name: inner.name,
      durable: inner.durable,
      ahead: inner.ahead ?? Number.POSITIVE_INFINITY,
      get representation() {
        return inner.representation;
      },
      write: (offset, bytes) => {
        this.#throwAt('write throws');
        if (this.#failing.has('read')) {
          again.add(offset, bytes);
          return undefined;
        }
        const pressure = inner.write(offset, bytes);
        return this.#failing.has('write rejects') ? Promise.reject(this.#error()) : pressure;
      },
      read: (range, signal) => {
        const bytes = again.from(range.start)?.subarray(0, range.end - range.start);
        if (bytes !== undefined) return ownedSlice(bytes);
        if (!this.#failing.has('read')) return inner.read(range, signal);
        const kept = RangeSet.from(again.ranges());
        lost({ start: range.start, end: Math.min(range.end, kept.nextStart(range.start) ?? range.end) });
        return Promise.reject(this.#error());
      },
      readAhead: (range, signal) => (this.#failing.has('read') ? null : inner.read(range, signal)),
      attend: (playheads) => inner.attend?.(playheads),
      describe: (representation) => inner.describe(representation),
      commit: async () => {
        this.#throwAt('commit');
        await inner.commit();
      },
      close: async () => {
        this.#throwAt('close');
        await inner.close();
      },
    };
  }

  #throwAt(weakness: Weakness): void {
    if (this.#failing.has(weakness)) throw this.#error();
  }

  #error(): StoreError {
    return new StoreError(this.#code, 'The disk takes no more.');
  }
}
