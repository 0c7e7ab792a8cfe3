/**
 * Which fetch shall bring which byte, how far, and how much at a time: pure decisions over one snapshot of a fill.
 *
 * A missing byte is brought by the fetch that will pass there soon (join), or by a new one (open). A fetch runs until
 * something else begins, and no further than the read-ahead windows of the readers behind it, or the background jobs.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { RangeSet } from '../bytes/range-set.ts';
import type { Urgency } from './connection-slots.ts';
import { readUnit, unitEnd } from './read-unit.ts';

/** Closer than this, a new request is never worth it, in bytes. */
const alwaysJoin = 16 * 1024;

/** So much of its window a reader has used up before more is asked for: many small requests are worth less than few. */
const usedUp = 0.25;

/** A fetch, as far as it is planned. */
export interface PlannedFetch {
  readonly id: number;
  /** The next byte that it will bring. */
  readonly position: number;
  /** Bytes a second, or `null` before its first byte. */
  readonly throughput: number | null;
  /** Where the body that it reads ends; `Infinity` where only its framing tells, 0 where it reads none. */
  readonly bodyEnd: number;
}

/** What one reader wants; offsets are exclusive ends. */
export interface ReaderInterest<F> {
  readonly position: number;
  /** Where its read-ahead window ends. */
  readonly windowEnd: number;
  /** Bytes that it has read in sequence. */
  readonly sequence: number;
  /** Where it will stop; `Infinity` for the end of the representation. */
  readonly end: number;
  /** The fetch from which it waits for a byte; `null` while it does not wait. */
  readonly waitsFor: F | null;
  /** Until when it has hope for that byte, in monotonic milliseconds; means nothing while it does not wait. */
  readonly deadline: number;
}

/** What is known of the representation and its origin. */
export interface KnownContent {
  readonly present: RangeSet;
  /** `Infinity` where it is not known. */
  readonly length: number;
  /** Whether the origin can be asked for another offset; `null` before its first answer. */
  readonly ranges: boolean | null;
}

/** How an origin gives. */
export interface Pace {
  /** How long a head is waited for, in milliseconds. */
  readonly firstByteMs: number;
  /** Bytes a second of one connection, as they came last; 0 where that was not measured yet. */
  readonly throughput: number;
}

/** A fill at one moment. */
export interface Snapshot<F> {
  readonly content: KnownContent;
  readonly fetches: Iterable<F>;
  readonly readers: readonly ReaderInterest<F>[];
  /** Bytes that are wanted although no reader has them in its window. */
  readonly jobs: readonly ByteRange[];
  /** Likewise, because a player that opens the file will ask for them in a moment. */
  readonly foreseen: readonly ByteRange[];
  readonly pieces: Pieces;
}

/** What fetches ask for that run side by side. */
export interface Pieces {
  /** In bytes; `Infinity` where a fetch has no other beside it. */
  readonly unit: number;
  /** Whether each asks for one unit: so do connections that begin together, and none of which is fast yet. */
  readonly even: boolean;
}

/** Of a fetch that has no other beside it. */
export const whole: Pieces = { unit: Number.POSITIVE_INFINITY, even: false };

/** What a fetch is to do; offsets are exclusive. */
export interface Goal {
  /** Where something else begins: bytes that are present, another fetch, the end. */
  readonly hardEnd: number;
  /** Where the windows of the readers that it serves, and the jobs, end; at it the fetch parks. */
  readonly until: number;
  /** Before this, one more request is worth it. */
  readonly refillBefore: number;
  /** Where the readers behind it stop; at or before its position, no reader will come to it. */
  readonly readersEnd: number;
  /** Where everything ends that it serves; `Infinity` where one wants all, or none says. */
  readonly wantedEnd: number;
  readonly urgency: Urgency;
  /** Whether a reader stands so close behind it that it waits, or will in a moment. */
  readonly pressed: boolean;
  /** How much one request may ask for, in bytes. */
  readonly piece: number;
  /** Until when anybody has hope for its bytes, in monotonic milliseconds. */
  readonly deadline: number;
}

/** Of a fetch that was told none yet. */
export const noGoal: Goal = {
  hardEnd: 0,
  until: 0,
  refillBefore: 0,
  readersEnd: 0,
  wantedEnd: 0,
  urgency: 'background',
  pressed: false,
  piece: Number.POSITIVE_INFINITY,
  deadline: Number.NEGATIVE_INFINITY,
};

/** `offset` must not be present; `firstByteMs` is what a new request is expected to take, in milliseconds. */
export function planFor<F extends PlannedFetch>(
  offset: number,
  { present, ranges }: KnownContent,
  fetches: Iterable<F>,
  firstByteMs: number,
): { readonly join: F } | { readonly open: number } {
  let nearest: F | null = null;
  for (const fetch of fetches) {
    if (fetch.position <= offset && (nearest === null || fetch.position > nearest.position)) nearest = fetch;
  }
  if (ranges === false) return nearest === null ? { open: 0 } : { join: nearest };
  if (nearest === null || (present.nextStart(nearest.position) ?? offset) < offset) return { open: offset };
  const distance = offset - nearest.position;
  if (distance <= alwaysJoin) return { join: nearest };
  if (nearest.throughput === null) return { open: offset };
  return (distance / nearest.throughput) * 1000 <= firstByteMs ? { join: nearest } : { open: offset };
}

/** `aheadDeadline` is until when the fetch has hope where readers count on it that do not wait yet. */
export function goalOf<F extends PlannedFetch>(
  fetch: F,
  { content, fetches, readers, jobs, foreseen, pieces }: Snapshot<F>,
  aheadDeadline: number,
): Goal {
  const { position } = fetch;
  const sequential = content.ranges === false;
  let windowEnd = 0;
  let refillBefore = 0;
  let readersEnd = 0;
  let deadline = Number.NEGATIVE_INFINITY;
  let waitedFor = false;
  let pressed = false;
  for (const reader of readers) {
    const waits = reader.waitsFor === fetch;
    if (!waits && reader.position > position) continue;
    waitedFor ||= waits;
    pressed ||= reader.position <= position && position - reader.position <= readUnit;
    windowEnd = Math.max(windowEnd, reader.windowEnd);
    refillBefore = Math.max(refillBefore, waits ? reader.windowEnd : refillMark(reader));
    readersEnd = Math.max(readersEnd, reader.end);
    if (waits) deadline = Math.max(deadline, reader.deadline);
  }
  const served = windowEnd > position;
  let isForeseen = false;
  let until = windowEnd;
  // Who is far behind wants nothing of it yet.
  let wantedEnd = served || waitedFor ? readersEnd : 0;
  for (const wanted of [jobs, foreseen]) {
    for (const { start, end } of wanted) {
      if ((!sequential && start > position) || end <= position) continue;
      isForeseen ||= wanted === foreseen;
      until = Math.max(until, end);
      refillBefore = Math.max(refillBefore, end);
      wantedEnd = Math.max(wantedEnd, end);
    }
  }
  return {
    hardEnd: hardEndOf(fetch, content, fetches),
    until,
    refillBefore,
    readersEnd,
    wantedEnd: wantedEnd === 0 ? Number.POSITIVE_INFINITY : wantedEnd,
    urgency: waitedFor ? 'waited for' : served || isForeseen ? 'ahead' : 'background',
    pressed,
    piece: served || waitedFor ? pieceOf(fetch, fetches, pieces) : Number.POSITIVE_INFINITY,
    deadline: served ? Math.max(deadline, aheadDeadline) : deadline,
  };
}

function hardEndOf<F extends PlannedFetch>(
  fetch: F,
  { present, length, ranges }: KnownContent,
  fetches: Iterable<F>,
): number {
  const { position } = fetch;
  // Where the origin gives everything from the start only, one body passes over what is present already.
  const sequential = ranges === false;
  let hardEnd = sequential ? length : Math.min(length, present.nextStart(position) ?? length);
  for (const other of fetches) {
    if (other === fetch) continue;
    const takesOver = sequential
      ? present.covers({ start: position, end: Math.max(position, other.position) })
      : other.position === position;
    if (takesOver && goesBefore(other, fetch)) hardEnd = position;
    else if (!sequential && other.position > position) hardEnd = Math.min(hardEnd, other.position);
  }
  return hardEnd;
}

/** Which of two fetches brings the next byte of both: the one that has asked for it already, else the older. */
function goesBefore(one: PlannedFetch, other: PlannedFetch): boolean {
  const [hasOne, hasOther] = [one, other].map(({ position, bodyEnd }) => bodyEnd > position);
  return hasOne === hasOther ? one.id < other.id : hasOne === true;
}

/**
 * The first byte in a reader's window that is missing, so that it does not run dry; `null` where there is none, where
 * it can't be asked for, or where it is so far ahead that a new request is not worth it yet.
 */
export function missingAhead<F>(reader: ReaderInterest<F>, { present, length, ranges }: KnownContent): number | null {
  if (ranges === false) return null;
  const gap = present.firstGap({ start: reader.position, end: Math.min(reader.windowEnd, length) });
  return gap === null || gap.start >= refillMark(reader) ? null : gap.start;
}

/**
 * The unit of pieces where so many fetches run side by side, in bytes: the first of them asks for one, and each for one
 * more than the one before it has still to bring. So they end one after the other, and a reader gets what they bring
 * together as steadily as from one. A quarter of what it has read waits at most out of order. The first piece is so long
 * that a new connection gets going meanwhile.
 */
export function pieceUnit<F>(
  { position, windowEnd, sequence }: ReaderInterest<F>,
  fetches: number,
  { throughput, firstByteMs }: Pace,
): number {
  const lasting = (throughput * longestPieceMs) / 1000 / fetches;
  const share = Math.min(sequence / (2 * fetches * (fetches - 1)), lasting);
  const flown = Math.min((windowEnd - position) / 4, (throughput * firstByteMs * roundTrips) / 1000);
  // Over a slow line the first piece is no longer than what it takes a second to bring.
  const smallest = throughput === 0 ? usualUnit : Math.min(usualUnit, Math.max(step, throughput));
  return Math.ceil(Math.max(smallest, share, flown) / step) * step;
}

/**
 * Where the next piece begins that no fetch brings, in the window of a reader; `null` where there is none that is worth a
 * request. A body that goes on for more than its piece is cut where the next piece begins; one that a reader stands at and
 * that takes long to come, where another can bring the rest as soon.
 */
export function nextPiece<F extends PlannedFetch>(
  { position, windowEnd: wanted }: ReaderInterest<F>,
  content: KnownContent,
  fetches: Iterable<F>,
  pieces: Pieces,
): number | null {
  const { unit } = pieces;
  const { present, length } = content;
  const all = [...fetches];
  const windowEnd = Math.min(wanted, length);
  for (let offset = position; ; ) {
    const gap = present.firstGap({ start: offset, end: windowEnd });
    if (gap === null || (windowEnd < length && windowEnd - gap.start < unit)) return null;
    // Of several at one place one goes on.
    const fetch = all.find((each) => each.position === gap.start && hardEndOf(each, content, all) > gap.start);
    if (fetch === undefined) return all.some((each) => each.position === gap.start) ? null : gap.start;
    const asked = fetch.bodyEnd > fetch.position ? fetch.bodyEnd : Number.POSITIVE_INFINITY;
    const given = Math.min(hardEndOf(fetch, content, all), asked);
    const isLong = given > fetch.position + mostUnits * unit;
    const end = isLong ? fetch.position + pieceOf(fetch, all, pieces) : given;
    offset = fetch.position - position <= readUnit ? sharedEnd(fetch, end, all) : end;
  }
}

/**
 * Where the piece of a fetch ends of which another brings the later part, if it takes too long: so that both are done at
 * once, where the other is as fast as they are on average.
 */
function sharedEnd({ position, throughput }: PlannedFetch, end: number, all: readonly PlannedFetch[]): number {
  const left = end - position;
  if (throughput === null || left < 2 * usualUnit || (left * 1000) / throughput <= lateMs) return end;
  const throughputs = all.flatMap((fetch) => fetch.throughput ?? []);
  const average = throughputs.reduce((sum, each) => sum + each, 0) / throughputs.length;
  return position + Math.ceil((left * throughput) / (throughput + average));
}

/** How much a fetch asks for: a unit more than the one before it has still to bring, or just one. */
function pieceOf<F extends PlannedFetch>({ position }: F, fetches: Iterable<F>, { unit, even }: Pieces): number {
  if (even) return unit;
  let before = 0;
  for (const other of fetches) {
    const distance = position - other.position;
    if (distance > 0 && distance <= mostUnits * unit) before = before === 0 ? distance : Math.min(before, distance);
  }
  return Math.min(mostUnits * unit, before + unit);
}

function refillMark<F>({ position, windowEnd }: ReaderInterest<F>): number {
  return windowEnd - usedUp * (windowEnd - position);
}

/** The first range of a fetch, and the largest but for late heads: one segment of the store, 1024 requests for 16 GiB. */
const firstRange = 256 * 1024;
const largestRange = 16 * 1024 * 1024;

/** Units of pieces are multiples of the one, and the other at least but over slow lines; in bytes. */
const step = 16 * 1024;
const usualUnit = 64 * 1024;

/** How long the largest piece takes. */
const longestPieceMs = 5000;

/** A new connection takes so many round trips to get going (RFC 5681 §3.1). */
const roundTrips = 4;

/** For so long a reader may wait for what one fetch brings while another is free, in milliseconds. */
const lateMs = 2000;

/** No piece has more units; a body that is longer was not asked for as one. */
const mostUnits = 10;

/** So many bytes a connection brings in its first two round trips (RFC 5681 §3.1, RFC 6928), beside the head. */
export const firstFlights = 40 * 1024;

/** A range is worth the wait for its head if it brings so many times what could have come in meanwhile. */
const headsShare = 16;

/** A connection is thought to become so fast where its first bytes were slow, in bytes a second. */
const hopedThroughput = 1_000_000;

/** What there is to say where a bounded request begins. */
export interface RangeStart extends Pace {
  /** Its first byte. */
  readonly start: number;
  /** How many bytes are there without a gap before it, or will be when it begins. */
  readonly behind: number;
  /** Where the windows that it serves end. */
  readonly until: number;
  /** How much one request may ask for, in bytes. */
  readonly piece: number;
}

/**
 * Where a bounded request ends, and the next one begins. Ranges double while reading goes on in sequence: as much again
 * as is there already. They end with the window, so that no body is left lying unread; but each is long enough to be worth
 * the wait for its head. `given` is where it ends in any case; no crumb is left before that.
 */
export function rangeEnd({ start, behind, until, firstByteMs, throughput, piece }: RangeStart, given: number): number {
  if (piece < given - start) return start + piece;
  const meanwhile = Math.ceil((firstByteMs * throughput) / 1000);
  const worthwhile = Math.max(meanwhile, Math.ceil((headsShare * firstByteMs * hopedThroughput) / 1000));
  const asked = Math.max(worthwhile, headsShare * meanwhile, Math.min(largestRange, firstRange + behind));
  const end = Math.min(unitEnd(start + asked), Math.max(until, start + worthwhile));
  return given - end < firstRange ? given : end;
}
