/**
 * Bytes of one object that were accepted and are not on disk yet, and their way there.
 *
 * They are readable here until they are written. Where writing fails they stay, and are tried again at the next
 * `flush`. Whoever brings more than the disk takes is asked to wait.
 */

import type { StoreError } from '../store.ts';
import { GatherList, type Run } from './gather-list.ts';

/** How much is gathered before it is written, in bytes. */
const gatherSize = 1024 * 1024;

/** How many accepted bytes may wait to be written before writers are asked to wait. */
const acceptedLimit = 4 * 1024 * 1024;

export class AcceptedBytes {
  readonly #list: GatherList;
  readonly #write: (run: Run) => Promise<StoreError | null>;
  readonly #writing = new Set<Promise<void>>();
  #room: PromiseWithResolvers<void> | null = null;

  /** `write` puts a run on disk, or resolves with the reason why it is not there. */
  constructor(segmentSize: number, write: (run: Run) => Promise<StoreError | null>) {
    this.#list = new GatherList(segmentSize);
    this.#write = write;
  }

  /** How many bytes are here. */
  get size(): number {
    return this.#list.size;
  }

  /** The rest of the buffer that holds the byte at `offset`, or `undefined`. */
  from(offset: number): Buffer | undefined {
    return this.#list.from(offset);
  }

  /** Takes bytes, none of which may be here already; a promise means: wait before you bring more. */
  land(offset: number, bytes: Buffer): Promise<void> | undefined {
    this.#list.land(offset, bytes);
    if (this.#list.gatheredSize >= gatherSize) this.#start();
    return this.#list.size <= acceptedLimit ? undefined : this.#waitForRoom();
  }

  /** Tries to write everything; resolves when nothing is being written any more. */
  async flush(): Promise<void> {
    this.#start();
    await Promise.all(this.#writing);
  }

  #start(): void {
    for (const run of this.#list.takeRuns()) {
      const writing = this.#put(run).finally(() => this.#writing.delete(writing));
      this.#writing.add(writing);
    }
  }

  async #put(run: Run): Promise<void> {
    const failure = await this.#write(run);
    if (failure !== null) {
      this.#list.putBack(run);
      this.#room?.reject(failure);
      this.#room = null;
      return;
    }
    this.#list.drop(run);
    if (this.#list.size > acceptedLimit) return;
    this.#room?.resolve();
    this.#room = null;
  }

  #waitForRoom(): Promise<void> {
    if (this.#room === null) {
      this.#room = Promise.withResolvers();
      // Whoever was told to wait may have gone.
      this.#room.promise.catch(() => {});
    }
    return this.#room.promise;
  }
}
