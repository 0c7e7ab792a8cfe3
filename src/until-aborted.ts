/** The one way to wait under a signal: it ends with what is waited for or with the signal, and leaves no listener. */

/** The signal of who never leaves. */
export const never: AbortSignal = new AbortController().signal;

/**
 * Settles as `promise` does; rejects at once with the signal's reason when it aborts. `leave` is called in the very turn
 * in which the signal aborts, so that nothing is given any more to somebody who has left.
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal, leave = () => {}): Promise<T> {
  if (signal === never) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => {
    leave();
    reject(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
