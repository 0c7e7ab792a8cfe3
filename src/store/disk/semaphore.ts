/** Lets at most `width` jobs run at once; the others wait in the order in which they came, urgent ones before all others. */
import { WaitQueue } from '../../kit/wait-queue.ts';
import { never } from '../../until-aborted.ts';

/** Ends the job; to be called once. */
type Release = () => void;

export class Semaphore {
  #free: number;
  readonly #urgent = new WaitQueue<Release>();
  readonly #others = new WaitQueue<Release>();

  constructor(width: number) {
    this.#free = width;
  }

  /** Resolves when a job may begin. Rejects with the signal's reason. */
  async acquire(signal: AbortSignal, isUrgent = false): Promise<Release> {
    signal.throwIfAborted();
    return this.acquireNow() ?? (isUrgent ? this.#urgent : this.#others).wait(undefined, signal);
  }

  /** The same, where nobody need wait; else `null`. */
  acquireNow(): Release | null {
    if (this.#free === 0) return null;
    this.#free -= 1;
    return () => {
      this.#free += 1;
      for (const queue of [this.#urgent, this.#others]) queue.serve(() => this.acquireNow());
    };
  }

  async run<Result>(job: () => Promise<Result>): Promise<Result> {
    const release = this.acquireNow() ?? (await this.acquire(never));
    try {
      return await job();
    } finally {
      release();
    }
  }
}
