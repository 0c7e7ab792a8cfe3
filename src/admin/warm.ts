/** Brings in what nobody has asked for yet, behind all playback. */
import type { OpenRange } from '../bytes/byte-range.ts';
import type { Entry } from '../cache/entry.ts';

export interface WarmProgress {
  /** So many bytes more are present. */
  add(bytes: number): void;
  /** So many are wanted in all; `null` while that is not known. */
  expect(total: number | null): void;
}

/** Resolves with how many bytes of `wanted` are present. Rejects with `FillFailed`, or with the signal's reason. */
export async function warm(
  entry: Entry,
  wanted: readonly OpenRange[],
  progress: WarmProgress,
  signal: AbortSignal,
): Promise<number> {
  const ranges = wanted.map(({ start, end }) => ({ start, end: end ?? Number.POSITIVE_INFINITY }));
  let bytes = 0;
  await entry.warm(
    ranges,
    ({ present, total }) => {
      progress.expect(total);
      progress.add(present - bytes);
      bytes = present;
    },
    signal,
  );
  return bytes;
}
