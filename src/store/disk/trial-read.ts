/**
 * Reads something that is stored, as a reply would, to find out whether that works.
 *
 * A trial goes through the index, the buffers and the files. Each reads another block, which the system has probably not in
 * its own cache. It does not count as a use of the object, so that nothing is kept longer for it.
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

/** How many blocks the next trial in the same file is further on: a prime, so that every block is read some time. */
const stride = 37;

export class TrialRead {
  readonly #parts: TrialReadParts;
  #trials = 0;
  /** A call that the system has not answered yet: no other is begun beside it. */
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
      try {
        await this.#begin(files.read(place.path, buffer, place.position));
      } catch (error) {
        if (!place.isGone()) throw error;
      }
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
    this.#trials += 1;
    const place = places[this.#trials % Math.max(1, places.length)];
    if (place === undefined) return null;
    const { held, segment } = place;
    const blocks = Math.max(1, Math.floor(segment.bytes / size));
    const round = Math.floor(this.#trials / places.length);
    const position = ((round * stride) % blocks) * size;
    // What goes meanwhile is no fault of the disk.
    const isGone = () => held.detached || held.bySegment.get(segment.number) !== segment;
    return { name: held.name, isGone, path: join(directory.pathOf(held.key), String(segment.number)), position };
  }
}
