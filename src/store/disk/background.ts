/** Work of a disk store in the background: only its close waits for it, and its failures are only reported. */
import { StoreError } from '../store.ts';
import type { StoreEvents } from '../store-events.ts';

export class Background {
  readonly #events: Pick<StoreEvents, 'leftover'>;
  readonly #closing = new AbortController();
  /** None of them rejects. */
  readonly #works = new Set<Promise<void>>();

  constructor(events: Pick<StoreEvents, 'leftover'>) {
    this.#events = events;
  }

  /** Aborts when the store is being closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Resolves when the work has ended, however it did. */
  run(work: Promise<void>): Promise<void> {
    const done = work.catch(this.report).finally(() => this.#works.delete(done));
    this.#works.add(done);
    return done;
  }

  /** Files could not be closed or removed: that is seen to at the next start. */
  readonly report = (error: unknown): void => {
    if (this.closing.aborted) return;
    this.#events.leftover(StoreError.from(error, 'Files could not be closed or removed'));
  };

  /** Resolves when everything that has begun has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#works);
  }

  stop(): void {
    this.#closing.abort();
  }
}
