/**
 * Which bytes are present, byte-exact.
 *
 * The set is a list of runs in ascending order that neither overlap nor touch. So one run is the longest stretch that can
 * be read without a gap. A lookup costs one binary search; adding to the end of the last run, as a fill mostly does, costs
 * none. Offsets may be anything up to 2^53.
 */
import type { ByteRange } from './byte-range.ts';

interface Run {
  start: number;
  end: number;
}

export class RangeSet {
  /** Replaced, not changed, where their number changes: most sets have one, and many are kept. */
  #runs: Run[] = [];
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

  /** How many runs there are. */
  get runs(): number {
    return this.#runs.length;
  }

  /** Makes every byte of `range` present; those that were already there count once. */
  add(range: ByteRange): void {
    const { start, end } = range;
    if (end <= start) return;

    const last = this.#runs.at(-1);
    if (last !== undefined && last.start <= start && start <= last.end) {
      this.#size += Math.max(0, end - last.end);
      last.end = Math.max(last.end, end);
      return;
    }

    // Every run that `range` overlaps or touches melts into one.
    const first = this.#firstEndingAfter(start - 1);
    const after = this.#firstStartingAfter(end, first);
    const melted: Run = { start, end };
    for (const run of this.#runs.slice(first, after)) {
      this.#size -= run.end - run.start;
      melted.start = Math.min(melted.start, run.start);
      melted.end = Math.max(melted.end, run.end);
    }
    this.#runs = this.#runs.toSpliced(first, after - first, melted);
    this.#size += melted.end - melted.start;
  }

  /** Makes every byte of `range` absent. */
  remove(range: ByteRange): void {
    const { start, end } = range;
    if (end <= start || this.#runs.length === 0) return;

    const first = this.#firstEndingAfter(start);
    const after = this.#firstStartingAfter(end - 1, first);
    const left: Run[] = [];
    for (const run of this.#runs.slice(first, after)) {
      this.#size -= Math.min(run.end, end) - Math.max(run.start, start);
      if (run.start < start) left.push({ start: run.start, end: start });
      if (run.end > end) left.push({ start: end, end: run.end });
    }
    this.#runs = this.#runs.toSpliced(first, after - first, ...left);
  }

  has(offset: number): boolean {
    return this.runEnd(offset) > offset;
  }

  /** Whether every byte of `range` is present; nothing is missing from an empty range. */
  covers(range: ByteRange): boolean {
    return this.runEnd(range.start) >= range.end;
  }

  /** One past the last byte that can be read from `offset` without a gap; `offset` itself where it is absent. */
  runEnd(offset: number): number {
    const run = this.#runs[this.#firstEndingAfter(offset)];
    return run !== undefined && run.start <= offset ? run.end : offset;
  }

  /** The first byte that can be read on to `offset` without a gap; `offset` itself where the byte before is absent. */
  runStart(offset: number): number {
    const run = this.#runs[this.#firstEndingAfter(offset - 1)];
    return run !== undefined && run.start < offset ? run.start : offset;
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

  /** What of `range` is present, in ascending order. */
  within(range: ByteRange): ByteRange[] {
    const runs: ByteRange[] = [];
    for (let at = this.nextStart(range.start); at !== null && at < range.end; ) {
      const end = Math.min(this.runEnd(at), range.end);
      runs.push({ start: at, end });
      at = this.nextStart(end);
    }
    return runs;
  }

  /** How many bytes of `range` are present. */
  sizeWithin({ start, end }: ByteRange): number {
    let size = 0;
    for (let index = this.#firstEndingAfter(start); index < this.#runs.length; index += 1) {
      const run = this.#runs[index];
      if (run === undefined || run.start >= end) break;
      size += Math.min(run.end, end) - Math.max(run.start, start);
    }
    return size;
  }

  /** The runs in ascending order, each a copy. */
  *[Symbol.iterator](): Generator<ByteRange, void, undefined> {
    for (const { start, end } of this.#runs) yield { start, end };
  }

  /** Index of the first run that reaches past `offset`: the one that contains it, or else the next one. */
  #firstEndingAfter(offset: number): number {
    return this.#search(0, 'end', offset);
  }

  /** Index of the first run, from index `from` on, that begins past `offset`. */
  #firstStartingAfter(offset: number, from: number): number {
    return this.#search(from, 'start', offset);
  }

  /** Index of the first run from `low` on of which that edge lies past `offset`; the count where there is none. */
  #search(low: number, edge: keyof Run, offset: number): number {
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle];
      if (run !== undefined && run[edge] > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
