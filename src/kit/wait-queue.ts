/** A queue of those who wait, served in the order in which they came: what semaphores, pools and permits have below. */
import { untilAborted } from '../until-aborted.ts';

export class WaitQueue<Given, About = void> {
  readonly #waiting = new Map<(given: Given) => void, About>();

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves with what `serve` gives; `about` is what that is told of this one. Rejects with the signal's reason. */
  async wait(about: About, signal: AbortSignal): Promise<Given> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<Given>();
    this.#waiting.set(resolve, about);
    return untilAborted(promise, signal, () => this.#waiting.delete(resolve));
  }

  /** Serves the first in the queue, again and again, until `give` has nothing to give (`null`) or nobody waits. */
  serve(give: (about: About) => Given | null): void {
    for (const [resolve, about] of this.#waiting) {
      const given = give(about);
      if (given === null) return;
      this.#waiting.delete(resolve);
      resolve(given);
    }
  }
}
