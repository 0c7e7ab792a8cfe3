/**
 * The background jobs of one fill: bytes that are wanted although no reader has them in its window.
 *
 *     open ─▶ done          (every byte is present)
 *       └──▶ given up       (a final failure, too many in a row, its signal, the end of the fill)
 *
 * They are the rest of a film that somebody has played (`fill: complete`), or only of its units that are there in part
 * (`fill: window`), and what was asked for ahead of time (`warm`).
 * What fails here is nobody's failure: it is tried again after growing pauses.
 */
import { fixedBudgets } from '../budgets.ts';
import { type ByteRange, clipTo, totalLength } from '../bytes/byte-range.ts';
import type { Clock, Timer } from '../clock.ts';
import { backOffMs } from '../kit/back-off.ts';
import { untilAborted } from '../until-aborted.ts';
import { type Failure, FillFailed } from './failure.ts';
import type { KnownContent } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import { readUnit, unitEnd } from './read-unit.ts';
import { retryAfter, retryCause } from './retry.ts';
import type { Upstream } from './upstream.ts';

/** So many tries in a row may fail without a byte. */
const mostFailures = 8;

/** How much of a job is done, in bytes; `total: null` while the length is not known. */
export interface JobProgress {
  readonly present: number;
  readonly total: number | null;
}

interface Job {
  /** The last may have no end before the length is known. */
  readonly ranges: readonly ByteRange[];
  /** Where to begin: what follows goes before what lies behind. */
  from: number;
  progress(done: JobProgress): void;
  done(): void;
  fail(failure: Failure): void;
}

export class BackgroundJobs {
  readonly #clock: Clock;
  readonly #policy: Pick<FillPolicy, 'retryMax'>;
  readonly #upstream: Pick<Upstream, 'content'>;
  readonly #resume: () => void;
  readonly #open = new Set<Job>();
  #rest: Job | null = null;
  #units: Job | null = null;
  #failures = 0;
  #pause: Timer | null = null;

  /** `resume` is called when work can go on after a pause, or is given up. */
  constructor(
    clock: Clock,
    policy: Pick<FillPolicy, 'retryMax'>,
    upstream: Pick<Upstream, 'content'>,
    resume: () => void,
  ) {
    this.#clock = clock;
    this.#policy = policy;
    this.#upstream = upstream;
    this.#resume = resume;
  }

  /** Whether there is work, even if it pauses. */
  get open(): boolean {
    return this.#open.size > 0;
  }

  /** What is wanted now. */
  *ranges(): Generator<ByteRange> {
    if (this.#pause !== null) return;
    for (const { ranges } of this.#open) yield* ranges;
  }

  covers(offset: number): boolean {
    return [...this.#open].some(({ ranges }) => ranges.some(({ start, end }) => start <= offset && offset < end));
  }

  /** The rest of the film is wanted, first what follows `from`; asked for once. */
  completeFrom(from: number): void {
    this.#rest ??= this.#forNobody([{ start: 0, end: Number.POSITIVE_INFINITY }]);
    this.#rest.from = from;
  }

  /** What is missing of units that are there in part is wanted: the store finds whole ones again. */
  finishUnits(): void {
    const { present, length } = this.#upstream.content;
    const ranges = [...present].flatMap(({ start, end }) => [
      { start: start - (start % readUnit), end: start },
      { start: end, end: Math.min(unitEnd(end), length) },
    ]);
    const missing = ranges.filter(({ start, end }) => start < end);
    if (missing.length > 0) this.#units = this.#forNobody(missing);
  }

  /** Bytes are gone: there is no room to finish units in. */
  lost(): void {
    if (this.#units !== null) this.#open.delete(this.#units);
    this.#units = null;
  }

  /** Resolves when all of `ranges` are present. Rejects with `FillFailed` or the signal's reason. */
  warm(ranges: readonly ByteRange[], onProgress: (progress: JobProgress) => void, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (failure: Failure) => reject(new FillFailed(failure));
    const job: Job = { ranges, from: 0, progress: onProgress, done: resolve, fail };
    this.#open.add(job);
    return untilAborted(promise, signal, () => {
      this.#open.delete(job);
      this.#resume();
    });
  }

  /** Bytes have come, or the length is known: says how far it is, and closes what is done. */
  look(): void {
    for (const job of this.#open) {
      const done = progressOf(job.ranges, this.#upstream.content);
      job.progress(done);
      if (done.total === null || done.present < done.total) continue;
      this.#open.delete(job);
      job.done();
    }
  }

  /** Bytes come. */
  prospers(): void {
    this.#failures = 0;
  }

  /** The first byte that is missing; `null` where there is none, or while it pauses. */
  next(): number | null {
    if (this.#pause !== null) return null;
    const { present, length } = this.#upstream.content;
    for (const { ranges, from } of this.#open) {
      for (const begin of [from, 0]) {
        for (const { start, end } of ranges) {
          const gap = present.firstGap({ start: Math.max(start, begin), end: Math.min(end, length) });
          if (gap !== null) return gap.start;
        }
      }
    }
    return null;
  }

  /** A fetch that worked on it has failed. */
  failed(failure: Failure): void {
    this.#failures += 1;
    if (retryCause(failure) === null || this.#failures >= mostFailures) {
      this.end(failure);
      return;
    }
    const backOff = { firstMs: this.#policy.retryMax, longestMs: fixedBudgets.backgroundPause.ms };
    const asked = retryAfter(failure, this.#clock.wallTime());
    const pause = Math.max(asked, backOffMs(backOff, this.#failures));
    this.#pause?.cancel();
    this.#pause = this.#clock.after(pause, () => {
      this.#pause = null;
      this.#resume();
    });
  }

  /** Nothing more will be done, and those who await it are told why. */
  end(failure: Failure): void {
    this.#pause?.cancel();
    this.#pause = null;
    for (const job of this.#open) job.fail(failure);
    this.#open.clear();
  }

  #forNobody(ranges: readonly ByteRange[]): Job {
    const nobody = () => {};
    const job: Job = { ranges, from: 0, progress: nobody, done: nobody, fail: nobody };
    this.#open.add(job);
    return job;
  }
}

function progressOf(ranges: readonly ByteRange[], { present, length }: KnownContent): JobProgress {
  const wanted = ranges.map((range) => clipTo(range, length));
  const total = totalLength(wanted);
  const there = totalLength(wanted.flatMap((range) => present.within(range)));
  return { present: there, total: total === Number.POSITIVE_INFINITY ? null : total };
}
