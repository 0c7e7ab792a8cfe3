/** Measures the speed of an origin over a number of connections, within a bound of time and bytes. */
import { type Clock, sleep } from '../clock.ts';
import type { Origin } from '../origin/origin.ts';

export interface SpeedTrial {
  readonly origin: Origin;
  readonly path: string;
  /** In bytes; `null` where it is not known. */
  readonly total: number | null;
  readonly connections: number;
  readonly clock: Clock;
}

const longestMs = 3000;
/** Over all connections. */
const mostBytes = 32 * 1024 ** 2;

/** Bytes a second; `null` where one of the connections failed. */
export async function measuredSpeed(trial: SpeedTrial, signal: AbortSignal): Promise<number | null> {
  const { clock, connections, total } = trial;
  const ended = new AbortController();
  const over = new AbortController();
  sleep(clock, longestMs, ended.signal).then(
    () => over.abort(),
    () => {},
  );
  const startedAt = clock.now();
  const starts = Array.from({ length: connections }, (_, index) => Math.floor(((total ?? 0) * index) / connections));
  const until = AbortSignal.any([signal, over.signal]);
  try {
    const read = await Promise.all(starts.map((start) => readFrom(trial, start, mostBytes / connections, until)));
    const bytes = read.reduce((sum, each) => sum + each, 0);
    return bytes / ((clock.now() - startedAt) / 1000);
  } catch {
    return null;
  } finally {
    ended.abort();
  }
}

/** The number of bytes that came before `limit`, the end, or the abort of the signal. */
async function readFrom(
  { origin, path }: SpeedTrial,
  start: number,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0;
  try {
    const fields = [['range', `bytes=${start}-`]] as const;
    const { status, body } = await origin.open({ target: path, fields }, signal);
    try {
      if (status >= 400) throw new Error(`status ${status}`);
      while (bytes < limit && !signal.aborted) {
        const next = await body.read();
        if (next === null) break;
        bytes += next.length;
      }
    } finally {
      body.cancel();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return bytes;
}
