/**
 * A store of your own: films in a `Map`, as they could be in a database or an object store. `firstbyte/testing` has the
 * tests that every store must pass; this one passes them.
 *
 *     node own-store.ts https://media.example/films/holiday.mkv
 */
import {
  type ByteRange,
  createFirstbyte,
  type ObjectLabel,
  type ObjectName,
  type Representation,
  type Slice,
  type Store,
  type StoreAdmin,
  type StoredObject,
  StoreError,
  type StoreObject,
} from 'firstbyte';

/** One read gives no more than this, in bytes. */
const mostRead = 256 * 1024;

interface Piece extends ByteRange {
  readonly bytes: Buffer;
}

/** What all who have an object open share. */
interface Kept {
  readonly label: ObjectLabel;
  representation: Representation;
  /** In the order of their offsets. */
  readonly pieces: Piece[];
  /** What was there at the last commit. */
  durable: readonly ByteRange[];
  pinned: boolean;
  used: number;
}

class KeptObject implements StoreObject {
  readonly name: ObjectName;
  readonly #kept: Kept;

  constructor(name: ObjectName, kept: Kept) {
    this.name = name;
    this.#kept = kept;
  }

  get representation(): Representation {
    return this.#kept.representation;
  }

  get durable(): readonly ByteRange[] {
    return this.#kept.durable;
  }

  write(offset: number, bytes: Buffer): undefined {
    if (bytes.length === 0) return;
    const { pieces } = this.#kept;
    const after = pieces.findIndex(({ start }) => start > offset);
    pieces.splice(after === -1 ? pieces.length : after, 0, { start: offset, end: offset + bytes.length, bytes });
  }

  read({ start, end }: ByteRange): Slice | Promise<Slice> {
    const piece = this.#kept.pieces.find((each) => each.start <= start && start < each.end);
    if (piece === undefined) return Promise.reject(new StoreError('EINVAL', `Byte ${start} is not here.`));
    const bytes = piece.bytes.subarray(start - piece.start, Math.min(end, piece.end, start + mostRead) - piece.start);
    return { bytes, release() {} };
  }

  describe(representation: Representation): void {
    this.#kept.representation = representation;
  }

  async commit(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const durable: ByteRange[] = [];
    for (const { start, end } of this.#kept.pieces) {
      const last = durable.at(-1);
      if (last !== undefined && last.end === start) durable.splice(-1, 1, { start: last.start, end });
      else durable.push({ start, end });
    }
    this.#kept.durable = durable;
    this.#kept.used = Date.now();
  }

  close(): Promise<void> {
    return this.commit();
  }
}

export class MapStore implements Store, StoreAdmin {
  readonly #objects = new Map<ObjectName, Kept>();

  async find(name: ObjectName, _lost: unknown, signal?: AbortSignal): Promise<StoreObject | null> {
    signal?.throwIfAborted();
    const kept = this.#objects.get(name);
    return kept === undefined ? null : new KeptObject(name, kept);
  }

  /** It loses nothing before it is told to, so that nobody has to hear of it. */
  async create(
    name: ObjectName,
    representation: Representation,
    label: ObjectLabel,
    _lost: unknown,
    signal?: AbortSignal,
  ): Promise<StoreObject> {
    signal?.throwIfAborted();
    const kept = { label, representation, pieces: [], durable: [], pinned: false, used: Date.now() };
    this.#objects.set(name, kept);
    return new KeptObject(name, kept);
  }

  async remove(name: ObjectName, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#objects.delete(name);
  }

  async *list(signal?: AbortSignal): AsyncGenerator<StoredObject> {
    signal?.throwIfAborted();
    for (const [name, { label, representation, durable, pinned, used }] of this.#objects) {
      yield { name, label, representation, bytes: sizeOf(durable), pinned, used };
    }
  }

  async close(): Promise<void> {}

  async pin(name: ObjectName, pinned: boolean, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    const kept = this.#objects.get(name);
    if (kept !== undefined) kept.pinned = pinned;
    return kept !== undefined;
  }

  async verify(name: ObjectName, progress: (bytes: number) => void, signal: AbortSignal) {
    signal.throwIfAborted();
    const kept = this.#objects.get(name);
    if (kept === undefined) return null;
    await new KeptObject(name, kept).commit();
    const checked = sizeOf(kept.durable);
    progress(checked);
    return { checked, bad: [] };
  }

  usage() {
    const bytes = [...this.#objects.values()].reduce((sum, { pieces }) => sum + sizeOf(pieces), 0);
    return { bytes, objects: this.#objects.size, limit: null, free: null, trouble: null };
  }

  nextToGo() {
    return [];
  }
}

function sizeOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

if (import.meta.main) {
  const film = new URL(process.argv[2] ?? 'https://media.example/films/holiday.mkv');
  await using cache = await createFirstbyte({ store: new MapStore(), origins: { films: new URL('.', film) } });
  await cache.warm(film);
  console.log(cache.usage());
}
