/**
 * Time, in one place: the only file that reads a clock or sets a timer.
 *
 * Everything that waits takes a `Clock`, so that tests run hours of network time in milliseconds and exactly.
 */

/** A timer that has been set. */
export interface Timer {
  /** Takes the timer back; harmless once it has fired. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic time in milliseconds, with a fraction; its zero means nothing. */
  now(): number;
  /** Wall-clock time in milliseconds since 1970, for `Date`, `Age` and freshness only. */
  wallTime(): number;
  /** Calls `wake` once, `delay` milliseconds from now. The timer does not keep the process alive. */
  after(delay: number, wake: () => void): Timer;
}

/** A clock that knows how many of its timers have neither fired nor been taken back. */
export interface CountedClock extends Clock {
  readonly pending: number;
}

/** The same time as `clock`, with the timers counted that are set through it. */
export function countedClock(clock: Clock): CountedClock {
  let pending = 0;
  return {
    get pending() {
      return pending;
    },
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    after(delay, wake) {
      let over = false;
      const end = () => {
        if (over) return;
        over = true;
        pending -= 1;
      };
      pending += 1;
      const timer = clock.after(delay, () => {
        end();
        wake();
      });
      return {
        cancel() {
          end();
          timer.cancel();
        },
      };
    },
  };
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delay, wake) {
    const timeout = setTimeout(wake, delay).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** Keeps the process alive until it exits by itself, though it may wait for nothing but a `Clock`. */
export function stayAlive(): void {
  setInterval(() => {}, 2 ** 30);
}

/** Resolves after `delay` milliseconds of `clock`; rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.after(delay, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
