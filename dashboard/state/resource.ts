/**
 * One resource of the API: its newest answer, or why there is none.
 *
 * `refresh` requests it. A call during a request gets the answer of the next request, so that no answer is older than
 * its call. Any number of calls make two requests at most.
 */
import { signal } from '@preact/signals';
import { ApiProblem, get } from '../api/client.ts';

export class Resource<T> {
  /** `null` before the first answer; the last answer while no newer one comes. */
  readonly value = signal<T | null>(null);
  /** Why the newest request failed. */
  readonly problem = signal<ApiProblem | null>(null);
  readonly #path: () => string;
  #asking: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(path: string | (() => string)) {
    this.#path = typeof path === 'string' ? () => path : path;
  }

  refresh(): Promise<void> {
    if (this.#asking === null) {
      this.#asking = this.#ask();
      return this.#asking;
    }
    this.#next ??= this.#asking.then(() => {
      this.#next = null;
      this.#asking = this.#ask();
      return this.#asking;
    });
    return this.#next;
  }

  async #ask(): Promise<void> {
    try {
      this.value.value = await get<T>(this.#path());
      this.problem.value = null;
    } catch (error) {
      this.problem.value = error instanceof ApiProblem ? error : new ApiProblem(null, String(error));
    } finally {
      this.#asking = null;
    }
  }
}
