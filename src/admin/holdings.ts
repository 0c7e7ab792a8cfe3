/**
 * The held objects, for operators: open entries joined with the store's list, and every action on them.
 *
 * Each method takes the name of an object. No request of a client comes here.
 */
import type { ByteRange, OpenRange } from '../bytes/byte-range.ts';
import type { Cache } from '../cache/cache.ts';
import type { Entry } from '../cache/entry.ts';
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { Fill } from '../fill/fill.ts';
import type { FillView } from '../fill/view.ts';
import { isUnsafePath } from '../http/request-target.ts';
import { upTo } from '../kit/up-to.ts';
import type { EvictionPreview, StoreAdmin, StoreUsage } from '../store/admin.ts';
import { mostRead, type ObjectName, type Store, type StoredObject } from '../store/store.ts';
import { CachedObjectList } from './cached-object-list.ts';
import { type Holding, holdingOf } from './holding.ts';
import { type HoldingPage, type HoldingQuery, pageOf } from './holding-page.ts';
import { type StoredContent, storedContent } from './stored-content.ts';
import { type VerifyResult, verify } from './verify.ts';
import { type WarmProgress, warm } from './warm.ts';

/** One object, with its ranges. */
export interface HoldingView extends Holding {
  readonly present: readonly ByteRange[];
  readonly durable: readonly ByteRange[];
  /** The ranges that readers wait for: for each, as much as its next read may give. */
  readonly waitedFor: readonly ByteRange[];
  /** The fill of its open entry; `null` where it has none. */
  readonly fill: FillView | null;
}

export type { StoreUsage } from '../store/admin.ts';

/** Selects objects: those of an origin whose paths have a prefix, or all. */
export type Which = { readonly origin: string; readonly prefix: string } | 'all';

export interface HoldingsParts {
  readonly cache: Cache;
  readonly store: Store & StoreAdmin;
  readonly events: EventBus;
  readonly clock: Clock;
}

export interface Warmed {
  readonly objectId: ObjectName;
  /** How many of the requested bytes are present. */
  readonly bytes: number;
}

/**
 * Why bytes are not given out: a client's own fields were needed to fetch them (`private`), or an earlier version
 * stored them and did not note for whom (`unknown`).
 */
export type Withheld = 'private' | 'unknown';

/** Long work; it begins when called. Rejects with `FillFailed`, `StoreError` or the signal's reason. */
export type Work<Result> = (progress: WarmProgress, signal: AbortSignal) => Promise<Result>;

/** So many objects are removed at one time. */
const atOnce = 16;

export class Holdings {
  readonly #parts: HoldingsParts;
  readonly #cachedObjects: CachedObjectList;

  constructor(parts: HoldingsParts) {
    this.#parts = parts;
    this.#cachedObjects = new CachedObjectList(parts.store, parts.events, parts.clock);
  }

  /** One page. Rejects with a `StoreError` where the store fails, as every method here does. */
  async page(query: HoldingQuery = {}): Promise<HoldingPage | 'no such cursor'> {
    return pageOf(await this.#all(), query);
  }

  /** `null` where no object of that name is held. */
  async one(id: ObjectName): Promise<HoldingView | null> {
    const { clock } = this.#parts;
    const entry = this.#entryOf(id);
    const holding = holdingOf((await this.#cachedObjects.objects()).get(id) ?? null, entry, clock.now());
    if (holding === null) return null;
    const fill = entry?.current?.view() ?? null;
    const durable = fill === null ? await this.#durable(holding) : fill.durable;
    return { ...holding, present: fill?.present ?? durable, durable, waitedFor: waitedFor(fill), fill };
  }

  /**
   * Removes an object, also while it is read: its readers continue with the present bytes. `false`: it was not held.
   */
  async remove(id: ObjectName): Promise<boolean> {
    const entry = this.#entryOf(id);
    const held = holdingOf((await this.#cachedObjects.objects()).get(id) ?? null, entry, this.#parts.clock.now());
    if (held === null) return false;
    await this.#forget(id);
    return true;
  }

  /** Removes many objects. Resolves with their number, and with how many bytes of them were held. */
  async removeAll(which: Which): Promise<{ readonly removed: number; readonly bytes: number }> {
    const held = (await this.#all()).filter(
      ({ origin, path }) => which === 'all' || (origin === which.origin && path.startsWith(which.prefix)),
    );
    for (let first = 0; first < held.length; first += atOnce) {
      await Promise.all(held.slice(first, first + atOnce).map(({ id }) => this.#forget(id)));
    }
    return { removed: held.length, bytes: held.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** Pins or unpins an object: a pinned one is not evicted. `false`: nothing of it is stored. */
  async pin(id: ObjectName, pinned: boolean): Promise<boolean> {
    const known = await this.#parts.store.pin(id, pinned);
    if (known) await this.#cachedObjects.changedOne(id, (object) => ({ ...object, pinned }));
    return known;
  }

  /** The bytes of an object, where all are stored and not for one client alone; `null` where they are not stored. */
  async content(id: ObjectName): Promise<StoredContent | Withheld | null> {
    // The list may lack an object that was stored a moment ago.
    this.#cachedObjects.changed();
    const stored = (await this.#cachedObjects.objects()).get(id) ?? null;
    const isPrivate = this.#isPrivate(stored, this.#entryOf(id));
    if (isPrivate === false) return storedContent(this.#parts.store, id, this.#parts.clock);
    if (stored === null) return null;
    return isPrivate === null ? 'unknown' : 'private';
  }

  /** Pauses a fill: nothing more is requested from its origin. `false`: there is no such fill, or nothing to pause. */
  pause(id: number): boolean {
    const fill = this.#fillOf(id);
    if (fill === null || fill.phase === 'complete' || isPaused(fill)) return false;
    fill.pause();
    return true;
  }

  /** Resumes a fill. `false`: there is no such fill, or no operator has paused it. */
  resume(id: number): boolean {
    const fill = this.#fillOf(id);
    if (fill === null || !isPaused(fill)) return false;
    fill.resume();
    return true;
  }

  /** Returns work that downloads ranges of a target, or why there is none. */
  warm(
    origin: string,
    target: string,
    wanted: readonly OpenRange[],
  ): Work<Warmed> | 'no such origin' | 'no such target' {
    const path = upTo(target, '?');
    if (!target.startsWith('/') || isUnsafePath(path)) return 'no such target';
    const { cache } = this.#parts;
    const objectId = cache.nameOf(origin, target);
    if (objectId === null) return 'no such origin';
    return async (progress, signal) => {
      const entry = cache.open(origin, target);
      return { objectId, bytes: entry === null ? 0 : await warm(entry, wanted, progress, signal) };
    };
  }

  /**
   * Returns work that compares stored objects (`null`: all) with their checksums. Bad blocks are dropped, and with
   * `repair` downloaded again.
   */
  verify(ids: readonly ObjectName[] | null, repair: boolean): Work<VerifyResult> {
    return async (progress, signal) => {
      this.#cachedObjects.changed();
      const stored = await this.#cachedObjects.objects();
      const entryFor = (object: StoredObject) => (repair ? this.#entryFor(object) : null);
      const result = await verify({ store: this.#parts.store, stored, ids, entryFor }, progress, signal);
      this.#cachedObjects.changed();
      return result;
    };
  }

  /** Reads some stored bytes, as a reply would. Rejects with a `StoreError` as soon as `signal` aborts. */
  async tryRead(signal: AbortSignal): Promise<void> {
    await this.#parts.store.tryRead?.(signal);
  }

  /** How full the store is, as far as that is known without a wait. */
  usage(): StoreUsage {
    return this.#parts.store.usage();
  }

  /** How many reads wait for memory. */
  get starved(): number {
    return this.#parts.store.loans?.().starved ?? 0;
  }

  /** What the store would evict next, in order, until `bytes` were free. */
  nextToGo(bytes: number): readonly EvictionPreview[] {
    return this.#parts.store.nextToGo(bytes);
  }

  /** Stops listening to events. */
  stop(): void {
    this.#cachedObjects.stop();
  }

  async #all(): Promise<Holding[]> {
    const stored = await this.#cachedObjects.objects();
    const now = this.#parts.clock.now();
    const open = new Map(this.#parts.cache.entries().map((entry) => [entry.objectName, entry]));
    const held: Holding[] = [];
    const add = (object: StoredObject | null, entry: Entry | null) => {
      const holding = holdingOf(object, entry, now);
      if (holding !== null) held.push(holding);
    };
    for (const [name, object] of stored) add(object, open.get(name) ?? null);
    for (const [name, entry] of open) if (!stored.has(name)) add(null, entry);
    return held;
  }

  #entryOf(id: ObjectName): Entry | null {
    return this.#parts.cache.entries().find((entry) => entry.objectName === id) ?? null;
  }

  #fillOf(id: number): Fill | null {
    return (
      this.#parts.cache
        .entries()
        .flatMap(({ fills }) => fills)
        .find((fill) => fill.id === id) ?? null
    );
  }

  /** The entry of a stored object; `null` where its target does not follow from its path. */
  #entryFor(stored: StoredObject): Entry | null {
    const { origin, path } = stored.label;
    return this.#entryOf(stored.name) ?? (this.#isPlain(stored) ? this.#parts.cache.open(origin, path) : null);
  }

  /** Whether any client gets it that requests its path without fields of its own. */
  #isPlain({ name, label }: StoredObject): boolean {
    return this.#parts.cache.nameOf(label.origin, label.path) === name;
  }

  /** Whether it is for one client; `null` where that is unknown. It never changes for one name. */
  #isPrivate(stored: StoredObject | null, entry: Entry | null): boolean | null {
    const known = entry?.label.private ?? stored?.label.private;
    if (known !== undefined) return known;
    return stored !== null && this.#isPlain(stored) ? false : null;
  }

  async #forget(id: ObjectName): Promise<void> {
    const entry = this.#entryOf(id);
    if (entry === null) await this.#parts.store.remove(id);
    else await entry.purge();
    await this.#cachedObjects.changedOne(id, () => null);
  }

  /** The stored ranges of an object without an entry. */
  async #durable({ id, bytes, length }: Holding): Promise<readonly ByteRange[]> {
    if (bytes === 0) return [];
    if (bytes === length) return [{ start: 0, end: length }];
    const object = await this.#parts.store.find(id, () => {});
    const durable = object?.durable ?? [];
    await object?.close();
    return durable;
  }
}

function isPaused({ phase, pausedBy }: Fill): boolean {
  return phase === 'paused' && pausedBy === 'user';
}

function waitedFor(fill: FillView | null): ByteRange[] {
  if (fill === null) return [];
  const { readers, present, length } = fill;
  return readers
    .filter(({ wait }) => wait !== null)
    .map(({ position, end }) => {
      const next = present.find(({ start }) => start > position)?.start ?? Number.POSITIVE_INFINITY;
      const last = Math.min(position + mostRead, end ?? length ?? Number.POSITIVE_INFINITY, next);
      return { start: position, end: Math.max(position + 1, last) };
    });
}
