/** The readers of one fill together: where they are and have been, what they want, and what those are told whose byte will not come. */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import { Batch } from '../kit/batch.ts';
import { Audience } from './audience.ts';
import type { Deadlines } from './deadlines.ts';
import { type Failure, FillFailed } from './failure.ts';
import type { Fetch } from './fetch.ts';
import type { FillReporter } from './fill-reporter.ts';
import type { Foresight } from './foresight.ts';
import type { Phase } from './phase.ts';
import type { ReaderInterest } from './plan.ts';
import { Playheads } from './playheads.ts';
import type { Presence } from './presence.ts';
import type { Reader } from './reader.ts';
import { isStep, Steps } from './steps.ts';
import type { Upstream } from './upstream.ts';
import type { MayShare, VersionGuard } from './version-guard.ts';

/** What they read on of a film that is whole is told to the store so often, in milliseconds: each has all the others told again. */
const attendEveryMs = 250;

export interface ReadersParts {
  readonly clock: Clock;
  readonly presence: Presence;
  readonly upstream: Upstream;
  readonly foresight: Foresight;
  readonly phase: Phase;
  readonly deadlines: Deadlines;
  readonly guard: VersionGuard;
  /** Whether an answer may be given to all who wait for it. */
  readonly mayShare: MayShare;
  readonly reporter: FillReporter;
}

export class Readers {
  readonly #parts: ReadersParts;
  readonly #audience: Audience;
  readonly #all = new Set<Reader>();
  /** Many come, and are given the same bytes, at once: what follows from that is decided for all of them together. */
  readonly #come: Batch<Reader>;
  readonly #moved: Batch<Reader>;
  #attendedAt = Number.NEGATIVE_INFINITY;
  readonly playheads: Playheads;
  readonly steps: Steps;

  /** `follow` is called with those that stand elsewhere than before, in a moment. */
  constructor(parts: ReadersParts, follow: (moved: Iterable<Reader>) => void) {
    this.#parts = parts;
    this.playheads = new Playheads(parts);
    this.steps = new Steps(parts.clock);
    this.#audience = new Audience(parts.guard, parts.mayShare);
    const onMoved = (moved: Iterable<Reader>) => {
      const isWhole = parts.phase.current === 'complete';
      if (!isWhole || parts.clock.now() >= this.#attendedAt + attendEveryMs) this.#attend();
      follow(moved);
    };
    const onError = (error: unknown) => parts.reporter.bug(error);
    this.#come = new Batch(() => this.#attend(), onError);
    this.#moved = new Batch(onMoved, onError);
  }

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<Reader> {
    return this.#all[Symbol.iterator]();
  }

  /** Whether any has taken a byte. */
  get anyBegun(): boolean {
    return [...this.#all].some(({ begun }) => begun);
  }

  add(reader: Reader): void {
    const before = isStep(reader.position, reader.end) ? this.steps.before(reader.position) : 0;
    if (before > 0) reader.goOn(before);
    this.#all.add(reader);
    this.#come.add(reader);
  }

  has(reader: Reader): boolean {
    return this.#all.has(reader);
  }

  delete(reader: Reader): void {
    this.#all.delete(reader);
    this.#attend();
    this.playheads.left(reader);
    const { stepped } = reader;
    if (stepped !== null && isStep(stepped.start, stepped.end)) this.steps.ended(stepped);
  }

  /** It stands elsewhere than before. */
  moved(reader: Reader): void {
    this.playheads.moved(reader);
    this.#moved.add(reader);
  }

  /** What follows from where they stand is decided now. */
  settle(): void {
    this.#moved.settle();
  }

  interestOf(reader: Reader): ReaderInterest<Fetch> {
    const { presence, deadlines } = this.#parts;
    return reader.interest(presence.ahead, (waiting) => deadlines.of(waiting).at);
  }

  isWaitedFor(fetch: Fetch): boolean {
    return this.waiting.some(({ assignment }) => assignment?.fetch === fetch);
  }

  /** Those that wait for a byte, or for the head. */
  get waiting(): Reader[] {
    return [...this.#all].filter(({ waitingSince }) => waitingSince !== null);
  }

  /** The length is known: those who want the last bytes stand where these begin. */
  aimAtEnd(length: number | null): void {
    if (length !== null) for (const reader of this.#all) reader.aimAtEnd(length);
  }

  /** Bytes came in. */
  received(range: ByteRange): void {
    for (const reader of this.#all) reader.received(range, this.#parts.presence.ahead);
  }

  /** No fetch brings what it waits for, because of `failure`; `budgetSpent`: there is no time to ask again. */
  fail(reader: Reader, failure: Failure, budgetSpent = false): void {
    reader.fail(this.failed(failure, budgetSpent));
  }

  /** The fetch on which it counted has failed. */
  failWith(reader: Reader, failure: Failure, budgetSpent: boolean): void {
    const error = this.#parts.deadlines.outOfReach(reader);
    this.fail(reader, this.toldTo(error === null ? failure : { kind: 'error', error }, budgetSpent), budgetSpent);
  }

  failed(failure: Failure, budgetSpent = false): FillFailed {
    return new FillFailed(failure, this.#parts.phase.current, budgetSpent);
  }

  /** Why a reader can't be served to its end; `null` where it can. `resumable`: what it lacks can be asked for. */
  unfitFor(reader: Reader, resumable: boolean): Failure | null {
    return this.#audience.unfitFor(reader, resumable);
  }

  /** What a reader is told in place of a failure; `spent`: it has no time to ask for itself. */
  toldTo(failure: Failure, spent: boolean): Failure {
    return this.#audience.toldTo(failure, spent, this.#parts.clock.wallTime());
  }

  /** What comes is for one client only: of those who have got nothing yet, the others ask for themselves. */
  turnAway(resumable: boolean): void {
    for (const reader of this.waiting) {
      const unfit = reader.begun ? null : this.unfitFor(reader, resumable);
      if (unfit !== null) this.fail(reader, unfit);
    }
  }

  #attend(): void {
    this.#attendedAt = this.#parts.clock.now();
    this.#parts.presence.attend(Array.from(this.#all, ({ position }) => position));
  }
}
