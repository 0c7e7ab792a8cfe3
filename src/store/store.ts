/**
 * PORT: random-access objects that outlive the process. An object holds bytes of exactly one representation.
 *
 * What each call does, by the phase of the object's life. `create` begins it; those who have it open share it.
 *
 *               filling             whole               detached              medium failing        closed by all
 *   find        one user more       one user more       not found             one user more if open opens it, with what
 *                                                                             already, or rejects   was durable
 *   findWhole   null                null                null                  the same              gives it, where it is
 *                                                                                                   whole and compared
 *   create      detaches it         detaches it         -                     the same              detaches it
 *   remove      detaches it         detaches it         -                     files first, or       removes it
 *                                                                             rejects
 *   write       takes the bytes     nothing is missing  takes the bytes       throws                -
 *   read        as long as present  the same            the same              what is in memory;    -
 *                                                                             else tries
 *   describe    replaces            replaces            nobody will see it    saved when well       -
 *   commit      makes durable       makes durable       nothing               nothing               -
 *   close       commits             commits             the last one removes  what is only in       -
 *                                                       its bytes             memory is lost
 *   pin         keeps from eviction the same            not found             rejects               the same
 *   eviction    any but what is     any                 never                 never                 any
 *               being written
 *
 * And what becomes of a byte: it is readable from the moment when it is accepted.
 *
 *               accepted            written, early      durable               lost
 *   is read     from memory         from its file       from its file, its    not: everybody who has the object open
 *                                                       checksum compared     has been told before, and may write it
 *                                                       once a start          again
 *   a kill      loses it            keeps it once a     keeps it
 *                                   row names it
 *   a power cut loses it            loses it            keeps it
 *
 * Every call that waits takes a signal. When it aborts, the call rejects with the signal's reason, and whatever it had
 * taken is given back: an object that comes too late is closed again. What has begun on the medium may go on to its end.
 * (`read` says in a `StoreError` what was waited for, with that reason as its cause.) Whoever waits after a `write` holds
 * nothing, and may leave at any time.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Representation } from '../http/representation.ts';

/** The most that one read gives, in bytes: a block of the disk store, so that whoever reads in such units reads block by block. */
export const mostRead = 256 * 1024;

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
   * The newest object of that name, or `null`: at once where that is known in memory. Everything in its `durable` ranges
   * can be read, until `lost` is told otherwise. Rejects with a `StoreError` where the medium can't tell.
   */
  find(name: ObjectName, lost: Lost, signal?: AbortSignal): StoreObject | null | Promise<StoreObject | null>;
  /**
   * An object that is stored whole and that nobody has open, where all that matters is known in memory; else `null`. A
   * store without files has no need of it.
   */
  findWhole?(name: ObjectName): WholeObject | null;
  /** A new, empty object, which replaces one of the same name for later calls of `find`. */
  create(
    name: ObjectName,
    representation: Representation,
    label: ObjectLabel,
    lost: Lost,
    signal?: AbortSignal,
  ): Promise<StoreObject>;
  /** Forgets the object; those who have it open can read on until they close it. */
  remove(name: ObjectName, signal?: AbortSignal): Promise<void>;
  /** Every object that `find` would find, in no particular order. */
  list(signal?: AbortSignal): AsyncIterable<StoredObject>;
  /** Commits everything and lets go of the directory, also where nobody waits for it any more. */
  close(signal?: AbortSignal): Promise<void>;
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

export interface StoreObject extends Partial<EvictionHints>, Partial<Bookmark> {
  readonly name: ObjectName;
  readonly representation: Representation;
  /** What is durable now, and can be read: sorted, disjoint, not adjacent. */
  readonly durable: readonly ByteRange[];
  /** Whether `write` copies what it keeps; absent: it keeps the buffer. */
  readonly copies?: boolean;
  /**
   * Takes `bytes` at `offset`; they are readable on return. Never called twice for the same byte, unless it was lost
   * between. The buffer is the object's from then on, unless it `copies`. A promise means "enough for now": wait for it before the next write. It
   * rejects with a `StoreError` when the medium failed; every later write throws one and takes nothing.
   */
  write(offset: number, bytes: Buffer): Promise<void> | undefined;
  /**
   * The first bytes of `range`: at least one, and as many as are cheap to give at once (at most `mostRead`). Every
   * byte of `range` must be present. Rejects with a `StoreError` where they can no longer be read, for instance
   * because their checksum is wrong; `lost` has been told before. As soon as `signal` aborts it rejects with one that
   * says what was waited for: `ENOBUFS`, memory to read into, or `ETIMEDOUT`, the medium. Where many read, those go
   * before the others who have had none of what they want yet (`isFirst`).
   */
  read(range: ByteRange, signal: AbortSignal, isFirst?: boolean): Slice | Promise<Slice>;
  /**
   * The same for who does not need them yet: `null` where others may need the memory for it more. A store that lends no
   * memory has no need of it.
   */
  readAhead?(range: ByteRange, signal: AbortSignal): Slice | Promise<Slice> | null;
  /**
   * Calls `use` before it returns, with a part of a file that holds the first bytes of `range`, and returns what it
   * returns: how many of these bytes were used. The content of all of them has been compared with what was written, but
   * they may still be on the medium. `null` where no such file is open: `read` opens it. The part is valid only during
   * the call. A store without files has no need of it.
   */
  useFile?(range: ByteRange, use: (part: FilePart) => number): number | null;
  /** Replaces the description: same bytes, fresher fields (RFC 9111 §3.2), or a length known at last. */
  describe(representation: Representation): void;
  /** Resolves when everything that can be durable is; the failure of a medium is told by `write`. */
  commit(signal?: AbortSignal): Promise<void>;
  /** Commits and lets go, also where nobody waits for it any more; no other call may follow. */
  close(signal?: AbortSignal): Promise<void>;
}

/** What can be had of a whole object without opening it. */
export interface WholeObject {
  readonly representation: Representation;
  /** That of `StoreObject`; `null` as well where the object has gone, or has been opened. */
  useFile(range: ByteRange, use: (part: FilePart) => number): number | null;
}

/** Bytes as they lie in a file that is open. */
export interface FilePart {
  readonly descriptor: number;
  readonly offset: number;
  readonly length: number;
}

/** What a store that evicts would like to know of an object, and tells of its room; another has no need of it. */
export interface EvictionHints {
  /** How far past a playhead bytes can be kept now without pushing out what others need; `Infinity` for any way. */
  readonly ahead: number;
  /** Where it is read now: what lies at and after these offsets is kept longest; none: nobody reads it. */
  attend(playheads: readonly number[]): void;
}

/** Where somebody left an object last; a store that keeps none has no need of it. */
export interface Bookmark {
  /** As an offset; `null` where nobody did. */
  readonly place: number | null;
  /** Replaces it; made durable with what is written next, or in a moment. */
  leaveAt(place: number): void;
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
   * with whoever has it. Nobody else gets it, unless `release` follows. Harmless when repeated. Absent where the memory
   * is nobody else's anyway.
   */
  cede?(): void;
}

/** A read was given up, because the disk had other reads to end, or did not end this one. */
export function gaveNothing(cause: unknown): StoreError {
  return new StoreError('ETIMEDOUT', 'The disk gave nothing.', cause);
}

/** Bytes whose memory is nobody's to give back. */
export function ownedSlice(bytes: Buffer): Slice {
  return { bytes, release() {} };
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

  /** Whether there is no room, or none for this user. */
  get isFull(): boolean {
    return this.code === 'ENOSPC' || this.code === 'EDQUOT';
  }

  /** What the system says, as a `StoreError`; `what` says in a few words what could not be done. */
  static from(cause: unknown, what: string): StoreError {
    if (cause instanceof StoreError) return cause;
    const { code = 'EIO', message } = cause as NodeJS.ErrnoException;
    return new StoreError(code, `${what}: ${message}`, cause);
  }
}
