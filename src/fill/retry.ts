/**
 * When to ask an origin again. Backoff is for asking others: whoever waits for bytes of our own is woken.
 */
import { ProxyError, passingStatuses } from '../errors.ts';
import type { RetryCause } from '../events.ts';
import { fieldValue } from '../http/fields.ts';
import type { Failure } from './failure.ts';
import type { FillPolicy } from './policy.ts';

/** Why it makes sense to ask again, or `null` where the failure is final. */
export function retryCause(failure: Failure): RetryCause | null {
  if (failure.kind === 'answer') return passingStatuses.has(failure.answer.status) ? 'status' : null;
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

/** The pause before attempt number `attempt` + 1, in milliseconds: exponential with full jitter. */
export function backoff(attempt: number, policy: FillPolicy, random: () => number): number {
  return random() * Math.min(policy.retryMax, policy.retryInitial * 2 ** (attempt - 1));
}

/** Anything thrown by an origin or a store, as a failure; what is neither is a bug and thrown on. */
export function failureFrom(error: unknown): Failure {
  if (error instanceof ProxyError) return { kind: 'error', error };
  throw error;
}
