/**
 * PORT: what an operator does with what is stored, and asks of it.
 *
 * A store that an operator can look after is a `Store` and this, over the same objects.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { ObjectLabel, ObjectName } from './store.ts';

export interface StoreAdmin {
  /**
   * Keeps an object from eviction, or lets it go; resolves when that survives a power cut. `false`: there is no such
   * object. Rejects with a `StoreError` where the medium can't promise it.
   */
  pin(name: ObjectName, pinned: boolean, signal?: AbortSignal): Promise<boolean>;
  /**
   * Reads every durable block again and compares checksums; a bad block is dropped alone. `progress` is told how many
   * bytes were read since it was last told. `null`: no such object. Rejects with the signal's reason.
   */
  verify(name: ObjectName, progress: (bytes: number) => void, signal: AbortSignal): Promise<Verified | null>;
  /** What the store holds and may hold, in real bytes on the medium. */
  usage(): StoreUsage;
  /** What would be evicted next, in order, until `bytes` were free. */
  nextToGo(bytes: number): readonly EvictionPreview[];
  /**
   * Reads something of what is stored, as a reply would; a store where that can't fail has no need of it. Rejects with a
   * `StoreError`: `ENOBUFS` or `ETIMEDOUT` where `signal` aborts (see `StoreObject.read`), or what the medium says.
   */
  tryRead?(signal: AbortSignal): Promise<void>;
  /** What it has lent now; a store that does not count it is taken to have lent nothing. */
  loans?(): StoreLoans;
}

export interface StoreLoans {
  /** Times that somebody has an object open. */
  readonly objects: number;
  /** Buffers for reading. */
  readonly buffers: number;
  /** Reads that wait for one. */
  readonly starved: number;
  /** Reads and writes of its files that are under way. */
  readonly descriptors: number;
}

export interface Verified {
  /** In bytes. */
  readonly checked: number;
  /** What was dropped: sorted. */
  readonly bad: readonly ByteRange[];
}

export interface StoreUsage {
  readonly bytes: number;
  readonly objects: number;
  /** How many bytes it may hold; `null` for any number. */
  readonly limit: number | null;
  /** Free on the file system; `null` where there is none, or while it is not known. */
  readonly free: number | null;
  /** Why nothing is stored now. */
  readonly trouble: StoreTrouble | null;
}

export interface StoreTrouble {
  readonly code: string;
  readonly message: string;
}

/** How much of one object would go. */
export interface EvictionPreview {
  readonly name: ObjectName;
  readonly label: ObjectLabel;
  readonly bytes: number;
}
