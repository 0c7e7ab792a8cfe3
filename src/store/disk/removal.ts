/**
 * Removes objects: first from the index, then their files, as soon as nobody has them open.
 *
 * On a full disk even a row can't be removed. Then the files go first, and the row names for a while, at most until the
 * next start, what is not there any more.
 */
import { rm } from 'node:fs/promises';
import type { Capacity } from '../capacity.ts';
import type { Inventory } from '../inventory.ts';
import { type ObjectName, StoreError } from '../store.ts';
import type { Background } from './background.ts';
import type { CacheDirectory } from './cache-directory.ts';
import type { CallQueue } from './call-queue.ts';
import type { HeldOnDisk } from './held-on-disk.ts';
import type { SqliteIndex } from './index/sqlite-index.ts';
import { segmentPath } from './object-directory.ts';
import type { SegmentFiles } from './segment-files.ts';

export interface RemovalParts {
  readonly directory: CacheDirectory;
  readonly index: SqliteIndex;
  readonly inventory: Inventory<HeldOnDisk>;
  readonly capacity: Capacity<HeldOnDisk>;
  readonly calls: CallQueue;
  readonly files: Pick<SegmentFiles, 'forget'>;
  readonly background: Background;
}

export class Removal {
  readonly #parts: RemovalParts;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /**
   * Removes the object, unless it is open, must be kept, or `spare` says so when its turn has come; resolves with whether
   * it did.
   */
  removeUnused(held: HeldOnDisk, spare: () => boolean): Promise<boolean> {
    const { inventory, calls } = this.#parts;
    return calls.run(held.name, async () => {
      if (inventory.find(held.name) !== held || held.content !== null || held.kept || spare()) return false;
      await this.remove(held.name);
      return true;
    });
  }

  /** Removes the object of that name, if there is one; those who have it open can read on. To be called in turn. */
  async remove(name: ObjectName): Promise<void> {
    const { index, inventory, background } = this.#parts;
    const held = inventory.find(name);
    if (held !== undefined) inventory.detach(held);
    // Its files go when the last has closed it, and its row at the latest.
    if (held?.content) return index.remove(name).then(ignore, ignore);
    try {
      await index.remove(name);
    } catch {
      if (held !== undefined) await this.#removeFilesFirst(held);
      return;
    }
    if (held !== undefined) background.run(this.#removeFiles(held));
  }

  /** Removes what is left of a detached object, whose files nobody has open any more. */
  async removeLeft(held: HeldOnDisk): Promise<void> {
    const { index } = this.#parts;
    const isForgotten = await index.remove(held.name, held.generation).then(
      () => true,
      () => false,
    );
    await this.#removeFiles(held);
    if (!isForgotten) await index.remove(held.name, held.generation).catch(ignore);
  }

  async #removeFiles(held: HeldOnDisk): Promise<void> {
    const { directory, files, capacity } = this.#parts;
    const path = directory.pathOf(held.key);
    for (const segment of held.bySegment.keys()) await files.forget(segmentPath(path, segment));
    await rm(path, { recursive: true, force: true });
    capacity.dismiss(held);
  }

  async #removeFilesFirst(held: HeldOnDisk): Promise<void> {
    await this.#removeFiles(held);
    await this.#parts.index.remove(held.name, held.generation).catch(unlessFull);
  }
}

/** Lets a change of a row fail whose files are gone already, where there is no room for it. */
export function unlessFull(error: unknown): void {
  if (!(error instanceof StoreError && error.isFull)) throw error;
}

function ignore(): void {}
