/**
 * Who shall bring which byte, and how much at a time: pure decisions over readers, gaps and cursors.
 *
 * A missing byte is brought by the cursor that will pass there soon (join), or by a new one (open). A cursor runs until
 * something else begins, and no further than the read-ahead windows of the readers behind it, or the errands there are.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { RangeSet } from '../bytes/range-set.ts';
import { readUnit } from './landed-bytes.ts';

/** Closer than this, a new request is never worth it. */
const alwaysJoin = 16 * 1024;

/** So much of its window a reader has used up before more is asked for: many small requests are worth less than few. */
const usedUp = 0.25;

export interface CursorSight {
  readonly id: number;
  /** The next byte that it will bring. */
  readonly position: number;
  /** Bytes a second, or `null` before its first byte. */
  readonly speed: number | null;
}

export interface ReaderSight<C> {
  readonly position: number;
  /** Where its read-ahead window ends. */
  readonly edge: number;
  /** Where it will stop; `Infinity` for the end of the representation. */
  readonly until: number;
  /** The cursor that owes it the byte that it waits for; `null` while it does not wait. */
  readonly owedBy: C | null;
}

/** What is known of the representation and its origin. */
export interface Ground {
  readonly present: RangeSet;
  /** `Infinity` where it is not known. */
  readonly length: number;
  /** Whether the origin can be asked for another offset; `null` before its first answer. */
  readonly ranges: boolean | null;
}

/** How far a cursor may run at this moment; offsets are exclusive. */
export interface Reach {
  /** Where something else begins: bytes that are present, another cursor, the end. */
  readonly hard: number;
  /** Where the windows of those that it serves, and the errands, end; at or before its position it rests. */
  readonly edge: number;
  /** Before this, one more request is worth it. */
  readonly worthwhile: number;
  /** Whether any reader counts on it now: it waits for it, or has it in its window. */
  readonly served: boolean;
  /** Whether any reader will come to it if it reads on. */
  readonly followed: boolean;
}

/** `offset` must not be present; `firstByteIn` is what a new request is expected to take, in milliseconds. */
export function planFor<C extends CursorSight>(
  offset: number,
  { present, ranges }: Ground,
  cursors: Iterable<C>,
  firstByteIn: number,
): { readonly join: C } | { readonly open: number } {
  let nearest: C | null = null;
  for (const cursor of cursors) {
    if (cursor.position <= offset && (nearest === null || cursor.position > nearest.position)) nearest = cursor;
  }
  if (ranges === false) return nearest === null ? { open: 0 } : { join: nearest };
  if (nearest === null || (present.nextStart(nearest.position) ?? offset) < offset) return { open: offset };
  const distance = offset - nearest.position;
  if (distance <= alwaysJoin) return { join: nearest };
  if (nearest.speed === null) return { open: offset };
  return (distance / nearest.speed) * 1000 <= firstByteIn ? { join: nearest } : { open: offset };
}

/** `errands` are bytes that are wanted although no reader has them in its window. */
export function reachOf<C extends CursorSight>(
  cursor: C,
  { present, length, ranges }: Ground,
  cursors: Iterable<C>,
  readers: Iterable<ReaderSight<C>>,
  errands: Iterable<ByteRange>,
): Reach {
  // Where the origin gives everything from the start only, one body passes over what is present already.
  const sequential = ranges === false;
  let hard = sequential ? length : Math.min(length, present.nextStart(cursor.position) ?? length);
  for (const other of cursors) {
    if (other === cursor) continue;
    const takesOver = sequential
      ? present.covers({ start: cursor.position, end: Math.max(cursor.position, other.position) })
      : other.position === cursor.position;
    if (takesOver && other.id < cursor.id) hard = cursor.position;
    else if (!sequential && other.position > cursor.position) hard = Math.min(hard, other.position);
  }
  let edge = 0;
  let worthwhile = 0;
  let followed = false;
  for (const reader of readers) {
    if (reader.owedBy !== cursor && reader.position > cursor.position) continue;
    edge = Math.max(edge, reader.edge);
    worthwhile = Math.max(worthwhile, reader.owedBy === cursor ? reader.edge : refillBefore(reader));
    followed ||= reader.until > cursor.position;
  }
  const served = edge > cursor.position;
  for (const { start, end } of errands) {
    if ((!sequential && start > cursor.position) || end <= cursor.position) continue;
    edge = Math.max(edge, end);
    worthwhile = Math.max(worthwhile, end);
  }
  return { hard, edge, worthwhile, served, followed };
}

/**
 * The first byte in a reader's window that is missing, so that it does not run dry; `null` where there is none, where
 * it can't be asked for, or where it is so far ahead that a new request is not worth it yet.
 */
export function aheadOf<C>(reader: ReaderSight<C>, { present, length, ranges }: Ground): number | null {
  if (ranges === false) return null;
  const gap = present.firstGap({ start: reader.position, end: Math.min(reader.edge, length) });
  return gap === null || gap.start >= refillBefore(reader) ? null : gap.start;
}

function refillBefore<C>({ position, edge }: ReaderSight<C>): number {
  return edge - usedUp * (edge - position);
}

/** The first range of a cursor, and the largest: one segment of the store, 1024 requests for 16 GiB. */
const firstRange = 256 * 1024;
const largestRange = 16 * 1024 * 1024;

/** With heads that come late, the largest range is so many times what comes in while one is waited for. */
const headsShare = 16;

/** What there is to say where a bounded request begins. */
export interface RangeStart {
  /** Its first byte. */
  readonly start: number;
  /** How many bytes are there without a gap before it, or will be when it begins. */
  readonly behind: number;
  /** Where the windows that it serves end. */
  readonly edge: number;
  /** What comes in while a head is waited for, in bytes; 0 where that was not measured yet. */
  readonly meanwhile: number;
}

/**
 * Where a bounded request ends, and the next one begins. Ranges double while reading goes on in sequence: as much again
 * as is there already. They end with the window, so that no body is left lying unread; and none is so small that the
 * next head would be waited for. `given` is where it ends in any case; no crumb is left before that.
 */
export function rangeEnd({ start, behind, edge, meanwhile }: RangeStart, given: number): number {
  const largest = Math.max(largestRange, headsShare * meanwhile);
  const asked = Math.max(meanwhile, Math.min(largest, firstRange + behind));
  const end = Math.min(wholeUnits(start + asked), Math.max(edge, start + meanwhile, start + 1));
  return given - end < firstRange ? given : end;
}

/** So that whole blocks become durable. */
export function wholeUnits(offset: number): number {
  return Math.ceil(offset / readUnit) * readUnit;
}

/**
 * Where a request for `start` to `end` ends: in whole units. An empty range is wanted for the head of the answer alone,
 * and costs one byte: no request can ask for none.
 */
export function requestEnd(start: number, end: number): number {
  return Math.max(start + 1, wholeUnits(end));
}
