/**
 * What is known of objects that nobody has open: of those that were closed last, as much as has room in memory.
 *
 * Who opens one of these waits for no thread, and what was compared with its checksums is not compared again.
 */
import type { Representation } from '../../http/representation.ts';
import type { BlockIndex } from './block-index.ts';
import type { HeldOnDisk } from './held-on-disk.ts';

/** What an object is, beside its bytes: the same as its row in the index. */
export interface Description {
  representation: Representation;
  readonly blocks: BlockIndex;
}

/** What one takes in memory, about, in bytes: by itself, and for each block that it names. */
const size = { own: 1536, block: 16 };

export class ClosedObjects {
  readonly #most: number;
  /** Those closed longest ago first. */
  readonly #all = new Map<HeldOnDisk, Description>();
  #size = 0;

  /** `most` in bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The last who had it open has closed it, and its row is saved. */
  keep(held: HeldOnDisk, description: Description): void {
    this.#all.set(held, description);
    this.#size += sizeOf(description);
    for (const oldest of this.#all.keys()) {
      if (this.#size <= this.#most) return;
      this.take(oldest);
    }
  }

  /** What is known of it, as long as nobody opens it; `null` where the index has to be asked. It counts as closed last. */
  look(held: HeldOnDisk): Description | null {
    const description = this.#all.get(held);
    if (description === undefined) return null;
    this.#all.delete(held);
    this.#all.set(held, description);
    return description;
  }

  /** Whether that is still what is known of it. */
  has(held: HeldOnDisk, description: Description): boolean {
    return this.#all.get(held) === description;
  }

  /** What is known of it, which is the caller's from now on; `null` where the index has to be asked. */
  take(held: HeldOnDisk): Description | null {
    const description = this.#all.get(held);
    if (description === undefined) return null;
    this.#all.delete(held);
    this.#size -= sizeOf(description);
    return description;
  }

  clear(): void {
    this.#all.clear();
    this.#size = 0;
  }
}

function sizeOf({ blocks }: Description): number {
  return size.own + size.block * blocks.size;
}
