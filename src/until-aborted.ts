/** The one way to wait under a signal: it ends with what is waited for or with the signal, and leaves no listener. */

/** The signal of who never leaves. */
export const never: AbortSignal = new AbortController().signal;

/**
 * Settles as `promise` does; rejects at once with the signal's reason when it aborts. `leave` is called in the very turn
 * in which the signal aborts, so that nothing is given any more to somebody who has left.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal, leave = () => {}): Promise<T> {
  if (signal === never) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      signal.removeEventListener('abort', onAbort);
      leave();
      // What has come in this very turn, before, is given.
      queueMicrotask(() => reject(signal.reason));
    };
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    promise.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}
