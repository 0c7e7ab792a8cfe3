/**
 * When what was accepted is written, named and made durable, over all objects of the disk store.
 *
 * Twice, each batched over everything that is dirty: soon, rows that name written blocks early, which a killed process
 * finds again; and a little later the syncs, and the rows that a power cut can't take away. First the bytes, always,
 * then the rows that name them.
 */
import type { Clock, Timer } from '../../clock.ts';
import type { DiskObject } from './disk-object.ts';
import type { ObjectRow } from './index/sqlite-index.ts';

/** How long something accepted may wait, in milliseconds: to be named early, and to be made durable. */
const interval = { early: 250, settle: 1000 };

export interface CommitterOptions {
  readonly clock: Clock;
  /** Whether early rows can be told from those of another run of the machine. */
  readonly namesEarly: boolean;
  /** Whether the medium takes nothing now. */
  readonly isInTrouble: () => boolean;
  /** Writes these rows to the index, or reports why it can't; resolves with whether it did. */
  readonly save: (rows: readonly ObjectRow[]) => Promise<boolean>;
}

export class Committer {
  readonly #options: CommitterOptions;
  readonly #dirty = new Set<DiskObject>();
  #early: Timer | null = null;
  #settle: Timer | null = null;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  noteDirty(object: DiskObject): void {
    const { clock, namesEarly } = this.#options;
    this.#dirty.add(object);
    if (namesEarly) {
      this.#early ??= clock.after(interval.early, () => {
        this.#early = null;
        void this.#nameEarly([...this.#dirty]);
      });
    }
    this.#settle ??= clock.after(interval.settle, () => {
      this.#settle = null;
      void this.commit([...this.#dirty]);
    });
  }

  /** Makes durable what can be of these objects. Never rejects. */
  async commit(objects: readonly DiskObject[]): Promise<void> {
    for (const object of objects) this.#dirty.delete(object);
    await Promise.all(objects.map((object) => object.settle()));
    if (this.#options.isInTrouble()) return;
    await this.#save(objects, () => true);
  }

  /** Does nothing more by itself. */
  stop(): void {
    this.#early?.cancel();
    this.#settle?.cancel();
  }

  async #nameEarly(objects: readonly DiskObject[]): Promise<void> {
    await Promise.all(objects.map((object) => object.note()));
    if (this.#options.isInTrouble()) return;
    await this.#save(objects, ({ segments }) => segments.length > 0);
  }

  async #save(objects: readonly DiskObject[], isWorthwhile: (row: ObjectRow) => boolean): Promise<void> {
    const named = objects.filter((object) => object.forgotten === null);
    const taken = named.map((object) => ({ object, row: object.takeRow() })).filter(({ row }) => isWorthwhile(row));
    if (taken.length === 0 || (await this.#options.save(taken.map(({ row }) => row)))) return;
    for (const { object, row } of taken) object.notSaved(row);
  }
}
