/** Brings in what nobody has asked for yet: as a reader that passes over each byte as soon as it is present. */
import type { Representation } from '../http/representation.ts';
import type { Entry } from './entry.ts';
import type { Wanted } from './visit.ts';

export interface WarmProgress {
  /** So many bytes more are present. */
  add(bytes: number): void;
  /** So many are wanted in all; `null` while that is not known. */
  expect(total: number | null): void;
}

/** Resolves with how many bytes of `wanted` are present. Rejects with `FillFailed`, or with the signal's reason. */
export async function warm(
  entry: Entry,
  wanted: readonly Wanted[],
  progress: WarmProgress,
  signal: AbortSignal,
): Promise<number> {
  let present = 0;
  for (const each of wanted) {
    const choose = (representation: Representation) => {
      const { length } = representation;
      progress.expect(length === null ? null : wanted.reduce((sum, range) => sum + sizeOf(range, length), 0));
      return length !== null && each.start >= length ? null : each;
    };
    const visit = await entry.visit(each, choose, signal);
    try {
      if (visit.reader.end === 0) continue;
      do {
        const passed = visit.reader.skip();
        present += passed;
        progress.add(passed);
      } while ((await visit.reader.arrival(signal)) !== 'end');
    } finally {
      visit.leave();
    }
  }
  return present;
}

function sizeOf({ start, end }: Wanted, length: number): number {
  return Math.max(0, Math.min(end ?? length, length) - start);
}
