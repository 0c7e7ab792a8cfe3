/**
 * Brings to the index when objects were used last: seldom, and many at once. What a crash loses of it changes at most
 * what is evicted first.
 */
import type { Clock, Timer } from '../../clock.ts';
import { StoreError } from '../store.ts';
import type { HeldOnDisk } from './held-on-disk.ts';
import type { UseRow } from './index/rows.ts';
import type { SqliteIndex } from './index/sqlite-index.ts';

const intervalMs = 60_000;

/** So many go to the index at once: making its message ready takes about a millisecond. */
const mostAtOnce = 500;

export class UseTimes {
  readonly #clock: Clock;
  readonly #index: Pick<SqliteIndex, 'use'>;
  readonly #unsaved = new Set<HeldOnDisk>();
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(clock: Clock, index: Pick<SqliteIndex, 'use'>) {
    this.#clock = clock;
    this.#index = index;
  }

  /** Somebody has used it. */
  note(held: HeldOnDisk): void {
    if (this.#isStopped) return;
    this.#unsaved.add(held);
    this.#timer ??= this.#clock.after(intervalMs, () => {
      this.#timer = null;
      void this.save();
    });
  }

  /** Never rejects because of the medium. */
  async save(): Promise<void> {
    const rows = [...this.#unsaved].filter(({ detached }) => !detached).map(useOf);
    this.#unsaved.clear();
    try {
      while (rows.length > 0) await this.#index.use(rows.splice(0, mostAtOnce));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  /** Saves nothing more by itself. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }
}

function useOf({ name, generation, used, segments }: HeldOnDisk): UseRow {
  return {
    name,
    generation,
    used,
    segments: Array.from(segments, (segment) => [segment.number, segment.used] as const),
  };
}
