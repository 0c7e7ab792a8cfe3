/**
 * A read of something that is stored, as a reply would make it, for who asks whether that can be done.
 *
 * It goes through the index, the memory for reading and the files, each time to another place, so that the system has it
 * not in memory already; and it is no use of what it reads, so that nothing is kept longer for it.
 */
import { join } from 'node:path';
import { untilAborted } from '../../until-aborted.ts';
import type { Inventory } from '../inventory.ts';
import { gaveNothing } from '../store.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { CacheDirectory } from './cache-directory.ts';
import type { HeldOnDisk } from './held-on-disk.ts';
import type { SqliteIndex } from './index/sqlite-index.ts';
import type { SegmentFiles } from './segment-files.ts';
import type { Semaphore } from './semaphore.ts';

export interface TrialReadParts {
  readonly inventory: Pick<Inventory<HeldOnDisk>, 'all'>;
  readonly index: Pick<SqliteIndex, 'find'>;
  readonly directory: Pick<CacheDirectory, 'pathOf'>;
  readonly reads: Semaphore;
  readonly pool: BufferPool;
  readonly files: Pick<SegmentFiles, 'read'>;
}

/** Blocks from one trial to the next in the same file: a prime, so that all of them have their turn. */
const stride = 37;

export class TrialRead {
  readonly #parts: TrialReadParts;
  #turn = 0;
  /** What the system has not answered yet: another is not begun beside it. */
  #underWay: Promise<unknown> | null = null;

  constructor(parts: TrialReadParts) {
    this.#parts = parts;
  }

  /** Rejects with a `StoreError`: `ENOBUFS` or `ETIMEDOUT` where `signal` aborts, or what the medium says. */
  async run(signal: AbortSignal): Promise<void> {
    const place = this.#next();
    if (place === null) return;
    await this.#answered(() => this.#parts.index.find(place.name), signal);
    const { reads, pool, files } = this.#parts;
    const leave = await reads.acquire(signal).catch((error: unknown) => {
      throw gaveNothing(error);
    });
    try {
      const { buffer, giveBack } = await pool.take(signal);
      try {
        await this.#answered(() => files.read(place.path, buffer, place.position), signal);
      } finally {
        // The system may write into it until it has answered, though nobody waits for that any more.
        this.#whenAnswered(giveBack);
      }
    } finally {
      this.#whenAnswered(leave);
    }
  }

  #whenAnswered(giveBack: () => void): void {
    if (this.#underWay === null) giveBack();
    else this.#underWay.then(giveBack, giveBack);
  }

  async #answered(ask: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    try {
      if (this.#underWay !== null) await untilAborted(this.#underWay, signal);
      signal.throwIfAborted();
      const underWay = ask().finally(() => {
        this.#underWay = null;
      });
      underWay.catch(() => {});
      this.#underWay = underWay;
      await untilAborted(underWay, signal);
    } catch (error) {
      throw signal.aborted ? gaveNothing(error) : error;
    }
  }

  #next() {
    const { inventory, directory, pool } = this.#parts;
    const places = inventory.all().flatMap((held) => {
      const segment = [...held.segments].find(({ bytes, coming }) => bytes > 0 && coming === 0);
      return segment === undefined ? [] : [{ held, segment }];
    });
    this.#turn += 1;
    const place = places[this.#turn % Math.max(1, places.length)];
    if (place === undefined) return null;
    const { held, segment } = place;
    const blocks = Math.max(1, Math.floor(segment.bytes / pool.size));
    const round = Math.floor(this.#turn / places.length);
    const position = ((round * stride) % blocks) * pool.size;
    return { name: held.name, path: join(directory.pathOf(held.key), String(segment.number)), position };
  }
}
