/** Downloads ranges before a client requests them, behind all playback. */
import type { OpenRange } from '../bytes/byte-range.ts';
import type { Entry } from '../cache/entry.ts';

export interface WarmProgress {
  /** So many more bytes are present. */
  add(bytes: number): void;
  /** So many bytes are wanted in all; `null` while unknown. */
  expect(total: number | null): void;
}

/** Resolves with the number of present bytes of `wanted`. Rejects with `FillFailed`, or with the signal's reason. */
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
