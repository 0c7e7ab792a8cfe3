/**
 * Long work as a resource. A job runs, reports its progress, can be cancelled, and is remembered for a while.
 *
 *     running ─▶ done │ failed │ cancelled
 *
 * The end of a job is an event. A bounded number of jobs runs at one time, and a bounded number is remembered.
 */
import type { Work } from '../admin/holdings.ts';
import { FillFailed, StoreError } from '../cache/read-session.ts';
import type { Clock } from '../clock.ts';
import { bugOf, type EventBus, type JobKind, type JobOutcome } from '../events.ts';
import type { JobResult } from './answers.ts';
import { Problem } from './problem.ts';

/** At most so many jobs run at one time. */
export const mostRunning = 16;

/** So many ended jobs are remembered. */
const mostEnded = 100;

export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  /** The title of the job; `null` where it has several. */
  readonly title: { readonly origin: string; readonly path: string } | null;
  readonly state: 'running' | JobOutcome;
  /** In bytes; `total` is `null` while it is not known. */
  readonly done: number;
  readonly total: number | null;
  /** In wall-clock time. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly result: JobResult | null;
  /** Why it failed, in one sentence. */
  readonly problem: string | null;
}

interface Kept {
  job: Job;
  readonly abort: AbortController;
}

export class Jobs {
  readonly #events: EventBus;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #next = 1;

  constructor(events: EventBus, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  /** `null` where too many jobs run already. */
  start(kind: JobKind, title: Job['title'], work: Work<JobResult>): Job | null {
    if ([...this.#kept.values()].filter(({ job }) => job.state === 'running').length >= mostRunning) return null;
    const id = String(this.#next);
    this.#next += 1;
    const startedAt = this.#clock.wallTime();
    const fresh = { done: 0, total: null, startedAt, endedAt: null, result: null, problem: null };
    const kept: Kept = { job: { id, kind, title, state: 'running', ...fresh }, abort: new AbortController() };
    this.#kept.set(id, kept);
    void this.#run(kept, work);
    return kept.job;
  }

  list(): Job[] {
    return Array.from(this.#kept.values(), ({ job }) => job);
  }

  get(id: string): Job | null {
    return this.#kept.get(id)?.job ?? null;
  }

  /** Cancels a job; an ended one stays as it is. `null`: there is no such job. */
  cancel(id: string): Job | null {
    const kept = this.#kept.get(id);
    if (kept?.job.state === 'running') this.#end(kept, 'cancelled');
    return kept?.job ?? null;
  }

  /** Cancels all jobs. */
  stop(): void {
    for (const id of [...this.#kept.keys()]) this.cancel(id);
  }

  async #run(kept: Kept, work: Work<JobResult>): Promise<void> {
    const add = (bytes: number) => this.#note(kept, { done: kept.job.done + bytes });
    const expect = (total: number | null) => this.#note(kept, { total });
    try {
      const result = await work({ add, expect }, kept.abort.signal);
      this.#end(kept, 'done', { result });
    } catch (error) {
      if (kept.job.state === 'running' && !isExpected(error)) this.#events.emit(bugOf(error, this.#clock.now()));
      const problem = isExpected(error) ? error.message : 'Something went wrong inside firstbyte; its log says more.';
      this.#end(kept, 'failed', { problem });
    }
  }

  #note(kept: Kept, change: Partial<Job>): void {
    if (kept.job.state === 'running') kept.job = { ...kept.job, ...change };
  }

  #end(kept: Kept, outcome: JobOutcome, change: Partial<Job> = {}): void {
    if (kept.job.state !== 'running') return;
    kept.job = { ...kept.job, ...change, state: outcome, endedAt: this.#clock.wallTime() };
    kept.abort.abort(new Error('The job has ended.'));
    const { id, kind, done } = kept.job;
    this.#events.emit({ type: 'job-done', at: this.#clock.now(), job: id, kind, outcome, done });
    const ended = [...this.#kept.values()].filter(({ job }) => job.state !== 'running');
    for (const { job } of ended.slice(0, Math.max(0, ended.length - mostEnded))) this.#kept.delete(job.id);
  }
}

function isExpected(error: unknown): error is Error {
  return error instanceof FillFailed || error instanceof StoreError || error instanceof Problem;
}
