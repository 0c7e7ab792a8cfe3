/**
 * What is fetched although no reader waits for it: what a player that opens the file will ask for next, what was left out
 * before steps that went on, the places that were shown, units that are there in part, and the background jobs.
 *
 * It begins a fetch for each of them behind all that is waited for, as far as connections are free, and gives up what can't
 * be kept. How far such fetches run is the plan's.
 */
import { type ByteRange, clipTo } from '../bytes/byte-range.ts';
import { BackgroundJobs } from './background-jobs.ts';
import type { Failure } from './failure.ts';
import type { Fetch } from './fetch.ts';
import { Foresight, type ForesightParts, farBeginning } from './foresight.ts';
import type { Phase } from './phase.ts';
import { planFor, type Snapshot } from './plan.ts';
import { Playheads } from './playheads.ts';
import type { Reader } from './reader.ts';
import { isStep, Steps } from './steps.ts';
import type { VersionGuard } from './version-guard.ts';

export interface BackgroundWorkParts extends ForesightParts {
  readonly guard: Pick<VersionGuard, 'live'>;
  readonly phase: Pick<Phase, 'current'>;
}

/** The fill, as far as it matters here. */
export interface BackgroundWorkHost {
  readonly fetches: ReadonlySet<Fetch>;
  readonly readers: { readonly size: number; readonly waiting: readonly Reader[] };
  /** Whether a cut can be followed by another request for the same representation. */
  readonly resumable: boolean;
  /** Whether one more may begin for a film that is being opened. */
  readonly hasRoom: boolean;
  /** A player has opened the film, and what it will ask for is known. */
  opened(): void;
  /** A new fetch, which has no goal before it runs. */
  fetchFrom(position: number): Fetch;
  run(fetch: Fetch): void;
  /** Something else is wanted. */
  decide(): void;
}

const nothing: readonly ByteRange[] = [];

export class BackgroundWork {
  readonly #parts: BackgroundWorkParts;
  readonly #host: BackgroundWorkHost;
  readonly jobs: BackgroundJobs;
  readonly foresight: Foresight;
  readonly playheads: Playheads;
  readonly steps: Steps;
  /** What completes the places that were shown, once nobody waits. */
  #completing: Fetch | null = null;
  /** Whether somebody has played it since its units were finished last. */
  #played = false;

  constructor(parts: BackgroundWorkParts, host: BackgroundWorkHost) {
    this.#parts = parts;
    this.#host = host;
    this.jobs = new BackgroundJobs(parts.clock, parts.policy, parts.upstream, () => host.decide());
    this.foresight = new Foresight(parts, () => host.decide());
    const { presence, upstream } = parts;
    this.playheads = new Playheads({ presence, upstream, foresight: this.foresight });
    this.steps = new Steps(parts.clock);
  }

  /** What is wanted now, for the plan. */
  get wanted(): Pick<Snapshot<Fetch>, 'jobs' | 'foreseen'> {
    const { guard, presence } = this.#parts;
    if (presence.passing || guard.live) return { jobs: nothing, foreseen: nothing };
    const completed = this.#completing === null ? nothing : this.playheads.ranges();
    const jobs = this.jobs.open ? [...this.jobs.ranges(), ...completed] : completed;
    return { jobs, foreseen: this.#foreseen };
  }

  /** Begins fetches for what is wanted, where none is on its way there. */
  begin(): void {
    const { upstream } = this.#parts;
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
    if ([...this.#host.fetches].some(({ position }) => content.ranges === false || this.jobs.covers(position))) return;
    this.#start(content.ranges === false ? 0 : missing);
  }

  /** A reader has come to its end. */
  left(reader: Reader): void {
    this.playheads.left(reader);
    const { plays, stepped } = reader;
    if (stepped !== null && isStep(stepped.start, stepped.end)) this.steps.ended(stepped);
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
    this.foresight.look();
  }

  /** What was foreseen there does not come. */
  refused(position: number): void {
    if (this.foresight.covers(position)) this.foresight.giveUp();
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
    const isCompleting = fetch === this.#completing;
    const isJob = isCompleting || this.jobs.covers(fetch.position);
    const isForeseen = this.foresight.covers(fetch.position);
    if (isCompleting) this.#completing = null;
    if (failure !== null) {
      this.#played = false;
      if (isForeseen) this.foresight.giveUp();
      if (isCompleting) this.playheads.giveUp();
    }
    return { isJob, isUnheard: (this.#host.readers.size === 0 && isJob) || (isForeseen && !isAwaited) };
  }

  /** Bytes are gone. Where there is no room for what nobody reads now, it is not fetched again and again. */
  lost(): void {
    this.jobs.lost();
    this.#giveUp();
  }

  /** Nothing more will be fetched. */
  end(failure: Failure): void {
    this.jobs.end(failure);
    this.foresight.end();
  }

  /** Where a connection is to be had for it that nobody waits for. */
  #fetchForeseen(): void {
    const { presence, slots, upstream } = this.#parts;
    // What the store has no room for is not there when it is asked for.
    if (presence.passing) this.#giveUp();
    if (!this.#host.resumable || !this.#mayFetchMore) return;
    const foreseen = this.foresight.ranges();
    if (foreseen.length > 0) this.#host.opened();
    for (const range of this.#foreseen) {
      const gap = upstream.content.present.firstGap(range);
      if (gap === null || this.#comes(gap.start, range)) continue;
      if (!slots.spare) return;
      // A player shows nothing before it has the rest of it; only the beginning may come piece by piece.
      if (range.end > farBeginning || this.#host.hasRoom) this.#start(gap.start);
    }
  }

  /** Whether a fetch will bring this byte soon; over a long way one that was asked for it, since none is fast yet. */
  #comes(offset: number, { start, end }: ByteRange): boolean {
    const { slots, upstream } = this.#parts;
    const fetches = [...this.#host.fetches];
    // Ranges that are wanted, and pieces that were asked for, may overlap.
    const brings = ({ position, bodyEnd }: Fetch) =>
      position <= offset &&
      (start <= position || (offset < bodyEnd && bodyEnd <= end && end - position <= 2 * (end - start)));
    if (slots.isFar) return fetches.some(brings);
    return 'join' in planFor(offset, upstream.content, fetches, upstream.firstByteMs);
  }

  /** Each place that was shown is to be seen again without a network. Nobody who waits shares the link with that. */
  #completePlaces(): void {
    const { policy, upstream } = this.#parts;
    if (this.#host.fetches.size > 0 || this.#host.readers.waiting.length > 0) return;
    if (policy.fill !== 'window' || !upstream.content.ranges || !this.#mayFetchMore) return;
    const missing = this.playheads.next();
    if (missing === null) return;
    this.#completing = this.#host.fetchFrom(missing);
    this.#host.run(this.#completing);
  }

  /**
   * What was played is kept in whole units, the index of a film at its end as well. That waits until no fetch is left:
   * nobody who seeks shall share the link with it.
   */
  #finishUnits(): void {
    const { phase, policy, upstream } = this.#parts;
    if (phase.current === 'failed') this.#played = false;
    if (!this.#played || this.#host.readers.size > 0 || this.#host.fetches.size > 0) return;
    this.#played = false;
    if (policy.fill === 'window' && upstream.content.ranges && this.#mayFetchMore) this.jobs.finishUnits();
  }

  /** Whether what is missing can still be asked for and kept. */
  get #mayFetchMore(): boolean {
    const { guard, presence } = this.#parts;
    if (presence.passing || guard.live) return false;
    return this.#host.resumable || this.#host.fetches.size > 0 || presence.present.size === 0;
  }

  /** What is wanted although nobody has asked for it. */
  get #foreseen(): readonly ByteRange[] {
    const foreseen = this.foresight.ranges();
    const left = this.steps.wanted();
    if (!this.#parts.foresees || left.size === 0) return foreseen;
    const { length } = this.#parts.upstream.content;
    // The unit of a step may reach past the end of the file.
    return [...foreseen, ...Array.from(left, (range) => clipTo(range, length))];
  }

  #start(position: number): void {
    this.#host.run(this.#host.fetchFrom(position));
  }

  #giveUp(): void {
    this.foresight.giveUp();
    this.playheads.giveUp();
    this.steps.giveUp();
  }
}
