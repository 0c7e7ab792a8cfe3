/** Calls that concern one object happen one after another, in the order in which they were made. */
import { never, untilAborted } from '../../until-aborted.ts';
import type { ObjectName } from '../store.ts';

export class CallQueue {
  /** The latest call for each name. */
  readonly #latest = new Map<ObjectName, Promise<unknown>>();

  /**
   * Calls `work` when all earlier calls for this name have ended, however they did. When `signal` aborts, rejects with its
   * reason; then `work` is not called any more, or what it gives in the end goes to `giveBack`.
   */
  async run<Result>(
    name: ObjectName,
    work: () => Promise<Result>,
    signal: AbortSignal = never,
    giveBack: (result: Result) => void = () => {},
  ): Promise<Result> {
    signal.throwIfAborted();
    const begin = () => {
      signal.throwIfAborted();
      return work();
    };
    const call = (this.#latest.get(name) ?? Promise.resolve()).then(begin, begin);
    this.#latest.set(name, call);
    const end = () => {
      if (this.#latest.get(name) === call) this.#latest.delete(name);
    };
    call.then(end, end);
    try {
      return await untilAborted(call, signal);
    } catch (error) {
      call.then(giveBack, () => {});
      throw error;
    }
  }

  /** Whether a call for this name is under way. */
  has(name: ObjectName): boolean {
    return this.#latest.has(name);
  }

  /** Resolves when all calls have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#latest.values());
  }
}
