/**
 * PORT: random-access objects that outlive the process.
 *
 * An object holds bytes of exactly one representation. It lives like this: `create` (empty) or `find` (with what
 * was durable) → `write` and `read` in any order → `commit` → `close`. A write is readable as soon as it is
 * accepted, from memory until it is on disk; only what was committed is found again after a restart.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Representation } from '../http/representation.ts';

/** The name of an object: lower-case hexadecimal SHA-256 of its cache key. */
export type ObjectName = string;

/** What an object is called by people: the path is one that may be shown, never a query or a credential. */
export interface ObjectLabel {
  readonly origin: string;
  readonly path: string;
  /**
   * Whether a client's own fields were sent to have it, so that it is for nobody else; absent where that is not known,
   * because an earlier version stored it.
   */
  readonly private?: boolean;
}

/**
 * Called, synchronously, before bytes that were present can no longer be read (evicted, found corrupt, dropped by
 * verify). They may be written again at once. Must not throw.
 */
export type Lost = (range: ByteRange) => void;

export interface Store {
  /**
   * The newest object of that name, or `null`. Everything in its `durable` ranges can be read, until `lost` is told
   * otherwise. Rejects with a `StoreError` where the medium can't tell.
   */
  find(name: ObjectName, lost: Lost): Promise<StoreObject | null>;
  /** A new, empty object, which replaces one of the same name for later calls of `find`. */
  create(name: ObjectName, representation: Representation, label: ObjectLabel, lost: Lost): Promise<StoreObject>;
  /** Forgets the object; those who have it open can read on until they close it. */
  remove(name: ObjectName): Promise<void>;
  /** Every object that `find` would find, in no particular order. */
  list(): AsyncIterable<StoredObject>;
  /** Commits everything and lets go of the directory. */
  close(): Promise<void>;
}

export interface StoredObject {
  readonly name: ObjectName;
  readonly label: ObjectLabel;
  readonly representation: Representation;
  /** Bytes that are durable. */
  readonly bytes: number;
  /** Whether it is kept from eviction. */
  readonly pinned: boolean;
  /** Wall-clock milliseconds of the last use. */
  readonly used: number;
}

export interface StoreObject {
  readonly name: ObjectName;
  readonly representation: Representation;
  /** What is durable now, and can be read: sorted, disjoint, not adjacent. */
  readonly durable: readonly ByteRange[];
  /**
   * Takes `bytes` at `offset`; they are readable on return. Never called twice for the same byte, unless it was lost
   * between. The object keeps the buffer. A promise means "enough for now": wait for it before the next write. It
   * rejects with a `StoreError` when the medium failed; every later write throws one and takes nothing.
   */
  write(offset: number, bytes: Buffer): Promise<void> | undefined;
  /**
   * The first bytes of `range`: at least one, and as many as are cheap to give at once (at most 256 KiB). Every
   * byte of `range` must be present. Rejects with a `StoreError` where they can no longer be read, for instance
   * because their checksum is wrong; `lost` has been told before. As soon as `signal` aborts it rejects with one that
   * says what was waited for: `ENOBUFS`, memory to read into, or `ETIMEDOUT`, the medium. Where many read, those go
   * before the others who have had none of what they want yet (`isFirst`).
   */
  read(range: ByteRange, signal: AbortSignal, isFirst?: boolean): Slice | Promise<Slice>;
  /** The same for who does not need them yet: `null` where others may need the memory for it more. */
  readAhead(range: ByteRange, signal: AbortSignal): Slice | Promise<Slice> | null;
  /** How far past a playhead bytes can be kept now without pushing out what others need; `Infinity` for any way. */
  readonly ahead: number;
  /** Where it is read now: what lies at and after these offsets is kept longest; none: nobody reads it. */
  attend(playheads: readonly number[]): void;
  /** Replaces the description: same bytes, fresher fields (RFC 9111 §3.2), or a length known at last. */
  describe(representation: Representation): void;
  /** Resolves when everything that can be durable is; the failure of a medium is told by `write`. */
  commit(): Promise<void>;
  /** Commits and lets go; no other call may follow. */
  close(): Promise<void>;
}

/**
 * Bytes lent to one reader, who gives their memory back in the same function, on every way out: `release` where nobody
 * looks at them any more, else `cede`.
 */
export interface Slice {
  readonly bytes: Buffer;
  /** Nobody looks at `bytes` any more: others may be given their memory. Harmless when repeated. */
  release(): void;
  /**
   * Somebody may look at `bytes` for who knows how long, as a socket does that does not take them: their memory is left
   * with whoever has it. Nobody else gets it, unless `release` follows. Harmless when repeated.
   */
  cede(): void;
}

/** A read was given up, because the disk had other reads to end, or did not end this one. */
export function gaveNothing(cause: unknown): StoreError {
  return new StoreError('ETIMEDOUT', 'The disk gave nothing.', cause);
}

/** Bytes whose memory is nobody's to give back. */
export function ownedSlice(bytes: Buffer): Slice {
  return { bytes, release() {}, cede() {} };
}

/** The medium failed: full, read-only, broken, or its content is not what was written. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** The system's code (`ENOSPC`, `EIO`, …), `CORRUPT` where a checksum is wrong, `ENOBUFS` where memory was waited for. */
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** What the system says, as a `StoreError`; `what` says in a few words what could not be done. */
  static from(cause: unknown, what: string): StoreError {
    if (cause instanceof StoreError) return cause;
    const { code = 'EIO', message } = cause as NodeJS.ErrnoException;
    return new StoreError(code, `${what}: ${message}`, cause);
  }
}
