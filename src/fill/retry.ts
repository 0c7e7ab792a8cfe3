/**
 * When to ask an origin again. Backoff is for asking others: whoever waits for bytes of our own is woken.
 */
import { mayPass, ProxyError } from '../errors.ts';
import type { RetryCause } from '../events.ts';
import { fieldValue } from '../http/fields.ts';
import { backOffMs } from '../kit/back-off.ts';
import type { Failure } from './failure.ts';
import type { FillPolicy } from './policy.ts';

/**
 * Why it makes sense to ask again, or `null` where the failure is final. An origin that says when to ask again may take
 * back what it said (RFC 9110 §10.2.3). `midReply`: it has just given of what it now refuses, so that each error may pass.
 */
export function retryCause(failure: Failure, midReply = false): RetryCause | null {
  if (failure.kind === 'answer') {
    const { status, fields } = failure.answer;
    const isAskedToWait = status >= 400 && fieldValue(fields, 'retry-after') !== null;
    return midReply || isAskedToWait || mayPass(status) ? 'status' : null;
  }
  return failure.kind === 'error' ? failure.error.retryAs : null;
}

/** Milliseconds that the origin asked for by `Retry-After` (RFC 9110 §10.2.3), 0 where it did not. */
export function retryAfter(failure: Failure, wallTime: number): number {
  if (failure.kind !== 'answer') return 0;
  const value = fieldValue(failure.answer.fields, 'retry-after')?.trim();
  if (value === undefined) return 0;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - wallTime);
}

/** The tries of one fetch: how many in a row brought nothing new, and how long to wait before the next. */
export class Tries {
  readonly #policy: Pick<FillPolicy, 'retryInitial' | 'retryMax'>;
  readonly #random: () => number;
  #failures = 0;
  /** From an origin without ranges each begins anew: bytes up to where an earlier one came are no progress. */
  #furthest = -1;

  /** `random` gives 0 to 1, for jitter. */
  constructor(policy: Pick<FillPolicy, 'retryInitial' | 'retryMax'>, random: () => number) {
    this.#policy = policy;
    this.#random = random;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** One has ended at `position` with a failure. Returns whether it brought something new. */
  failed(position: number, hasReceived: boolean): boolean {
    const progressed = hasReceived && position > this.#furthest;
    this.#failures = progressed ? 1 : this.#failures + 1;
    this.#furthest = Math.max(this.#furthest, position);
    return progressed;
  }

  /**
   * The pause before the next, in milliseconds: exponential with full jitter, none after the first cut (`healing`), at
   * least what the origin `asked` for. `null` where there is no `hope` left in which it could be made.
   */
  pause({ healing, asked, hope }: { readonly healing: boolean; readonly asked: number; readonly hope: number }) {
    const backOff = { firstMs: this.#policy.retryInitial, longestMs: this.#policy.retryMax };
    if (asked >= hope || hope < backOff.firstMs) return null;
    const tries = healing ? this.#failures - 1 : this.#failures;
    if (tries === 0) return asked;
    // Near the end the pauses shrink: an origin that wakes up a moment before it is still met.
    return Math.max(asked, Math.min(this.#random() * backOffMs(backOff, tries), hope / 2));
  }
}

/** Anything thrown by an origin or a store, as a failure; what is neither is a bug and thrown on. */
export function failureFrom(error: unknown): Failure {
  if (error instanceof ProxyError) return { kind: 'error', error };
  throw error;
}
