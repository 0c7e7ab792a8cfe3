/**
 * Which bytes are present, byte-exact.
 *
 * Kept as runs in ascending order that neither overlap nor touch, so that one run is always the longest stretch that
 * can be read without a gap. A question costs one binary search; a write that continues the last run, as the writes
 * of a fill mostly do, costs no search at all. Offsets may be anything up to 2^53.
 */
import type { ByteRange } from './byte-range.ts';

interface Run {
  start: number;
  end: number;
}

export class RangeSet {
  readonly #runs: Run[] = [];
  #size = 0;

  /** The union of `ranges`, in whatever order they come. */
  static from(ranges: Iterable<ByteRange>): RangeSet {
    const set = new RangeSet();
    for (const range of ranges) set.add(range);
    return set;
  }

  /** How many bytes are present. */
  get size(): number {
    return this.#size;
  }

  /** Makes every byte of `range` present; those that were already there count once. */
  add(range: ByteRange): void {
    const { start, end } = range;
    if (end <= start) return;

    const last = this.#runs.at(-1);
    if (last !== undefined && last.start <= start && start <= last.end) {
      this.#extend(last, start, end);
      return;
    }

    // Whatever `range` overlaps or touches, from `first` to before `after`, melts into one run.
    const first = this.#firstEndingAfter(start - 1);
    const after = this.#firstStartingAfter(end, first);
    const head = this.#runs[first];
    const tail = this.#runs[after - 1];
    if (head === undefined || tail === undefined || after === first) {
      this.#runs.splice(first, 0, { start, end });
      this.#size += end - start;
      return;
    }
    for (const swallowed of this.#runs.splice(first + 1, after - first - 1)) {
      this.#size -= swallowed.end - swallowed.start;
    }
    this.#extend(head, start, Math.max(end, tail.end));
  }

  /** Makes every byte of `range` absent. */
  remove(range: ByteRange): void {
    const { start, end } = range;
    if (end <= start) return;

    const first = this.#firstEndingAfter(start);
    const after = this.#firstStartingAfter(end - 1, first);
    const removed = this.#runs.slice(first, after);
    const left: Run[] = [];
    for (const run of removed) {
      this.#size -= Math.min(run.end, end) - Math.max(run.start, start);
      if (run.start < start) left.push({ start: run.start, end: start });
      if (run.end > end) left.push({ start: end, end: run.end });
    }
    this.#runs.splice(first, removed.length, ...left);
  }

  has(offset: number): boolean {
    return this.runEnd(offset) > offset;
  }

  /** Whether every byte of `range` is present; nothing is missing from an empty range. */
  covers(range: ByteRange): boolean {
    return range.end <= range.start || this.runEnd(range.start) >= range.end;
  }

  /** One past the last byte that can be read from `offset` without a gap; `offset` itself where it is absent. */
  runEnd(offset: number): number {
    const run = this.#runs[this.#firstEndingAfter(offset)];
    return run !== undefined && run.start <= offset ? run.end : offset;
  }

  /** The first present offset at or after `offset`; `null` where nothing follows. */
  nextStart(offset: number): number | null {
    const run = this.#runs[this.#firstEndingAfter(offset)];
    return run === undefined ? null : Math.max(run.start, offset);
  }

  /** The first absent bytes of `within`, as many as there are in a row; `null` where all are present. */
  firstGap(within: ByteRange): ByteRange | null {
    const start = this.runEnd(within.start);
    if (start >= within.end) return null;
    return { start, end: Math.min(this.nextStart(start) ?? within.end, within.end) };
  }

  /** The runs in ascending order, each a copy. */
  *[Symbol.iterator](): Generator<ByteRange, void, undefined> {
    for (const { start, end } of this.#runs) yield { start, end };
  }

  #extend(run: Run, start: number, end: number): void {
    const before = run.end - run.start;
    run.start = Math.min(run.start, start);
    run.end = Math.max(run.end, end);
    this.#size += run.end - run.start - before;
  }

  /** Index of the first run that reaches past `offset`: the one that contains it, or else the next one. */
  #firstEndingAfter(offset: number): number {
    return this.#search(0, (run) => run.end > offset);
  }

  /** Index of the first run, from index `from` on, that begins past `offset`. */
  #firstStartingAfter(offset: number, from: number): number {
    return this.#search(from, (run) => run.start > offset);
  }

  /** Index of the first run from `low` on for which `holds`, which once true stays true; the count where there is none. */
  #search(low: number, holds: (run: Run) => boolean): number {
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle];
      if (run !== undefined && holds(run)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
