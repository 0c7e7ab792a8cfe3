/**
 * What a disk store does without a request: it sweeps after its start, removes objects that nobody has used for too long,
 * and recovers after a failure.
 *
 * The sweep compares the directory of objects with the index. It removes files that no row names, which a crash can leave
 * behind, drops rows whose files are gone, and corrects sizes to those of the file system. It runs beside everything else,
 * one system call at a time.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { sep } from 'node:path';
import type { Clock, Timer } from '../../clock.ts';
import type { Capacity } from '../capacity.ts';
import type { Inventory } from '../inventory.ts';
import { StoreError } from '../store.ts';
import type { StoreEvents } from '../store-events.ts';
import type { Background } from './background.ts';
import type { CacheDirectory } from './cache-directory.ts';
import type { CallQueue } from './call-queue.ts';
import type { Committer } from './committer.ts';
import { type HeldOnDisk, openContents } from './held-on-disk.ts';
import type { IndexedObject, IndexLayout } from './index/rows.ts';
import type { SqliteIndex } from './index/sqlite-index.ts';
import type { Removal } from './removal.ts';
import { type SegmentFiles, statBlock } from './segment-files.ts';
import type { Space } from './space.ts';

/** Unused objects are looked for ten times within `maxAge`, but at most this often. */
const leastAgeIntervalMs = 60_000;

/** They are looked for each time that so many parts of their most were made. */
const emptyLooks = 10;

/** What `HeldObject.key` gives. A directory of another name is not ours to remove. */
const objectDirectory = /^[0-9a-f]{64}\.[0-9a-f]{16}$/;
const segmentFile = /^(0|[1-9]\d{0,15})$/;
/** A copy of one that has another name, which was not finished. */
const unfinishedCopy = /^(0|[1-9]\d{0,15})\.copy$/;

export interface MaintenanceParts {
  readonly clock: Clock;
  /** How long an object stays that nobody uses, in milliseconds; `null` for ever. */
  readonly maxAge: number | null;
  /** How many objects stay of which no byte is stored. */
  readonly maxEmpty: number;
  readonly layout: IndexLayout;
  readonly directory: CacheDirectory;
  readonly index: SqliteIndex;
  readonly files: SegmentFiles;
  readonly calls: CallQueue;
  readonly inventory: Inventory<HeldOnDisk>;
  readonly capacity: Capacity<HeldOnDisk>;
  readonly space: Space;
  readonly removal: Removal;
  readonly committer: Committer;
  readonly background: Background;
  readonly events: Pick<StoreEvents, 'evicted'>;
}

export class Maintenance {
  readonly #parts: MaintenanceParts;
  #aging: Timer | null = null;
  #made = 0;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  start(): void {
    const { background, inventory } = this.#parts;
    background.run(this.#sweep(inventory.all()).then(() => this.#swept()));
    this.#letAge();
  }

  stop(): void {
    this.#aging?.cancel();
  }

  /** An object was made, of which a row may stay for good. */
  noteMade(): void {
    const { maxEmpty, background } = this.#parts;
    this.#made += 1;
    if (this.#made * emptyLooks < maxEmpty) return;
    this.#made = 0;
    background.run(this.#removeEmpty());
  }

  /** Brings the store back after a failure; rejects where the disk still takes nothing. */
  async recover(): Promise<void> {
    const { directory, index, committer, inventory } = this.#parts;
    if (!(await directory.isThere())) {
      await index.close().catch(() => {});
      await directory.restore();
    }
    if (index.failed) await this.#openIndex();
    await directory.probe();
    // Not awaited: it ends when the state that follows from this is known.
    queueMicrotask(() => void committer.commit(openContents(inventory)));
  }

  async #openIndex(): Promise<void> {
    const { directory, index, layout, inventory, capacity } = this.#parts;
    await directory.prepare();
    const { isAnother } = await openIndex(index, directory, layout);
    if (!isAnother) return;
    // Everything that was there before is lost.
    for (const held of inventory.all()) {
      if (held.content === null) capacity.dismiss(held);
      else held.content.invalidate();
    }
  }

  #letAge(): void {
    const { clock, maxAge, inventory, removal, background, events } = this.#parts;
    if (maxAge === null) return;
    for (const held of inventory.all()) {
      const isFresh = () => held.used > clock.wallTime() - maxAge;
      if (held.kept || held.content !== null || isFresh()) continue;
      const bytes = [...held.segments].reduce((sum, segment) => sum + segment.bytes, 0);
      removal
        .removeUnused(held, isFresh)
        .then((removed) => removed && events.evicted('age', held.label, bytes))
        .catch(background.report);
    }
    this.#aging = clock.after(Math.max(leastAgeIntervalMs, maxAge / 10), () => this.#letAge());
  }

  /** Nothing of these would ever be evicted: those that were used last stay. */
  async #removeEmpty(): Promise<void> {
    const { background, inventory, maxEmpty, removal } = this.#parts;
    const isEmpty = (held: HeldOnDisk) => held.bySegment.size === 0;
    const empty = inventory.all().filter((held) => held.content === null && !held.kept && isEmpty(held));
    for (const held of empty.sort((one, other) => other.used - one.used).slice(maxEmpty)) {
      if (background.closing.aborted) return;
      await removal.removeUnused(held, () => !isEmpty(held));
    }
  }

  /** `known` is what was named when the store was opened. */
  async #sweep(known: readonly HeldOnDisk[]): Promise<void> {
    const { directory, background } = this.#parts;
    const seen = new Set<string>();
    for (const family of await readdir(directory.objects, { withFileTypes: true })) {
      if (!family.isDirectory()) continue;
      // What can't be looked at or removed keeps nothing else from it.
      await this.#sweepFamily(`${directory.objects}${sep}${family.name}${sep}`, seen).catch(background.report);
    }
    for (const held of known) {
      if (background.closing.aborted) return;
      if (!seen.has(held.key) && held.bySegment.size > 0) await this.#dropMissing(held).catch(background.report);
    }
  }

  async #sweepFamily(inFamily: string, seen: Set<string>): Promise<void> {
    const { background, inventory } = this.#parts;
    for (const entry of await readdir(inFamily, { withFileTypes: true })) {
      if (background.closing.aborted) return;
      if (!entry.isDirectory() || !objectDirectory.test(entry.name)) continue;
      seen.add(entry.name);
      const path = inFamily + entry.name;
      const held = inventory.at(entry.name);
      const swept = held === undefined ? rm(path, { recursive: true, force: true }) : this.#sweepObject(held, path);
      await swept.catch(background.report);
    }
  }

  async #sweepObject(held: HeldOnDisk, path: string): Promise<void> {
    const { files, capacity } = this.#parts;
    const before = [...held.bySegment.keys()];
    const found = await namesIn(path);
    for (const file of found) {
      const number = Number(file);
      if (unfinishedCopy.test(file)) await this.#dropCopy(held, `${path}${sep}${file}`);
      if (!segmentFile.test(file)) continue;
      const segment = `${path}${sep}${file}`;
      if (!held.bySegment.has(number)) {
        await files.remove(segment);
        continue;
      }
      const stats = await lstat(segment).catch(() => null);
      // What is on its way into a segment is counted when it is synced.
      if (stats !== null && !held.bySegment.get(number)?.busy) capacity.correct(held, number, stats.blocks * statBlock);
    }
    if (before.some((number) => !found.has(String(number)))) await this.#dropMissing(held);
  }

  /** In turn, so that nobody makes a copy meanwhile. */
  #dropCopy(held: HeldOnDisk, path: string): Promise<void> {
    return this.#parts.calls.run(held.name, async () => {
      if (held.content === null) await rm(path, { force: true });
    });
  }

  /** Drops what of the object is not there; looks in turn, so that nobody opens it and writes meanwhile. */
  #dropMissing(held: HeldOnDisk): Promise<void> {
    const { directory, calls, inventory, space } = this.#parts;
    return calls.run(held.name, async () => {
      // Who has an object open looks after it.
      if (held.content !== null || !inventory.has(held)) return;
      const found = await namesIn(directory.pathOf(held.key));
      const missing = [...held.bySegment.keys()].filter((number) => !found.has(String(number)));
      if (missing.length > 0) await space.missing(held, missing);
    });
  }

  async #swept(): Promise<void> {
    const { background, space, committer } = this.#parts;
    if (background.closing.aborted) return;
    await space.measure(true);
    committer.mayTrim = true;
    space.trim();
    await this.#removeEmpty();
  }
}

/** What is in a directory; nothing, where it is not there. */
async function namesIn(path: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return new Set();
  }
}

/**
 * Opens the index and tells what is in it, and whether it is another one than was opened last; one that is damaged, or for
 * other sizes, is set aside with the objects.
 */
export async function openIndex(
  index: SqliteIndex,
  directory: CacheDirectory,
  layout: IndexLayout,
): Promise<{ readonly objects: readonly IndexedObject[]; readonly isAnother: boolean }> {
  let objects: IndexedObject[];
  try {
    objects = await index.open(layout);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'CORRUPT') throw error;
    await directory.setAside();
    objects = await index.open(layout);
  }
  return { objects, isAnother: await directory.noteIndex() };
}
