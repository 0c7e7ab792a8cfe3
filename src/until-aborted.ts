/** Waits that end: with what is waited for, with somebody's word, or with their time. */
import type { Clock } from './clock.ts';

/** Settles as `promise` does; rejects at once with the signal's reason when it aborts. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Calls `work` with a signal that aborts when `signal` does, and after `limit` milliseconds with what `late` gives. */
export async function within<T>(
  { clock, limit, late, signal }: { clock: Clock; limit: number; late: () => Error; signal: AbortSignal },
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  const timer = clock.after(limit, () => stop.abort(late()));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await work(stop.signal);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
