/**
 * Why the bytes that somebody waits for will not come.
 *
 * `error` is ours (RFC 9209), `answer` is the origin's own status, passed on as it came; `unsatisfiable` says that the
 * offset lies past the end; `changed` that the origin now holds another representation, so that a new fill must begin;
 * `uncombinable` that no second request can be combined with the first, for want of a strong validator (RFC 9111 §3.4);
 * `exclusive` that the answer is for the one client that asked (§4), so that the others ask for themselves; `uncached`
 * that the client forbade to ask the origin (`only-if-cached`, §5.2.1.7); `varied` that this representation was chosen by
 * what another client said (`Vary`, §4.1), so that another entry has the one for this client.
 */
import { ProxyError, type ProxyErrorDetails, type ProxyErrorType } from '../errors.ts';
import type { FillPhase } from '../events.ts';
import type { Fields } from '../http/fields.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly fields: Fields;
  readonly body: Buffer;
}

export type Failure =
  | { readonly kind: 'error'; readonly error: ProxyError }
  | { readonly kind: 'answer'; readonly answer: ErrorAnswer }
  | { readonly kind: 'unsatisfiable'; readonly length: number | null }
  | { readonly kind: 'changed' }
  | { readonly kind: 'uncombinable' }
  | { readonly kind: 'exclusive' }
  | { readonly kind: 'uncached' }
  | { readonly kind: 'varied' };

/** A failure of our own (RFC 9209 §2.3). */
export function ownFailure(type: ProxyErrorType, message: string, details?: ProxyErrorDetails): Failure {
  return { kind: 'error', error: new ProxyError(type, message, details) };
}

/** Whether something is wrong: a redirect, a range beyond the end and what the client itself forbade are not. */
export function isTrouble(failure: Failure): boolean {
  if (failure.kind === 'answer') return failure.answer.status >= 400;
  return failure.kind !== 'unsatisfiable' && failure.kind !== 'uncached';
}

/** One plain sentence for logs and views. */
export function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'error':
      return failure.error.message;
    case 'answer':
      return `the origin answered ${failure.answer.status}`;
    case 'unsatisfiable':
      return 'the origin holds no byte at that offset';
    case 'changed':
      return 'it has changed at the origin, or was removed from the cache';
    case 'uncombinable':
      return 'the origin gives no strong validator, so that parts of it cannot be combined';
    case 'exclusive':
      return 'the origin answered one client only';
    case 'uncached':
      return 'the client forbade to ask the origin';
    case 'varied':
      return 'the origin answers another client otherwise';
  }
}

/** Carries a failure to whoever awaits bytes. */
export class FillFailed extends Error {
  override readonly name = 'FillFailed';
  readonly failure: Failure;
  /** The fill's phase when it was decided; `null` where it is of one request to the origin only. */
  readonly phase: FillPhase | null;
  /** Whether the budget was spent, rather than a final answer heard. */
  readonly budgetSpent: boolean;

  constructor(failure: Failure, phase: FillPhase | null = null, budgetSpent = false) {
    super(describeFailure(failure));
    this.failure = failure;
    this.phase = phase;
    this.budgetSpent = budgetSpent;
  }
}
