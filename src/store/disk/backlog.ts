/**
 * How many bytes were accepted and are not on disk yet: of one object, or of all objects of a store.
 *
 * Where there are too many, whoever brings more is asked to wait until the disk has taken some. So the memory for them is
 * bounded, whether they belong to one film or to ten thousand pictures.
 */
import type { StoreError } from '../store.ts';

export class Backlog {
  readonly #most: number;
  #bytes = 0;
  #room: PromiseWithResolvers<void> | null = null;

  /** `most` is how many bytes there may be before anybody is asked to wait. */
  constructor(most: number) {
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** So many more were accepted; fewer than none, where some are on disk or given up. */
  add(more: number): void {
    this.#bytes += more;
    if (this.#bytes > this.#most) return;
    this.#room?.resolve();
    this.#room = null;
  }

  /** `undefined` where there are not too many; else resolves when that is so, and rejects where the disk has failed. */
  get room(): Promise<void> | undefined {
    if (this.#bytes <= this.#most) return undefined;
    if (this.#room === null) {
      this.#room = Promise.withResolvers();
      // Whoever was told to wait may have gone.
      this.#room.promise.catch(() => {});
    }
    return this.#room.promise;
  }

  /** The disk takes nothing: nobody waits for it any more. */
  fail(error: StoreError): void {
    this.#room?.reject(error);
    this.#room = null;
  }
}
