/** A byte map as columns, each with its present share. Pure arithmetic, from one byte to many terabytes. */
import type { Span } from '../../src/control/answers.ts';

/** The share of each of `count` equal columns of `view` that `spans` (sorted, disjoint) cover, from 0 to 1. */
export function columnShares(spans: readonly Span[], view: Span, count: number): Float64Array {
  const shares = new Float64Array(count);
  const [viewStart, viewEnd] = view;
  const width = (viewEnd - viewStart) / count;
  if (!(width > 0)) return shares;
  for (const [start, end] of spans) {
    const from = (Math.max(start, viewStart) - viewStart) / width;
    const to = (Math.min(end, viewEnd) - viewStart) / width;
    if (to <= from) continue;
    for (let column = Math.floor(from); column < to && column < count; column++) {
      const covered = Math.min(to, column + 1) - Math.max(from, column);
      shares[column] = Math.min(1, (shares[column] ?? 0) + covered);
    }
  }
  return shares;
}

/** The part of `spans` that lies between `start` and `end`. */
export function within(spans: readonly Span[], [start, end]: Span): Span[] {
  return spans.flatMap(([from, to]) => {
    const span: Span = [Math.max(from, start), Math.min(to, end)];
    return span[0] < span[1] ? [span] : [];
  });
}

/** The missing ranges between 0 and `length`. */
export function gapsIn(spans: readonly Span[], length: number): Span[] {
  const gaps: Span[] = [];
  let from = 0;
  for (const [start, end] of spans) {
    if (start > from) gaps.push([from, start]);
    from = Math.max(from, end);
  }
  if (from < length) gaps.push([from, length]);
  return gaps;
}

/** The close view shows so many bytes around a player, where the whole is too large to show its read-ahead. */
const closeView = 96 * 1024 * 1024;

/**
 * The range of the close view in `length` bytes: around `position`, most of it ahead. `null` where the whole is at most
 * four times as large.
 */
export function closeUp(position: number, length: number): Span | null {
  if (length <= 4 * closeView) return null;
  const start = Math.min(Math.max(0, position - closeView / 4), length - closeView);
  return [start, start + closeView];
}
