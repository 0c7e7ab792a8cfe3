/**
 * Whether the medium takes bytes, and when it is tried again.
 *
 * After a failure everything goes past it, and a timer tries again: as long as it fails and somebody wants it. The
 * pause doubles where a medium fails again right after it had come back, so that a broken one is not hammered.
 */
import type { Clock, Timer } from '../../clock.ts';
import type { StoreError } from '../store.ts';
import { storeError } from './private-files.ts';

/** In milliseconds; from the end of a fault to the next try it never takes longer than the most. */
const retry = { first: 1000, most: 4000, calm: 10_000 };

export interface MediumStateOptions {
  readonly clock: Clock;
  /** Tries the medium; rejects where it still fails. */
  readonly attempt: () => Promise<void>;
  /** Whether bytes wait for it. */
  readonly isWanted: () => boolean;
  /** Called when it has failed, and with `null` when it has come back. */
  readonly onChange: (trouble: StoreError | null) => void;
}

export class MediumState {
  readonly #options: MediumStateOptions;
  #trouble: StoreError | null = null;
  #timer: Timer | null = null;
  #pause = retry.first;
  #backSince = Number.NEGATIVE_INFINITY;
  #attempting: Promise<void> | null = null;
  #closed = false;

  constructor(options: MediumStateOptions) {
    this.#options = options;
  }

  get trouble(): StoreError | null {
    return this.#trouble;
  }

  /** The medium has failed. */
  fail(error: StoreError): void {
    if (this.#trouble === null) {
      const quick = this.#options.clock.now() - this.#backSince < retry.calm;
      this.#pause = quick ? Math.min(retry.most, 2 * this.#pause) : retry.first;
      this.#trouble = error;
      this.#options.onChange(error);
    }
    this.want();
  }

  /** Somebody would like to store something. */
  want(): void {
    if (this.#trouble === null || this.#attempting !== null || this.#closed) return;
    this.#timer ??= this.#options.clock.after(this.#pause, () => {
      this.#timer = null;
      this.#attempting = this.#attempt().finally(() => {
        this.#attempting = null;
        if (this.#options.isWanted()) this.want();
      });
    });
  }

  /** Tries no more; resolves when nothing is being tried. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#attempting;
  }

  async #attempt(): Promise<void> {
    try {
      await this.#options.attempt();
    } catch (error) {
      this.#trouble = storeError(error, 'The store could not be used again');
      return;
    }
    this.#trouble = null;
    this.#backSince = this.#options.clock.now();
    this.#options.onChange(null);
  }
}
