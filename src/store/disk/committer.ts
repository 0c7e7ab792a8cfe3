/**
 * Decides when accepted bytes are written, named by the index and made durable, over all objects of the disk store.
 *
 * It happens twice, each time for all dirty objects together. A checkpoint soon saves rows that name written blocks early:
 * a killed process finds them again. A commit a little later syncs the files and saves rows that survive a power cut. The
 * bytes always come first, then the rows that name them.
 */
import type { Clock, Timer } from '../../clock.ts';
import { StoreError } from '../store.ts';
import type { Health } from './health.ts';
import type { OpenContent } from './held-on-disk.ts';
import type { ObjectRow } from './index/rows.ts';
import type { SqliteIndex } from './index/sqlite-index.ts';
import type { Space } from './space.ts';

/** How long something accepted may wait: to be named early, and to be made durable. */
const intervalMs = { checkpoint: 250, sync: 1000 };

export interface CommitterOptions {
  readonly clock: Clock;
  /** Whether early rows can be told from those of another run of the machine. */
  readonly namesEarly: boolean;
  /** How much room saving rows may need, in bytes. */
  readonly roomForRows: number;
  readonly index: Pick<SqliteIndex, 'save'>;
  readonly health: Pick<Health, 'trouble' | 'fail'>;
  readonly space: Pick<Space, 'withRoom' | 'saved' | 'trim'>;
}

export class Committer {
  readonly #options: CommitterOptions;
  readonly #dirty = new Set<OpenContent>();
  /** What is synced, and is to be saved next; and the end of that, until it begins. */
  readonly #due = new Set<OpenContent>();
  #next: Promise<void> | null = null;
  /** The end of the save that was asked for last. */
  #last: Promise<void> = Promise.resolve();
  #checkpoint: Timer | null = null;
  #sync: Timer | null = null;
  /** Whether sizes are those of the file system: what a row says is no reason to evict. */
  mayTrim = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  noteDirty(object: OpenContent): void {
    const { clock, namesEarly } = this.#options;
    this.#dirty.add(object);
    if (namesEarly) {
      this.#checkpoint ??= clock.after(intervalMs.checkpoint, () => {
        this.#checkpoint = null;
        void this.#nameEarly([...this.#dirty]);
      });
    }
    this.#sync ??= clock.after(intervalMs.sync, () => {
      this.#sync = null;
      void this.commit([...this.#dirty]);
    });
  }

  /** Makes durable what can be of these objects. Never rejects. */
  async commit(objects: readonly OpenContent[]): Promise<void> {
    for (const object of objects) this.#dirty.delete(object);
    const unsaved = objects.filter(({ isSaved }) => !isSaved);
    if (unsaved.length === 0) return;
    await Promise.all(unsaved.map((object) => object.sync()));
    for (const object of unsaved) this.#due.add(object);
    this.#next ??= this.#inTurn(() => this.#saveDue());
    await this.#next;
  }

  /** Does nothing more by itself. */
  stop(): void {
    this.#checkpoint?.cancel();
    this.#sync?.cancel();
  }

  /** One after another: rows that wait for room are not to come after later ones of the same objects. */
  #inTurn(save: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(save, save);
    return this.#last;
  }

  /** Saves the rows of all that were synced while others were being saved. */
  async #saveDue(): Promise<void> {
    this.#next = null;
    const due = [...this.#due].filter(({ isSaved }) => !isSaved);
    this.#due.clear();
    await this.#save(due, () => true);
  }

  async #nameEarly(objects: readonly OpenContent[]): Promise<void> {
    await Promise.all(objects.map((object) => object.checkpoint()));
    await this.#inTurn(() => this.#save(objects, ({ segments }) => segments.length > 0));
  }

  async #save(objects: readonly OpenContent[], isWorthwhile: (row: ObjectRow) => boolean): Promise<void> {
    const { health, space, index, roomForRows } = this.#options;
    if (health.trouble !== null) return;
    const found = objects.filter(({ held }) => !held.detached);
    const taken = found.map((object) => ({ object, row: object.takeRow() })).filter(({ row }) => isWorthwhile(row));
    if (taken.length === 0) return;
    // What is removed while they wait for room is not to have a row again.
    const rows = () => taken.filter(({ object }) => !object.held.detached).map(({ row }) => row);
    try {
      await space.withRoom(roomForRows, () => index.save(rows()));
    } catch (error) {
      health.fail(StoreError.from(error, 'The index could not be written'));
      for (const { object, row } of taken) object.notSaved(row);
      return;
    }
    for (const { object, row } of taken) object.saved(row);
    await space.saved();
    if (this.mayTrim) space.trim();
  }
}
