/**
 * What a fill is doing, derived from what its fetches do; and the events of its changes.
 *
 *     idle ─▶ queued ─▶ starting ─▶ filling ─▶ complete
 *                ▲          │          │
 *                └──────────┴─ failed, paused
 *
 * A run begins with a fetch where there was none, and ends when all have ended and nobody reads, or the last has failed.
 * A full read-ahead window is no phase: a fetch is parked. Fresh or stale is no phase either: it is a predicate over
 * time.
 */
import type { Clock } from '../clock.ts';
import type { FillPhase } from '../events.ts';
import type { Failure } from './failure.ts';
import type { FetchStatus } from './fetch-status.ts';
import type { FillReporter } from './fill-reporter.ts';
import { retryAfter } from './retry.ts';

/** What the live fetches of a fill do at one moment. */
export interface Activity {
  readonly fetches: number;
  /** Those of them that wait for a connection. */
  readonly queued: number;
  /** The highest number of a try among them. */
  readonly attempt: number;
  /** Whether anybody reads. */
  readonly read: boolean;
}

export function activityOf(fetches: readonly Pick<FetchStatus, 'phase' | 'attempt'>[], read: boolean): Activity {
  const queued = fetches.filter(({ phase }) => phase === 'queued').length;
  return { fetches: fetches.length, queued, attempt: Math.max(1, ...fetches.map(({ attempt }) => attempt)), read };
}

export interface PhaseFacts extends Pick<Activity, 'fetches' | 'queued'> {
  readonly closed: boolean;
  /** Whether every byte is present. */
  readonly whole: boolean;
  readonly pausedByUser: boolean;
  /** `answered`: the origin has answered in this run. */
  readonly run: 'none' | 'asking' | 'answered';
  /** Whether the last run failed. */
  readonly failed: boolean;
  /** Whether there ever was a run. */
  readonly begun: boolean;
}

/** @internal Its test needs it alone. */
export function phaseOf(facts: PhaseFacts): FillPhase {
  if (facts.closed) return 'idle';
  if (facts.whole) return 'complete';
  if (facts.pausedByUser) return 'paused';
  if (facts.run === 'answered') return 'filling';
  if (facts.run === 'asking') return facts.fetches > 0 && facts.queued === facts.fetches ? 'queued' : 'starting';
  if (facts.failed) return 'failed';
  return facts.begun ? 'paused' : 'idle';
}

export class Phase {
  readonly #clock: Clock;
  readonly #reporter: FillReporter;
  #current: FillPhase = 'idle';
  #since: number;
  #wantedAt: number;
  #run: PhaseFacts['run'] = 'none';
  #begun = false;
  #whole = false;
  #pausedByUser = false;
  #closed = false;
  #failure: Failure | null = null;
  #retryAt: number | null = null;
  #activity: Activity = { fetches: 0, queued: 0, attempt: 1, read: false };

  constructor(clock: Clock, reporter: FillReporter) {
    this.#clock = clock;
    this.#reporter = reporter;
    this.#since = clock.now();
    this.#wantedAt = clock.now();
  }

  get current(): FillPhase {
    return this.#current;
  }

  /** Since when, in monotonic milliseconds. */
  get since(): number {
    return this.#since;
  }

  /** Since when the content of the run is wanted, in monotonic milliseconds, over all its attempts. */
  get wantedSince(): number {
    return this.#wantedAt;
  }

  /** Of the connection that is being tried, from 1. */
  get attempt(): number {
    return this.#activity.attempt;
  }

  get pausedBy(): 'idle' | 'user' {
    return this.#pausedByUser ? 'user' : 'idle';
  }

  /** What ended the last run; `null` where that was no failure. */
  get failure(): Failure | null {
    return this.#failure;
  }

  /** Before this the origin asked not to be asked again, in monotonic milliseconds; `null` where it did not. */
  get retryAt(): number | null {
    return this.#retryAt;
  }

  /** The fetches do something else; `failure` is what ended the last of them. Returns whether the phase has changed. */
  follow(activity: Activity, failure: Failure | null): boolean {
    this.#activity = activity;
    const { fetches, read } = activity;
    if (!this.#whole && !this.#pausedByUser) {
      if (fetches > 0 && this.#run === 'none') this.#beginRun();
      else if (fetches === 0 && this.#run !== 'none' && (failure !== null || !read)) this.#endRun(failure);
    }
    return this.#update();
  }

  /** The origin has answered with content. */
  answered(): void {
    if (this.#run === 'none') return;
    this.#run = 'answered';
    this.#update();
  }

  /** Every byte of `length` is present. */
  complete(length: number): void {
    const filled = this.#current === 'filling';
    this.#whole = true;
    this.#endRun(null);
    this.#update();
    if (filled) this.#reporter.done(length, this.#clock.now() - this.#wantedAt);
  }

  /** Bytes that were present are gone. */
  lost(): void {
    if (!this.#whole) return;
    this.#whole = false;
    this.#update();
  }

  pause(): void {
    this.#pausedByUser = true;
    this.#endRun(null);
    this.#update();
  }

  resume(): void {
    this.#pausedByUser = false;
    this.#update();
  }

  close(): void {
    this.#closed = true;
    this.#update();
  }

  #beginRun(): void {
    this.#run = 'asking';
    this.#begun = true;
    this.#failure = null;
    this.#retryAt = null;
    this.#wantedAt = this.#clock.now();
  }

  #endRun(failure: Failure | null): void {
    const pause = failure === null ? 0 : retryAfter(failure, this.#clock.wallTime());
    this.#run = 'none';
    this.#begun = true;
    this.#failure = failure;
    this.#retryAt = pause > 0 ? this.#clock.now() + pause : null;
  }

  #update(): boolean {
    const from = this.#current;
    const { fetches, queued } = this.#activity;
    const to = phaseOf({
      closed: this.#closed,
      whole: this.#whole,
      pausedByUser: this.#pausedByUser,
      run: this.#run,
      failed: this.#failure !== null,
      begun: this.#begun,
      fetches,
      queued,
    });
    if (from === to) return false;
    this.#current = to;
    this.#since = this.#clock.now();
    this.#reporter.phaseChanged(from, to);
    if (to === 'failed' && this.#failure !== null) this.#reporter.failed(this.#failure);
    return true;
  }
}
