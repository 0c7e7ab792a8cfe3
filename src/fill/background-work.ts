/**
 * What is fetched although no reader waits for it: what a player that opens the file will ask for next, what was left out
 * before steps that went on, the places that were shown, units that are there in part, and the background jobs.
 *
 * It begins a fetch for each of them behind all that is waited for, as far as connections are free, and gives up what can't
 * be kept. How far such fetches run is the plan's.
 */
import { type ByteRange, clipTo } from '../bytes/byte-range.ts';
import { BackgroundJobs, type JobProgress } from './background-jobs.ts';
import type { Failure } from './failure.ts';
import type { Fetch } from './fetch.ts';
import type { Fetches } from './fetches.ts';
import { type Foresight, type ForesightParts, farBeginning } from './foresight.ts';
import type { Phase } from './phase.ts';
import type { Snapshot } from './plan.ts';
import type { Reader } from './reader.ts';
import type { Readers } from './readers.ts';
import type { SideBySide } from './side-by-side.ts';
import type { VersionGuard } from './version-guard.ts';

export interface BackgroundWorkParts extends ForesightParts {
  readonly guard: Pick<VersionGuard, 'live'>;
  readonly phase: Pick<Phase, 'current'>;
  readonly foresight: Foresight;
  readonly readers: Readers;
  readonly fetches: Fetches;
  readonly sideBySide: SideBySide;
}

const nothing: readonly ByteRange[] = [];

export class BackgroundWork {
  readonly #parts: BackgroundWorkParts;
  readonly jobs: BackgroundJobs;
  /** What completes the places that were shown, once nobody waits. */
  #completing: Fetch | null = null;
  /** Whether somebody has played it since its units were finished last. */
  #played = false;

  /** `onChange` is called when something else is wanted. */
  constructor(parts: BackgroundWorkParts, onChange: () => void) {
    this.#parts = parts;
    this.jobs = new BackgroundJobs(parts.clock, parts.policy, parts.upstream, onChange);
  }

  /** What is wanted now, for the plan. */
  get wanted(): Pick<Snapshot<Fetch>, 'jobs' | 'foreseen'> {
    const { guard, presence, readers } = this.#parts;
    if (presence.passing || guard.live) return { jobs: nothing, foreseen: nothing };
    const completed = this.#completing === null ? nothing : readers.playheads.ranges();
    const jobs = this.jobs.open ? [...this.jobs.ranges(), ...completed] : completed;
    return { jobs, foreseen: this.#foreseen };
  }

  /** Brings bytes in behind all playback; resolves when they are present. Rejects with `FillFailed`. */
  async warm(
    ranges: readonly ByteRange[],
    onProgress: (progress: JobProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { fetches, readers } = this.#parts;
    if (fetches.ended !== null) throw readers.failed(fetches.ended);
    const warmed = this.jobs.warm(ranges, onProgress, signal);
    this.jobs.look();
    this.begin();
    await warmed;
  }

  /** Begins fetches for what is wanted, where none is on its way there. */
  begin(): void {
    const { upstream, fetches } = this.#parts;
    if (fetches.refusal !== null) return;
    this.#fetchForeseen();
    this.#completePlaces();
    this.#finishUnits();
    const missing = this.jobs.next();
    if (missing === null) return;
    if (!this.#mayFetchMore) {
      this.jobs.end({ kind: 'uncombinable' });
      return;
    }
    const { content } = upstream;
    if ([...fetches.all].some(({ position }) => content.ranges === false || this.jobs.covers(position))) return;
    fetches.start(content.ranges === false ? 0 : missing);
  }

  /** A reader has come to its end. */
  left({ plays }: Reader): void {
    this.#played ||= plays;
  }

  /** Somebody waits: nobody shares the link with that. */
  yield(): void {
    this.#completing?.stop();
  }

  /** Bytes have come. */
  received(): void {
    if (this.jobs.open) {
      this.jobs.prospers();
      this.jobs.look();
    }
    this.#parts.foresight.look();
  }

  /** What was foreseen there does not come. */
  refused(position: number): void {
    const { foresight } = this.#parts;
    if (foresight.covers(position)) foresight.giveUp();
  }

  /**
   * A fetch has ended, by `failure` where that is not `null`. Returns whether it worked on a job, and whether its failure is
   * nobody's: what fails in the background is tried again, and what was foreseen is not.
   */
  ended(
    fetch: Fetch,
    failure: Failure | null,
    isAwaited: boolean,
  ): { readonly isJob: boolean; readonly isUnheard: boolean } {
    const { foresight, readers } = this.#parts;
    const isCompleting = fetch === this.#completing;
    const isJob = isCompleting || this.jobs.covers(fetch.position);
    const isForeseen = foresight.covers(fetch.position);
    if (isCompleting) this.#completing = null;
    if (failure !== null) {
      this.#played = false;
      if (isForeseen) foresight.giveUp();
      if (isCompleting) readers.playheads.giveUp();
    }
    return { isJob, isUnheard: (readers.size === 0 && isJob) || (isForeseen && !isAwaited) };
  }

  /** Bytes are gone. Where there is no room for what nobody reads now, it is not fetched again and again. */
  lost(): void {
    this.jobs.lost();
    this.#giveUp();
  }

  /** Nothing more will be fetched. */
  end(failure: Failure): void {
    this.jobs.end(failure);
    this.#parts.foresight.end();
  }

  /** Where a connection is to be had for it that nobody waits for. */
  #fetchForeseen(): void {
    const { presence, slots, upstream, fetches, foresight, sideBySide } = this.#parts;
    // What the store has no room for is not there when it is asked for.
    if (presence.passing) this.#giveUp();
    if (!fetches.resumable || !this.#mayFetchMore) return;
    if (foresight.ranges().length > 0) sideBySide.opened();
    for (const range of this.#foreseen) {
      const gap = upstream.content.present.firstGap(range);
      if (gap === null || this.#comes(gap.start, range)) continue;
      if (!slots.spare) return;
      // A player shows nothing before it has the rest of it; only the beginning may come piece by piece.
      if (range.end > farBeginning || sideBySide.hasRoom) fetches.start(gap.start);
    }
  }

  /** Whether a fetch will bring this byte soon; over a long way one that was asked for it, since none is fast yet. */
  #comes(offset: number, { start, end }: ByteRange): boolean {
    const { slots, fetches } = this.#parts;
    // Ranges that are wanted, and pieces that were asked for, may overlap.
    const brings = ({ position, bodyEnd }: Fetch) =>
      position <= offset &&
      (start <= position || (offset < bodyEnd && bodyEnd <= end && end - position <= 2 * (end - start)));
    return slots.isFar ? [...fetches.all].some(brings) : 'join' in fetches.planFor(offset);
  }

  /** Each place that was shown is to be seen again without a network. Nobody who waits shares the link with that. */
  #completePlaces(): void {
    const { policy, upstream, fetches, readers } = this.#parts;
    if (fetches.all.size > 0 || readers.waiting.length > 0) return;
    if (policy.fill !== 'window' || !upstream.content.ranges || !this.#mayFetchMore) return;
    const missing = readers.playheads.next();
    if (missing === null) return;
    this.#completing = fetches.add(missing);
    fetches.run(this.#completing);
  }

  /**
   * What was played is kept in whole units, the index of a film at its end as well. That waits until no fetch is left:
   * nobody who seeks shall share the link with it.
   */
  #finishUnits(): void {
    const { phase, policy, upstream, fetches, readers } = this.#parts;
    if (phase.current === 'failed') this.#played = false;
    if (!this.#played || readers.size > 0 || fetches.all.size > 0) return;
    this.#played = false;
    if (policy.fill === 'window' && upstream.content.ranges && this.#mayFetchMore) this.jobs.finishUnits();
  }

  /** Whether what is missing can still be asked for and kept. */
  get #mayFetchMore(): boolean {
    const { guard, presence, fetches } = this.#parts;
    if (presence.passing || guard.live) return false;
    return fetches.resumable || fetches.all.size > 0 || presence.present.size === 0;
  }

  /** What is wanted although nobody has asked for it. */
  get #foreseen(): readonly ByteRange[] {
    const { foresees, foresight, readers, upstream } = this.#parts;
    const foreseen = foresight.ranges();
    const left = readers.steps.wanted();
    if (!foresees || left.size === 0) return foreseen;
    const { length } = upstream.content;
    // The unit of a step may reach past the end of the file.
    return [...foreseen, ...Array.from(left, (range) => clipTo(range, length))];
  }

  #giveUp(): void {
    const { foresight, readers } = this.#parts;
    foresight.giveUp();
    readers.playheads.giveUp();
    readers.steps.giveUp();
  }
}
