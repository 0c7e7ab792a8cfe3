/**
 * Waiting for bytes: what a reader sees at its offset, and the set of those who wait.
 *
 * `arrivalAt` is the one question. Who waits asks it, and whoever receives a byte or ends a hope asks it again on their
 * behalf; so the two can't disagree. A waiter looks and registers in one synchronous step, so no wake-up can fall
 * between. Nothing polls: a look happens when something has changed, and one timer a waiter guards its deadline
 * (`deadlines.ts`).
 *
 * Bytes come in small pieces, and often many clients wait for each. Who has had nothing yet looks at every piece. Where a
 * crowd waits in mid-reply, it looks when everything is there that comes in one turn, and each takes it in one go.
 */
import type { RangeSet } from '../bytes/range-set.ts';
import { type Clock, nextTurn } from '../clock.ts';
import type { Representation } from '../http/representation.ts';
import type { FillFailed } from './failure.ts';

/** The bytes will not come. */
export interface Failed {
  readonly kind: 'failed';
  readonly error: FillFailed;
}

/** What a reader sees at its offset; `null` in its place means: keep waiting. */
export type Arrival = { readonly kind: 'bytes'; readonly end: number } | { readonly kind: 'end' } | Failed;

/** `end` is where the reader wants to stop, `length` where the representation does; `null` for not known. */
export function arrivalAt(
  offset: number,
  end: number | null,
  length: number | null,
  present: RangeSet,
  failed: FillFailed | null,
): Arrival | null {
  if ((end !== null && offset >= end) || (length !== null && offset >= length)) return { kind: 'end' };
  const runEnd = present.runEnd(offset);
  if (runEnd > offset) return { kind: 'bytes', end: end === null ? runEnd : Math.min(end, runEnd) };
  return failed === null ? null : { kind: 'failed', error: failed };
}

/** What somebody sees who needs the head only: the representation, or why it will not be known. */
export type HeadArrival = { readonly kind: 'head'; readonly representation: Representation } | Failed;

export function headAt(known: Representation | null, failed: FillFailed | null): HeadArrival | null {
  if (known !== null) return { kind: 'head', representation: known };
  return failed === null ? null : { kind: 'failed', error: failed };
}

/** So many are a crowd: to wake them takes longer than the next piece does to come. */
const crowd = 8;

/** Everyone who waits for something of one fill. */
export class Waiters {
  readonly #clock: Clock;
  /** Those who have had nothing yet, and those who have had bytes. */
  readonly #unbegun = new Set<() => void>();
  readonly #midReply = new Set<() => void>();
  #isTurnAwaited = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#unbegun.size + this.#midReply.size;
  }

  /**
   * Resolves with what `look` gives as soon as it gives something, or with `null` when `deadline` has passed. The
   * deadline may move while the wait goes on. `midReply`: who waits has had bytes before. Rejects with the signal's reason.
   */
  wait<T>(look: () => T | null, deadline: () => number, signal: AbortSignal, midReply = false): Promise<T | null> {
    const looks = midReply ? this.#midReply : this.#unbegun;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const seen = look();
      if (seen !== null) return resolve(seen);

      const leave = () => {
        looks.delete(again);
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
      };
      const again = () => {
        const seen = look();
        if (seen !== null) {
          leave();
          resolve(seen);
        } else if (deadline() < guarded) {
          timer.cancel();
          timer = guard();
        }
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
      };
      const guard = () => {
        guarded = deadline();
        return this.#clock.after(Math.max(0, guarded - this.#clock.now()), () => {
          if (deadline() > this.#clock.now()) {
            timer = guard();
            return;
          }
          leave();
          resolve(null);
        });
      };
      let guarded = 0;
      let timer = guard();
      looks.add(again);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Something has changed: everyone looks again, now. */
  wake(): void {
    for (const look of this.#unbegun) look();
    this.#wakeMidReply();
  }

  /** A piece has come, and more may come in this turn. */
  received(): void {
    for (const look of this.#unbegun) look();
    if (this.#midReply.size < crowd) this.#wakeMidReply();
    else if (!this.#isTurnAwaited) void this.#wakeNextTurn();
  }

  async #wakeNextTurn(): Promise<void> {
    this.#isTurnAwaited = true;
    await nextTurn();
    this.#isTurnAwaited = false;
    this.#wakeMidReply();
  }

  #wakeMidReply(): void {
    for (const look of this.#midReply) look();
  }
}
