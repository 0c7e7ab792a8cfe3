/**
 * Time, in one place: the only file that reads a clock or sets a timer.
 *
 * Everything that waits takes a `Clock`, so that tests run hours of network time in milliseconds and exactly.
 */
import { untilAborted } from './until-aborted.ts';

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

/** What is to come later than this, in milliseconds, Node calls at once. */
const longestTimeout = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delay, wake) {
    if (delay > longestTimeout) return afterLong(delay, wake);
    const timeout = setTimeout(wake, delay).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

function afterLong(delay: number, wake: () => void): Timer {
  let timer = systemClock.after(longestTimeout, () => {
    timer = systemClock.after(delay - longestTimeout, wake);
  });
  return { cancel: () => timer.cancel() };
}

/** Resolves when what has happened meanwhile has been dealt with: for long work that is not to keep others waiting. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Keeps the process alive until it exits by itself, though it may wait for nothing but a `Clock`. */
export function stayAlive(): void {
  setInterval(() => {}, 2 ** 30);
}

/** Keeps the process alive until it is disposed of, though nothing may be under way but a wait for a `Clock`. */
export function stayAwake(): Disposable {
  const timer = setInterval(() => {}, 2 ** 30);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Resolves after `delay` milliseconds of `clock`; rejects with the signal's reason as soon as it aborts. */
export async function sleep(clock: Clock, delay: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(delay, resolve);
  try {
    await untilAborted(promise, signal);
  } finally {
    timer.cancel();
  }
}

/** What bounds a piece of work: its time in milliseconds, the error where that is over, and its caller's signal. */
export interface Limits {
  readonly clock: Clock;
  readonly limit: number;
  readonly late: () => Error;
  readonly signal: AbortSignal;
  /** As long as it grows, the time begins anew. */
  readonly size?: () => number;
}

/** Calls `work` with a signal that aborts when its caller's does, and with what `late` gives when its time is over. */
export async function within<T>(limits: Limits, work: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
  const { clock, limit, late, signal, size = () => 0 } = limits;
  signal.throwIfAborted();
  const stop = new AbortController();
  let seen = size();
  const look = () => {
    if (size() === seen) {
      stop.abort(late());
      return;
    }
    seen = size();
    timer = clock.after(limit, look);
  };
  const onAbort = () => stop.abort(signal.reason);
  let timer = clock.after(limit, look);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(stop.signal);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
