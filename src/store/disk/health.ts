/**
 * Whether the disk takes bytes, and when it is tried again.
 *
 * After a failure all bytes go past the disk. A timer tries the disk again as long as somebody wants to store something.
 * The pause doubles when the disk fails right after it had come back, so that a broken one is not hammered.
 */
import { pauses } from '../../budgets.ts';
import type { Clock, Timer } from '../../clock.ts';
import { backOffMs } from '../../kit/back-off.ts';
import type { FullState } from '../full-state.ts';
import { StoreError } from '../store.ts';
import type { StoreEvents } from '../store-events.ts';
import type { Backlog } from './backlog.ts';

/** A failure so soon after a recovery counts as the same trouble. */
const calmMs = 10_000;

export interface HealthOptions {
  readonly clock: Clock;
  readonly full: FullState;
  /** Nobody waits for a disk that has failed, whatever it failed at. */
  readonly backlog: Pick<Backlog, 'fail'>;
  /** Tries the disk; rejects where it still fails. */
  readonly recover: () => Promise<void>;
  /** Whether bytes wait for it. */
  readonly isWanted: () => boolean;
  readonly events: Pick<StoreEvents, 'stateChanged'>;
}

export class Health {
  readonly #options: HealthOptions;
  #trouble: StoreError | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  #backSince = Number.NEGATIVE_INFINITY;
  #attempting: Promise<void> | null = null;
  #closed = false;
  #told: string | null = null;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** What the disk has failed with; `null` while it works. */
  get trouble(): StoreError | null {
    return this.#trouble;
  }

  /** Why nothing is stored now: the disk has failed, or there is no room. */
  get notStoring(): StoreError | null {
    return this.#trouble ?? this.#options.full.current;
  }

  /** Tells whether bytes are stored, where that has changed. */
  tell(): void {
    const why = this.notStoring;
    const code = why?.code ?? null;
    if (code === this.#told) return;
    this.#told = code;
    this.#options.events.stateChanged(why);
  }

  /** The disk has failed. */
  fail(error: StoreError): void {
    if (this.#trouble === null) {
      const isAgain = this.#options.clock.now() - this.#backSince < calmMs;
      this.#failures = isAgain ? this.#failures + 1 : 1;
      this.#trouble = error;
      this.#options.backlog.fail(error);
      this.tell();
    }
    this.want();
  }

  /** Somebody would like to store something. */
  want(): void {
    if (this.#trouble === null || this.#attempting !== null || this.#closed) return;
    this.#timer ??= this.#options.clock.after(backOffMs(pauses.disk, this.#failures), () => {
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
    this.#options.full.stop();
    await this.#attempting;
  }

  async #attempt(): Promise<void> {
    try {
      await this.#options.recover();
    } catch (error) {
      this.#trouble = StoreError.from(error, 'The store could not be used again');
      return;
    }
    this.#trouble = null;
    this.#backSince = this.#options.clock.now();
    this.tell();
  }
}
