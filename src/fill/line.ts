/**
 * Whether the line carries a film: what it gives while the film is fetched as fast as it comes, beside what the film needs.
 *
 * Only time counts in which a fetch takes what comes. A line that has filled the read-ahead window has proved itself, and
 * nothing is said anew while a fetch waits for a connection, has failed or is paused by a user.
 */
import type { Clock } from '../clock.ts';
import type { LineOutcome } from '../events.ts';
import type { Foresight } from './foresight.ts';
import type { Playheads } from './playheads.ts';
import type { Reader } from './reader.ts';
import type { Upstream } from './upstream.ts';

/** In bytes a second, but for the words. */
export interface LineView {
  readonly needs: number;
  /** `null` where that was not measured for long enough. */
  readonly gives: number | null;
  readonly outcome: LineOutcome;
  /** The same in one sentence. */
  readonly words: string;
}

/** What is fetched over it: whatever comes, no more because the window is full, or nothing for another reason. */
export type LineUse = 'busy' | 'full' | 'idle';

/** How it stands with a player; in bytes. */
interface Showing {
  /** What it can show without one more byte. */
  readonly ahead: number;
  /** What it has not shown yet. */
  readonly left: number;
}

export interface LineParts {
  readonly clock: Clock;
  readonly upstream: Pick<Upstream, 'content'>;
  readonly foresight: Pick<Foresight, 'bytesPerSecond'>;
  readonly playheads: Pick<Playheads, 'playheadOf'>;
}

/** The line is judged once in so many milliseconds, by who has read so many bytes, or so many seconds of a small film. */
const judgedEveryMs = 1000;
const judgedAfter = 1024 * 1024;
const judgedAfterSeconds = 4;

/** What came longer ago than this has mostly been forgotten, in milliseconds of fetching. */
const memoryMs = 10_000;

/** A line is measured for so long before anything is said of it, in milliseconds of fetching. */
const leastMs = 8000;

/** Who has enough for so long is not said to stall; who was said to has to have more, in seconds. */
const enoughSeconds = 60;
const recoveredSeconds = 90;

/** What was said stays true of a line that gives so nearly what the film needs. */
const near = 0.05;

export class Line {
  readonly #parts: LineParts;
  readonly #tell: (view: LineView) => void;
  #use: LineUse = 'idle';
  #at = 0;
  #busyMs = 0;
  #weighed = 0;
  #outcome: LineOutcome = 'unknown';
  #needs: number | null = null;
  #judgedAt = Number.NEGATIVE_INFINITY;

  /** `tell` is called when something else is to be said than before. */
  constructor(parts: LineParts, tell: (view: LineView) => void) {
    this.#parts = parts;
    this.#tell = tell;
  }

  /** `null` as long as nobody knows what the film needs. */
  get view(): LineView | null {
    const [needs, gives, outcome] = [this.#needs, this.#gives, this.#outcome];
    return needs === null ? null : { needs, gives, outcome, words: wordsFor(needs, gives, outcome) };
  }

  /** Its use from now on. */
  follow(use: LineUse): void {
    this.#pass();
    // What it has proved by then is said now: nothing may come any more.
    if (this.#use === 'busy' && use !== 'busy') this.#judgedAt = Number.NEGATIVE_INFINITY;
    this.#use = use;
  }

  came(bytes: number): void {
    this.#pass();
    this.#weighed += bytes;
  }

  /** Says what is to be said of it to those who play: how it stands with the one that has least before it. */
  look(readers: Iterable<Reader>): void {
    const { clock, upstream, foresight, playheads } = this.#parts;
    const { bytesPerSecond: needs } = foresight;
    if (needs === null || clock.now() - this.#judgedAt < judgedEveryMs) return;
    const { present, length } = upstream.content;
    const showing = [...readers]
      .filter(({ sequence }) => sequence >= Math.min(judgedAfter, judgedAfterSeconds * needs))
      .map((reader) => {
        const playhead = playheads.playheadOf(reader);
        return { ahead: present.runEnd(reader.position) - playhead, left: length - playhead };
      });
    if (showing.length === 0) return;
    this.#judgedAt = clock.now();
    this.#judge(
      needs,
      showing.reduce((one, other) => (other.ahead < one.ahead ? other : one)),
    );
  }

  #judge(needs: number, showing: Showing): void {
    this.#pass();
    this.#needs = needs;
    const outcome = this.#outcomeFor(needs, showing);
    if (outcome === this.#outcome) return;
    this.#outcome = outcome;
    const { view } = this;
    if (view !== null && outcome !== 'unknown') this.#tell(view);
  }

  #outcomeFor(needs: number, { ahead, left }: Showing): LineOutcome {
    if (this.#use === 'full' || left <= ahead) return 'fast enough';
    const gives = this.#gives;
    if (this.#use === 'idle' || gives === null) return this.#outcome;
    const isFast = this.#outcome === 'fast enough';
    const short = needs * (isFast ? 1 - near : this.#outcome === 'will stall' ? 1 + near : 1) - gives;
    if (short <= 0) return 'fast enough';
    const seconds = Math.min(this.#outcome === 'will stall' ? recoveredSeconds : enoughSeconds, left / needs);
    return ahead >= short * seconds ? 'fast enough' : 'will stall';
  }

  get #gives(): number | null {
    if (this.#busyMs < leastMs) return null;
    return (this.#weighed * 1000) / (memoryMs * (1 - Math.exp(-this.#busyMs / memoryMs)));
  }

  #pass(): void {
    const now = this.#parts.clock.now();
    if (this.#use === 'busy') {
      this.#weighed *= Math.exp((this.#at - now) / memoryMs);
      this.#busyMs += now - this.#at;
    }
    this.#at = now;
  }
}

function wordsFor(needs: number, gives: number | null, outcome: LineOutcome): string {
  const film = `the film needs ${megabits(needs)}`;
  if (outcome === 'unknown') return film;
  const line = gives === null ? 'this line gives more' : `this line gives ${megabits(gives)}`;
  if (outcome === 'will stall') return `${line}, ${film}: it will stall`;
  const isSlower = gives !== null && gives < (1 - near) * needs;
  return isSlower ? `${line}, ${film}: enough is downloaded ahead` : `${line}, ${film}: it is fast enough`;
}

function megabits(bytesPerSecond: number): string {
  return `${((bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`;
}
