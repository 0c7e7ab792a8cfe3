/**
 * Which present bytes are compared to find out whether a base holds the same version. Pure.
 *
 * The bytes just before the missing one tell most encodings apart. The head of the file, where a container describes
 * itself, tells apart two copies that differ in their tags. The last present bytes tell a copy that is not whole yet.
 */
import type { ByteRange } from '../bytes/byte-range.ts';
import { RangeSet } from '../bytes/range-set.ts';

/** Fewer bytes prove nothing: the first of two films from one program may be the same. */
export const leastSampled = 64 * 1024;

/** What is compared before the missing byte; each end of the file gives `leastSampled`. */
const nearby = 256 * 1024;

/**
 * Ranges to compare, in ascending order, where bytes from `position` on are wanted; none where too little is present.
 * `present` are the runs of bytes that are there, in ascending order.
 */
export function samplesFor(present: Iterable<ByteRange>, position: number): ByteRange[] {
  const runs = [...present];
  const [first] = runs;
  const last = runs.at(-1);
  const before = runs.findLast(({ start }) => start < position);
  const chosen = new RangeSet();
  if (before !== undefined) {
    const end = Math.min(before.end, position);
    chosen.add({ start: Math.max(before.start, end - nearby), end });
  }
  if (first?.start === 0) chosen.add({ start: 0, end: Math.min(first.end, leastSampled) });
  if (last !== undefined) chosen.add({ start: Math.max(last.start, last.end - leastSampled), end: last.end });
  return chosen.size < leastSampled ? [] : [...chosen];
}
