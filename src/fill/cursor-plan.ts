/**
 * Who shall bring which byte: pure decisions over readers, gaps and cursors.
 *
 * A missing byte is brought by the cursor that will pass there soon (join), or by a new one (open). A cursor runs until
 * something else begins, and no further than the read-ahead windows of the readers behind it.
 */
import type { RangeSet } from '../bytes/range-set.ts';

/** Closer than this, a new request is never worth it. */
const alwaysJoin = 16 * 1024;

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
  /** Where the read-ahead windows of those that it serves end; at or before its position it rests. */
  readonly edge: number;
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

export function reachOf<C extends CursorSight>(
  cursor: C,
  { present, length, ranges }: Ground,
  cursors: Iterable<C>,
  readers: Iterable<ReaderSight<C>>,
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
  let followed = false;
  for (const reader of readers) {
    if (reader.owedBy !== cursor && reader.position > cursor.position) continue;
    edge = Math.max(edge, reader.edge);
    followed ||= reader.until > cursor.position;
  }
  return { hard, edge, served: edge > cursor.position, followed };
}

/**
 * The first byte in a reader's window that is missing, so that it does not run dry; `null` where there is none, where
 * it can't be asked for, or where it is so far ahead that a new request is not worth it yet.
 */
export function aheadOf<C>(reader: ReaderSight<C>, { present, length, ranges }: Ground): number | null {
  if (ranges === false) return null;
  const { position, edge } = reader;
  const gap = present.firstGap({ start: position, end: Math.min(edge, length) });
  return gap === null || gap.start - position > (edge - position) * 0.75 ? null : gap.start;
}
