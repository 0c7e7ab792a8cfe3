/**
 * Memory for bytes that wait to be written: slabs, filled one after another with the bytes of all objects.
 *
 * A slab is filled again once nobody looks at anything in it. New memory for every byte of a film would be garbage a moment
 * later, and the collector would look through the whole heap for every few MB of it (docs/decisions/0042). Who never says
 * that it looks no more leaves the slab to the collector.
 */
import type { Slice } from '../store.ts';

/** In bytes. A client that does not take its bytes keeps a whole slab from others. */
const slabSize = 256 * 1024;

/** How many are kept for what comes next: as much as two films have unwritten when the disk is slow. */
const mostIdle = 32;

interface Slab {
  readonly memory: Buffer;
  filled: number;
  /** How many look at something in it. */
  holders: number;
}

export class Slabs {
  readonly #idle: Slab[] = [];
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>();
  #filling = this.#next();

  /** Copies `bytes`: into several pieces where a slab ends. */
  copy(bytes: Buffer): Slice[] {
    const pieces: Slice[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (this.#filling.filled === slabSize) this.#filling = this.#next();
      const { memory, filled } = this.#filling;
      const copied = bytes.copy(memory, filled, at);
      this.#filling.filled += copied;
      at += copied;
      pieces.push(this.share(memory.subarray(filled, filled + copied)));
    }
    return pieces;
  }

  /** The same bytes for one more who looks at them; `bytes` is a piece of which somebody else is not done with yet, or a part of it. */
  share(bytes: Buffer): Slice {
    const slab = this.#slabs.get(bytes.buffer);
    if (slab === undefined) throw new Error('these bytes were not copied here');
    slab.holders += 1;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      slab.holders -= 1;
      if (slab.holders === 0) this.#empty(slab);
    };
    return { bytes, release };
  }

  #empty(slab: Slab): void {
    slab.filled = 0;
    if (slab !== this.#filling && this.#idle.length < mostIdle) this.#idle.push(slab);
  }

  #next(): Slab {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const slab = { memory: Buffer.allocUnsafeSlow(slabSize), filled: 0, holders: 0 };
    this.#slabs.set(slab.memory.buffer, slab);
    return slab;
  }
}
