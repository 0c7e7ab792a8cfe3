/**
 * What a player that opens a file will ask for next, told by the file's own first bytes: its index where that lies
 * behind the media, and the beginning, to which the player comes back from there; then the place where somebody left the
 * film last. For who plays, also what players ask for at their first seek; and for who has begun to go through the
 * fragments of a film that has no index, the heads of the next ones.
 *
 * It decides nothing but what is wanted, from the moment when somebody reads the beginning until nobody reads any more;
 * the scheduler has it fetched behind those who wait. It wants no byte that players would not ask for by themselves.
 */
import { type ByteRange, splitAt, totalLength } from '../bytes/byte-range.ts';
import { type Clock, nextTurn, type Timer } from '../clock.ts';
import type { Container } from '../media/looking.ts';
import { Outline } from '../media/outline.ts';
import type { ConnectionSlots } from './connection-slots.ts';
import type { Parallelism } from './parallelism.ts';
import { firstFlights } from './plan.ts';
import type { FillPolicy } from './policy.ts';
import type { Presence } from './presence.ts';
import { scanWindow } from './read-ahead-window.ts';
import type { Upstream } from './upstream.ts';

/** Around the place where somebody left the film, in bytes; and around one that is worth several connections. */
const aroundPlace = { before: 1024 * 1024, after: 3 * 1024 * 1024 };
const aroundFarPlace = { before: 576 * 1024, after: 576 * 1024 };

/** What lies nearer to the beginning comes with it; and of what is so near its end, nothing is left to see. */
const leastPlace = 8 * 1024 * 1024;
const mostPlace = 0.95;

/** Of all indexes of a file, in bytes. */
const mostForeseen = 8 * 1024 * 1024;

/** Between two of its requests a player has no connection for so long at most. */
const betweenMs = 100;

/** Who goes from the head of one fragment to the next reads none for so long, and takes no longer to the next. */
const headMs = 100;
const betweenHeadsMs = 5000;

/** So many heads of fragments are fetched side by side. */
const mostHeads = 8;

/** Of these a player shows nothing before it has read much of the beginning. */
const films: ReadonlySet<Container> = new Set(['mp4', 'matroska', 'avi', 'mpeg-ts']);

/** Who asks for less of the beginning looks for something else than a film. */
const leastOpening = 4096;

/** Over a long way an index is worth several connections, of which each brings so much at least; as many at most. */
const indexParts = { least: firstFlights, most: 8 };
const placeParts = { least: firstFlights, most: 12 };

const nothing: readonly ByteRange[] = [];

const beginningParts = { least: firstFlights, most: Number.POSITIVE_INFINITY };

/** What the first connection brings until those that began a round trip later have brought their parts. */
const lead = 96 * 1024;

/** So much of the beginning over a long way: a little more than the window of a scan. */
export const farBeginning = lead + 25 * firstFlights;

/** One who reads, as far as it matters here. */
export interface Opener {
  readonly position: number;
  readonly end: number | null;
  readonly sequence: number;
  readonly readsFor: number;
  readonly plays: boolean;
}

export interface ForesightParts {
  readonly clock: Clock;
  readonly presence: Presence;
  readonly upstream: Upstream;
  readonly slots: ConnectionSlots;
  readonly parallelism: Parallelism;
  /** Whether the fill may fetch what nobody has asked for. */
  readonly foresees: boolean;
  readonly policy: FillPolicy;
}

export class Foresight {
  readonly #parts: ForesightParts;
  readonly #onChange: () => void;
  #outline: Outline | null = null;
  /** Ends the look that is under way. */
  #looking: AbortController | null = null;
  #hasEnded = false;
  /** Whether somebody has opened the file, and reads it still. */
  #isOpen = false;
  /** Whether somebody has played it since. */
  #isPlayed = false;
  /** Where it had been left when it was opened. */
  #left: number | null = null;
  #isGivenUp = false;
  /** When somebody was last at the head of a fragment, and at which; `null` where nobody goes through them. */
  #hop: { at: number; readonly start: number } | null = null;
  #between: Timer | null = null;

  /** `onChange` is called when something else is wanted. */
  constructor(parts: ForesightParts, onChange: () => void) {
    this.#parts = parts;
    this.#onChange = onChange;
  }

  /** What is wanted now, though nobody waits for it, the most urgent first. */
  ranges(): readonly ByteRange[] {
    if (this.#isGivenUp || !this.#isOpen || !this.#parts.policy.prefetch) return nothing;
    // Of what is no film nothing is known either.
    if (this.#outline === null || this.#outline.container === null) return nothing;
    const { opening, seeking } = this.#outline;
    const indexes = within(opening).flatMap((range) => this.#partsOf(range, indexParts));
    return [
      ...indexes,
      ...this.#beginning(indexes.length > 0),
      ...this.#heads,
      ...this.#place,
      ...(this.#isPlayed ? within(seeking) : []),
    ];
  }

  /** Where a reader that goes through the heads of fragments will leave; `null` for who does not, or reads on. */
  headEnd({ position, sequence, readsFor }: Opener): number | null {
    if (this.#hop === null || readsFor >= headMs) return null;
    const start = position - sequence;
    return this.#outline?.fragments.find((head) => head.start === start)?.end ?? null;
  }

  /** How long such a reader is waited for, in milliseconds. */
  get headMs(): number {
    return headMs;
  }

  /** What the film needs, in bytes a second, by its length and duration; `null` as long as that is not known. */
  get bytesPerSecond(): number | null {
    const { durationMs = null } = this.#outline ?? {};
    return durationMs === null ? null : (this.#parts.upstream.content.length * 1000) / durationMs;
  }

  /** Whether there is something that players ask for and don't show. */
  isIndex(offset: number): boolean {
    const { opening = [], seeking = [] } = this.#outline ?? {};
    return [...opening, ...seeking].some(({ start, end }) => start <= offset && offset < end);
  }

  /** Whether who begins to read there shows the film from there: the beginning is what scans read, too. */
  isPlace(offset: number): boolean {
    return this.bytesPerSecond !== null && offset >= scanWindow && !this.isIndex(offset);
  }

  covers(offset: number): boolean {
    return this.ranges().some(({ start, end }) => start <= offset && offset < end);
  }

  /** These read now. */
  attend(readers: Iterable<Opener>): void {
    if (!this.#parts.foresees) return;
    const all = [...readers];
    if (!this.#isOpen && all.some(isOpening)) {
      this.#isOpen = true;
      this.#isGivenUp = false;
      this.#left = this.#parts.presence.place;
    }
    if (!this.#isOpen) return;
    this.#isPlayed ||= all.some(({ plays }) => plays);
    if (all.length === 0) {
      this.#between ??= this.#parts.clock.after(betweenMs, () => this.#close());
      return;
    }
    this.#between?.cancel();
    this.#between = null;
    for (const reader of all) this.#follow(reader.position - reader.sequence);
    this.look();
  }

  /** Bytes have come. */
  look(): void {
    if (!this.#isOpen || this.#looking !== null || this.#hasEnded) return;
    const { presence, upstream } = this.#parts;
    // Of what is whole nothing is left to foresee; and in what is small no place is remembered.
    if (presence.present.size < leastPlace && presence.present.size === upstream.known?.length) return;
    const { length, ranges } = upstream.content;
    if (!ranges || length === Number.POSITIVE_INFINITY) return;
    this.#outline ??= new Outline(length);
    if (this.#mayLook) void this.#lookOn(this.#outline);
  }

  /** What it wanted did not come, or can't be kept: nothing more is wanted until somebody opens the file anew. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  end(): void {
    this.#hasEnded = true;
    this.#looking?.abort(new Error('the fill has ended'));
    this.#between?.cancel();
    this.#isOpen = false;
  }

  get #mayLook(): boolean {
    const look = this.#outline?.look ?? null;
    return look !== null && this.#parts.presence.present.covers(look);
  }

  async #lookOn(outline: Outline): Promise<void> {
    this.#looking = new AbortController();
    const { signal } = this.#looking;
    try {
      // Who waits for these bytes has them first.
      await nextTurn();
      while (outline.look !== null && this.#mayLook) {
        const bytes = await this.#parts.presence.copy(outline.look, signal);
        if (bytes === null || signal.aborted) return;
        outline.give(bytes);
      }
    } finally {
      this.#looking = null;
    }
    this.#onChange();
  }

  #close(): void {
    this.#between = null;
    this.#isOpen = false;
    this.#isPlayed = false;
    this.#onChange();
  }

  /** Somebody has begun to read at `start`. */
  #follow(start: number): void {
    if (start === this.#hop?.start || !this.#outline?.fragments.some((head) => head.start === start)) return;
    const at = this.#parts.clock.now();
    // Who comes to one long after the last has sought it.
    this.#hop = this.#hop !== null && at - this.#hop.at > betweenHeadsMs ? null : { at, start };
  }

  get #heads(): readonly ByteRange[] {
    const hop = this.#hop;
    if (hop === null || this.#outline === null) return [];
    const { fragments, fragmentIndex } = this.#outline;
    const { present } = this.#parts.presence;
    const ahead = fragments.filter((head) => head.start >= hop.start && !present.covers(head));
    return [...fragmentIndex, ...ahead.slice(0, mostHeads)];
  }

  /** Around where somebody left it, as it was when this player opened it. */
  get #place(): readonly ByteRange[] {
    const { length } = this.#parts.upstream.content;
    const place = this.#left;
    if (this.#outline?.container === null || place === null || place < leastPlace || place > mostPlace * length)
      return [];
    const { before, after } = this.#isSplit ? aroundFarPlace : aroundPlace;
    return this.#partsOf({ start: place - before, end: Math.min(length, place + after) }, placeParts);
  }

  /** What a player shows first; it comes by itself where nothing else is asked for, but slowly over a long way. */
  #beginning(isLeft: boolean): readonly ByteRange[] {
    const container = this.#outline?.container ?? null;
    if (!this.#isSplit || container === null || !films.has(container))
      return isLeft ? [{ start: 0, end: scanWindow }] : [];
    return [{ start: 0, end: lead }, ...this.#partsOf({ start: lead, end: farBeginning }, beginningParts)];
  }

  /** Whether what is wanted is worth several connections. */
  get #isSplit(): boolean {
    const { slots, parallelism } = this.#parts;
    return slots.isFar && slots.limit > 1 && parallelism.together > 1;
  }

  #partsOf({ start, end }: ByteRange, { least, most }: typeof indexParts): readonly ByteRange[] {
    const bytes = end - start;
    if (!this.#isSplit) return [{ start, end }];
    const part = Math.max(least, Math.ceil(bytes / most));
    return Array.from(splitAt({ start: 0, end: bytes }, part), (each) => ({
      start: start + each.start,
      end: start + each.end,
    }));
  }
}

/** Those that do not come with the beginning, as far as the bound allows. */
function within(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const far = ranges.filter(({ start }) => start >= scanWindow);
  return far.filter((_, index) => totalLength(far.slice(0, index + 1)) <= mostForeseen);
}

function isOpening({ position, end }: Opener): boolean {
  return position < scanWindow && (end ?? Number.POSITIVE_INFINITY) - position >= leastOpening;
}
