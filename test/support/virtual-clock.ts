/**
 * A clock that stands still until a test moves it: hours of network time in milliseconds, exactly and repeatably.
 *
 * Timers fire in the order in which they are due, those due together in the order in which they were set, one at a
 * time; after each the process settles (microtasks, ticks, immediates and in-memory streams come to rest) before
 * the next. What waits for a disk or for the index of a store is seen where the clock is told to wait for files: then no
 * time passes while they are being worked on. What waits for another thread or a kernel's socket needs a real clock.
 */
import type { Clock, Timer } from '../../src/clock.ts';
import { activity, filesUnderWay } from './activity.ts';

/** Quiet turns of the event loop after which nothing is expected to move any more. */
const quietTurns = 5;
/** More timers than this at one instant are a loop that would never let time pass. */
const instantLimit = 1_000_000;
/** Milliseconds; for longer delays Node's own timers fire at once, so here they are refused. */
const longestDelay = 2 ** 31 - 1;
/** Milliseconds that `advanceUntil` goes on for unless it is told otherwise: an hour. */
const defaultLimit = 3_600_000;

/** What a thread may take to end on a busy machine, in milliseconds. */
const threadTimeout = 5000;

interface PendingTimer {
  readonly due: number;
  readonly order: number;
  wake: (() => void) | null;
}

export class VirtualClock implements Clock {
  readonly #queue = new TimerQueue();
  readonly #wallOffset: number;
  readonly #files: boolean;
  #now = 0;
  #order = 0;
  #pending = 0;
  #firedNow = 0;

  /**
   * Monotonic time begins at 0; wall-clock time at `wallStart`, milliseconds since 1970. With `files` it stands still
   * while files are read or written.
   */
  constructor(wallStart = Date.UTC(2026, 0, 1), { files = false } = {}) {
    this.#wallOffset = wallStart;
    this.#files = files;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#wallOffset + Math.floor(this.#now);
  }

  after(delay: number, wake: () => void): Timer {
    if (!(delay <= longestDelay)) throw new RangeError(`A real timer set to ${delay} ms would fire at once.`);
    const timer: PendingTimer = { due: this.#now + Math.max(0, delay), order: this.#order++, wake };
    this.#queue.push(timer);
    this.#pending += 1;
    return {
      cancel: () => {
        if (timer.wake === null) return;
        timer.wake = null;
        this.#pending -= 1;
      },
    };
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#pending;
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    let seen = activity();
    let waited = 0;
    for (let quiet = 0; quiet < quietTurns; quiet += 1) {
      await turn();
      const files = this.#files && filesUnderWay();
      if (activity() === seen && !files) continue;
      seen = activity();
      quiet = -1;
      waited = files ? waited + 1 : 0;
      // Whoever works on the files may need this processor.
      if (waited > quietTurns) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Lets `duration` milliseconds pass, with everything that happens in them. */
  async advance(duration: number): Promise<void> {
    const target = this.#now + duration;
    await this.settle();
    while (this.#fireNext(target)) await this.settle();
    this.#moveTo(target);
  }

  /**
   * Goes from timer to timer until `goal` holds or settles, at most `limit` milliseconds (an hour unless told
   * otherwise); returns what a promise resolves with, rejects with what it rejects with. Rejects with an `Error`
   * when the time is over, or as soon as no timer is left that could bring the goal about.
   */
  async advanceUntil<T = void>(goal: PromiseLike<T> | (() => boolean), options: { limit?: number } = {}): Promise<T> {
    const { limit = defaultLimit } = options;
    const target = this.#now + limit;
    const reached = typeof goal === 'function' ? goal : watch(goal);
    await this.settle();
    while (!reached()) {
      if (!this.#fireNext(target) && !(this.#files && (await happens(reached)))) {
        const why = this.#pending === 0 ? 'nothing is left to wait for' : `${limit} ms are over`;
        throw new Error(`The goal was not reached at ${this.#now} ms: ${why}.`);
      }
      await this.settle();
    }
    return (typeof goal === 'function' ? undefined : await goal) as T;
  }

  /** Fires the next timer due by `target`; false where there is none. */
  #fireNext(target: number): boolean {
    for (;;) {
      const timer = this.#queue.peek();
      if (timer === undefined || timer.due > target) return false;
      this.#queue.pop();
      const { wake } = timer;
      if (wake === null) continue;
      timer.wake = null;
      this.#pending -= 1;
      this.#moveTo(timer.due);
      this.#firedNow += 1;
      if (this.#firedNow > instantLimit) throw new Error(`Timers without delay never let time pass ${this.#now} ms.`);
      wake();
      return true;
    }
  }

  #moveTo(instant: number): void {
    if (instant > this.#now) this.#firedNow = 0;
    this.#now = Math.max(this.#now, instant);
  }
}

/** A binary heap of timers, the next one due at its root. */
class TimerQueue {
  readonly #heap: PendingTimer[] = [];

  peek(): PendingTimer | undefined {
    return this.#heap[0];
  }

  push(timer: PendingTimer): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(timer, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = timer;
  }

  pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, last)) break;
      heap[index] = child;
      index = 2 * index + (child === left ? 1 : 2);
    }
    heap[index] = last;
  }
}

function isBefore(a: PendingTimer, b: PendingTimer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether something comes about within a moment of real time, as the end of a thread does, of which no work is seen. */
async function happens(reached: () => boolean): Promise<boolean> {
  for (const end = performance.now() + threadTimeout; performance.now() < end; ) {
    if (reached()) return true;
    await turn();
  }
  return false;
}

/** Whether a promise has settled, asked from outside. */
function watch(promise: PromiseLike<unknown>): () => boolean {
  let settled = false;
  const onSettled = () => {
    settled = true;
  };
  promise.then(onSettled, onSettled);
  return () => settled;
}
