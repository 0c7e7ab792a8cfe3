/** Pauses of any length, also for good, which no timer can do. */
import { type Clock, sleep } from '../../src/clock.ts';

/** Lets `duration` milliseconds pass; none if it is not positive, for good if it is `Infinity`. Rejects on abort. */
export function pause(clock: Clock, duration: number, signal: AbortSignal): Promise<void> {
  if (duration !== Number.POSITIVE_INFINITY) return duration > 0 ? sleep(clock, duration, signal) : Promise.resolve();
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
