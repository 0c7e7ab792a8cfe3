/**
 * Room on the disk: admits bytes as long as there is room, evicts what must go for them, and asks the file system how much
 * it has left.
 */
import { statfs } from 'node:fs/promises';
import type { ByteRange } from '../../bytes/byte-range.ts';
import type { Clock } from '../../clock.ts';
import { type Capacity, type Eviction, inBytes, type StoreLimits } from '../capacity.ts';
import { StoreError } from '../store.ts';
import type { StoreEvents } from '../store-events.ts';
import type { Background } from './background.ts';
import type { CacheDirectory } from './cache-directory.ts';
import type { ClosedObjects } from './closed-objects.ts';
import type { Health } from './health.ts';
import type { HeldOnDisk } from './held-on-disk.ts';
import type { SqliteIndex } from './index/sqlite-index.ts';
import { segmentPath } from './object-directory.ts';
import { type Removal, unlessFull } from './removal.ts';
import type { SegmentFiles } from './segment-files.ts';

/** How often the file system is asked at most while rows are saved, in milliseconds; with less room, after each of them. */
const askEveryMs = 1000;

/** More than others fill within that time, in bytes. */
const muchRoom = 1024 ** 3;

export interface SpaceParts {
  readonly clock: Clock;
  readonly limits: StoreLimits;
  readonly directory: Pick<CacheDirectory, 'path' | 'pathOf'>;
  readonly index: Pick<SqliteIndex, 'drop'>;
  readonly files: Pick<SegmentFiles, 'remove'>;
  readonly capacity: Capacity<HeldOnDisk>;
  readonly health: Pick<Health, 'trouble' | 'want'>;
  readonly closed: Pick<ClosedObjects, 'take'>;
  readonly removal: Pick<Removal, 'removeUnused'>;
  readonly background: Background;
  readonly events: Pick<StoreEvents, 'evicted'>;
}

export class Space {
  readonly #parts: SpaceParts;
  #due: Eviction<HeldOnDisk>[] = [];
  #evicting: Promise<void> | null = null;
  #measuring: Promise<void> | null = null;
  /** Evictions for those who found the disk full: the one under way, and how many were done. */
  #makingRoom: Promise<boolean> | null = null;
  #madeRoom = 0;
  #measuredAt = Number.NEGATIVE_INFINITY;

  constructor(parts: SpaceParts) {
    this.#parts = parts;
  }

  /**
   * Counts bytes that come; throws a `StoreError` where they can't be stored now. What must go for them is evicted in a
   * microtask, not within this call: `lost` runs other fills.
   */
  admit(held: HeldOnDisk, { start, end }: ByteRange): void {
    const { health, capacity } = this.#parts;
    health.want();
    if (health.trouble !== null) throw health.trouble;
    const { refused, evictions } = capacity.reserve(held, start, end);
    if (evictions.length > 0 && this.#due.push(...evictions) === evictions.length) {
      const evicting = this.#evictDue(this.#evicting).finally(() => {
        if (this.#evicting === evicting) this.#evicting = null;
      });
      this.#evicting = evicting;
    }
    if (refused === null) return;
    // Somebody else may have made room meanwhile.
    this.#measuring ??= this.measure().finally(() => {
      this.#measuring = null;
    });
    throw refused;
  }

  /**
   * Resolves when what must go for bytes that were admitted has gone: await it before writing them, so that there is never
   * more on the disk than may be, and to no file which may be one of those.
   */
  get evicting(): Promise<void> | null {
    return this.#evicting;
  }

  /**
   * Does `work`; where the disk is full, evicts as many bytes and does it again, as long as any may go. Those who find it
   * full at the same time wait for one eviction: what it frees may be enough for all of them.
   */
  async withRoom<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      const before = this.#madeRoom;
      try {
        return await work();
      } catch (error) {
        if (!StoreError.from(error, 'The disk took nothing').isFull) throw error;
        if (this.#madeRoom !== before) continue;
        this.#makingRoom ??= this.#makeRoom(bytes).finally(() => {
          this.#makingRoom = null;
        });
        if (!(await this.#makingRoom)) throw error;
      }
    }
  }

  /** Brings the store back below its limits. */
  trim(): void {
    void this.#evict(this.#parts.capacity.trim());
  }

  /** Rows were saved: asks how much the file system has left, unless that was very much a moment ago. */
  async saved(): Promise<void> {
    const { clock, capacity } = this.#parts;
    const isKnown = clock.now() - this.#measuredAt < askEveryMs && capacity.free - capacity.minFree > muchRoom;
    if (!isKnown) await this.measure();
  }

  /** Asks how much the file system has left; where sizes have just been counted, also how much the store may hold. */
  async measure(isCounted = false): Promise<void> {
    const { clock, directory, capacity, limits } = this.#parts;
    this.#measuredAt = clock.now();
    const found = await statfs(directory.path).catch(() => null);
    if (found === null) return;
    capacity.free = found.bavail * found.bsize;
    if (!isCounted) return;
    capacity.limit = inBytes(limits.maxSize, capacity.free + capacity.bytes, Number.POSITIVE_INFINITY);
    capacity.minFree = inBytes(limits.minFree, found.blocks * found.bsize, 0);
  }

  /** The files of these segments are gone, of an object that nobody has open. */
  async missing(held: HeldOnDisk, segments: readonly number[]): Promise<void> {
    const { capacity, closed, index } = this.#parts;
    closed.take(held);
    for (const segment of segments) capacity.drop(held, segment);
    await index.drop(held.name, held.generation, segments).catch(unlessFull);
    this.#forgetEmpty(held);
  }

  /** Resolves with whether anything could go. */
  async #makeRoom(bytes: number): Promise<boolean> {
    const evictions = this.#parts.capacity.makeRoom(bytes, 'free');
    if (evictions.length === 0) return false;
    await this.#evict(evictions);
    this.#madeRoom += 1;
    return true;
  }

  async #evictDue(before: Promise<void> | null): Promise<void> {
    await Promise.resolve();
    await Promise.all([before, this.#evict(this.#due.splice(0))]);
  }

  /**
   * Resolves when all of it is gone, or could not be removed. The row goes first: after a kill none is to name what is not
   * there, or what has been written since to a file of the same name.
   */
  async #evict(evictions: readonly Eviction<HeldOnDisk>[]): Promise<void> {
    const { index, background, events } = this.#parts;
    const works = evictions.map(({ held, segment, bytes, reason }) => {
      const unnamed = index.drop(held.name, held.generation, [segment]).catch(unlessFull);
      const gone = held.content?.evict(segment, unnamed) ?? this.#evictClosed(held, segment, unnamed);
      const work = Promise.all([unnamed, gone]).then(() => {});
      events.evicted(reason, held.label, bytes);
      return background.run(work);
    });
    await Promise.all(works);
  }

  async #evictClosed(held: HeldOnDisk, segment: number, unnamed: Promise<void>): Promise<void> {
    const { files, directory, closed } = this.#parts;
    // Who opens it from now on does not find the segment.
    closed.take(held);
    await files.remove(segmentPath(directory.pathOf(held.key), segment), unnamed);
    this.#forgetEmpty(held);
  }

  #forgetEmpty(held: HeldOnDisk): void {
    const { removal, background } = this.#parts;
    if (held.bySegment.size > 0) return;
    // Not awaited: the call that is under way for this name may itself wait for room.
    removal.removeUnused(held, () => held.bySegment.size > 0).catch(background.report);
  }
}
