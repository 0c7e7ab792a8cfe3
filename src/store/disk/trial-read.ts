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
import type { CacheDirectory } from './cache-directory.ts';
import type { DiskReads } from './disk-reads.ts';
import type { HeldOnDisk } from './held-on-disk.ts';
import type { SqliteIndex } from './index/sqlite-index.ts';
import type { SegmentFiles } from './segment-files.ts';

export interface TrialReadParts {
  readonly inventory: Pick<Inventory<HeldOnDisk>, 'all'>;
  readonly index: Pick<SqliteIndex, 'find'>;
  readonly directory: Pick<CacheDirectory, 'pathOf'>;
  readonly reads: DiskReads;
  readonly files: Pick<SegmentFiles, 'read'>;
}

/** Blocks from one trial to the next in the same file: a prime, so that all of them have their turn. */
const stride = 37;

export class TrialRead {
  readonly #parts: TrialReadParts;
  #turn = 0;
  /** What the system has not answered yet: another is not begun beside it. */
  #underWay: Promise<void> | null = null;

  constructor(parts: TrialReadParts) {
    this.#parts = parts;
  }

  /** Rejects with a `StoreError`: `ENOBUFS` or `ETIMEDOUT` where `signal` aborts, or what the medium says. */
  async run(signal: AbortSignal): Promise<void> {
    const place = this.#next();
    if (place === null) return;
    const { index, reads, files } = this.#parts;
    await this.#waited(this.#underWay, signal);
    await this.#waited(this.#begin(index.find(place.name)), signal);
    const readInto = async (buffer: Buffer) => {
      await this.#begin(files.read(place.path, buffer, place.position));
      return buffer;
    };
    const { release } = await reads.read(readInto, signal);
    release();
  }

  #begin<Result>(work: Promise<Result>): Promise<Result> {
    const end = () => {
      this.#underWay = null;
    };
    this.#underWay = work.then(end, end);
    return work;
  }

  async #waited(work: Promise<unknown> | null, signal: AbortSignal): Promise<void> {
    try {
      if (work !== null) await untilAborted(work, signal);
    } catch (error) {
      throw signal.aborted ? gaveNothing(error) : error;
    }
  }

  #next() {
    const { inventory, directory } = this.#parts;
    const { size } = this.#parts.reads.pool;
    const places = inventory.all().flatMap((held) => {
      const segment = [...held.segments].find(({ bytes, coming }) => bytes > 0 && coming === 0);
      return segment === undefined ? [] : [{ held, segment }];
    });
    this.#turn += 1;
    const place = places[this.#turn % Math.max(1, places.length)];
    if (place === undefined) return null;
    const { held, segment } = place;
    const blocks = Math.max(1, Math.floor(segment.bytes / size));
    const round = Math.floor(this.#turn / places.length);
    const position = ((round * stride) % blocks) * size;
    return { name: held.name, path: join(directory.pathOf(held.key), String(segment.number)), position };
  }
}
