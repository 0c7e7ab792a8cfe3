/**
 * What a player that opens a file will ask for next, told by the file's own first bytes: its index where that lies
 * behind the media, and the beginning, to which the player comes back from there.
 *
 * It decides nothing but what is wanted, from the moment when somebody reads the beginning until nobody reads any more;
 * the scheduler has it fetched behind those who wait. It wants no byte that players would not ask for by themselves.
 */
import { type ByteRange, splitAt, totalLength } from '../bytes/byte-range.ts';
import type { Clock, Timer } from '../clock.ts';
import { Outline } from '../media/outline.ts';
import type { Presence } from './presence.ts';
import { scanWindow } from './read-ahead-window.ts';
import type { Upstream } from './upstream.ts';

/** Of all indexes of a file, in bytes. */
const mostForeseen = 8 * 1024 * 1024;

/** Between two of its requests a player has no connection for so long at most. */
const betweenMs = 250;

/** Who asks for less of the beginning looks for something else than a film. */
const leastOpening = 4096;

/** With a first byte so late, or later, an index is worth several connections, of which each brings so much at least. */
const lateMs = 200;
const leastPart = 32 * 1024;
const mostParts = 4;

/** One who reads, as far as it matters here. */
export interface Opener {
  readonly position: number;
  readonly end: number | null;
}

export interface ForesightParts {
  readonly clock: Clock;
  readonly presence: Presence;
  readonly upstream: Upstream;
  /** Whether the fill may fetch what nobody has asked for. */
  readonly foresees: boolean;
}

export class Foresight {
  readonly #parts: ForesightParts;
  readonly #onChange: () => void;
  readonly #ended = new AbortController();
  #outline: Outline | null = null;
  #isLooking = false;
  /** Whether somebody has opened the file, and reads it still. */
  #isOpen = false;
  #isGivenUp = false;
  #between: Timer | null = null;

  /** `onChange` is called when something else is wanted. */
  constructor(parts: ForesightParts, onChange: () => void) {
    this.#parts = parts;
    this.#onChange = onChange;
  }

  /** What is wanted now, though nobody waits for it, the most urgent first. */
  ranges(): readonly ByteRange[] {
    const indexes = this.#indexes;
    if (indexes.length === 0 || this.#isGivenUp || !this.#isOpen) return [];
    return [...indexes.flatMap((range) => this.#partsOf(range)), { start: 0, end: scanWindow }];
  }

  covers(offset: number): boolean {
    return this.ranges().some(({ start, end }) => start <= offset && offset < end);
  }

  /** These read now. */
  attend(readers: Iterable<Opener>): void {
    if (!this.#parts.foresees) return;
    const all = [...readers];
    this.#isOpen ||= all.some(isOpening);
    if (!this.#isOpen) return;
    if (all.length === 0) {
      this.#between ??= this.#parts.clock.after(betweenMs, () => this.#close());
      return;
    }
    this.#between?.cancel();
    this.#between = null;
    this.look();
  }

  /** Bytes have come. */
  look(): void {
    const { length, ranges } = this.#parts.upstream.content;
    if (!this.#isOpen || this.#isLooking || !ranges || length === Number.POSITIVE_INFINITY) return;
    this.#outline ??= new Outline(length);
    if (this.#mayLook) void this.#lookOn(this.#outline);
  }

  /** What it wanted did not come. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  end(): void {
    this.#ended.abort(new Error('the fill has ended'));
    this.#between?.cancel();
    this.#isOpen = false;
  }

  get #mayLook(): boolean {
    const look = this.#outline?.look ?? null;
    return look !== null && this.#parts.presence.present.covers(look);
  }

  async #lookOn(outline: Outline): Promise<void> {
    this.#isLooking = true;
    try {
      while (outline.look !== null && this.#mayLook) {
        const bytes = await this.#parts.presence.copy(outline.look, this.#ended.signal);
        if (bytes === null || this.#ended.signal.aborted) return;
        outline.give(bytes);
      }
    } finally {
      this.#isLooking = false;
    }
    this.#onChange();
  }

  #close(): void {
    this.#between = null;
    this.#isOpen = false;
    this.#onChange();
  }

  /** What players ask for of it that does not come with its beginning; as far as the bound allows. */
  get #indexes(): readonly ByteRange[] {
    const far = (this.#outline?.opening ?? []).filter(({ start }) => start >= scanWindow);
    return far.filter((_, place) => totalLength(far.slice(0, place + 1)) <= mostForeseen);
  }

  #partsOf({ start, end }: ByteRange): readonly ByteRange[] {
    const bytes = end - start;
    if (this.#parts.upstream.firstByteMs < lateMs) return [{ start, end }];
    const part = Math.max(leastPart, Math.ceil(bytes / mostParts));
    return Array.from(splitAt({ start: 0, end: bytes }, part), (each) => ({
      start: start + each.start,
      end: start + each.end,
    }));
  }
}

function isOpening({ position, end }: Opener): boolean {
  return position < scanWindow && (end ?? Number.POSITIVE_INFINITY) - position >= leastOpening;
}
