/** Calls that concern one object happen one after another, in the order in which they were made. */
import type { ObjectName } from '../store.ts';

export class CallQueue {
  /** The latest call for each name. */
  readonly #latest = new Map<ObjectName, Promise<unknown>>();

  /** Calls `work` when all earlier calls for this name have ended, however they did. */
  run<Result>(name: ObjectName, work: () => Promise<Result>): Promise<Result> {
    const call = (this.#latest.get(name) ?? Promise.resolve()).then(work, work);
    this.#latest.set(name, call);
    const end = () => {
      if (this.#latest.get(name) === call) this.#latest.delete(name);
    };
    call.then(end, end);
    return call;
  }

  /** Resolves when all calls have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#latest.values());
  }
}
