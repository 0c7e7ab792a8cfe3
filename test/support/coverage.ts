/** Which bytes an origin gave out, and which of them more than once: a simple oracle of its own. */
import type { ByteRange } from '../../src/bytes/byte-range.ts';

export class Coverage {
  #once: ByteRange[] = [];
  #again: ByteRange[] = [];
  #total = 0;

  /** The bytes from `start` to `end` (exclusive) were given out. */
  add(start: number, end: number): void {
    if (end <= start) return;
    this.#total += end - start;
    const last = this.#once.at(-1);
    if (last !== undefined && last.end === start) {
      this.#once[this.#once.length - 1] = { start: last.start, end };
      return;
    }
    for (const seen of this.#once) {
      const [from, to] = [Math.max(seen.start, start), Math.min(seen.end, end)];
      if (from < to) this.#again = merged(this.#again, { start: from, end: to });
    }
    this.#once = merged(this.#once, { start, end });
  }

  /** What was given out at least once: sorted, disjoint, not adjacent. */
  get given(): readonly ByteRange[] {
    return this.#once;
  }

  /** What was given out more than once. */
  get twice(): readonly ByteRange[] {
    return this.#again;
  }

  /** How many bytes were given out, repeated ones counted each time. */
  get total(): number {
    return this.#total;
  }
}

function merged(ranges: readonly ByteRange[], added: ByteRange): ByteRange[] {
  const before = ranges.filter((range) => range.end < added.start);
  const after = ranges.filter((range) => range.start > added.end);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const start = Math.min(added.start, touching.at(0)?.start ?? added.start);
  const end = Math.max(added.end, touching.at(-1)?.end ?? added.end);
  return [...before, { start, end }, ...after];
}
