/** Lets at most `width` jobs run at once; the others wait in order of coming, pressing ones before all others. */
export class Gate {
  readonly #width: number;
  #inside = 0;
  readonly #pressing = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(width: number) {
    this.#width = width;
  }

  /** Resolves when a job may begin, with what is to be called once when it has ended. Rejects with the signal's reason. */
  async enter(signal: AbortSignal, pressing = false): Promise<() => void> {
    signal.throwIfAborted();
    const now = this.enterNow();
    if (now !== null) return now;
    const line = pressing ? this.#pressing : this.#waiting;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      line.delete(resolve);
      reject(signal.reason);
    };
    line.add(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    return () => this.#leave();
  }

  /** The same, where nobody need wait; else `null`. */
  enterNow(): (() => void) | null {
    if (this.#inside >= this.#width) return null;
    this.#inside += 1;
    return () => this.#leave();
  }

  async run<Result>(job: () => Promise<Result>): Promise<Result> {
    const leave = await this.enter(never);
    try {
      return await job();
    } finally {
      leave();
    }
  }

  /** Whoever has waited longest takes the place over. */
  #leave(): void {
    const line = this.#pressing.size > 0 ? this.#pressing : this.#waiting;
    const [next] = line;
    if (next === undefined) {
      this.#inside -= 1;
      return;
    }
    line.delete(next);
    next();
  }
}

const never = new AbortController().signal;
