/** Gathers what is added in one turn, and handles all of it together: for work that costs as much for many as for one. */
export class Batch<T> {
  readonly #take: (all: ReadonlySet<T>) => void;
  readonly #onError: (error: unknown) => void;
  #all = new Set<T>();

  /** `take` is called when whoever adds has done what else is to be done now; `onError` with what it throws. */
  constructor(take: (all: ReadonlySet<T>) => void, onError: (error: unknown) => void) {
    this.#take = take;
    this.#onError = onError;
  }

  add(one: T): void {
    this.#all.add(one);
    if (this.#all.size === 1) queueMicrotask(() => this.settle());
  }

  /** Takes now what would be taken in a moment. */
  settle(): void {
    if (this.#all.size === 0) return;
    const all = this.#all;
    this.#all = new Set();
    try {
      this.#take(all);
    } catch (error) {
      this.#onError(error);
    }
  }
}
