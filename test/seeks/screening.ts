/**
 * One player and one film: the same seeks at the origin itself, through firstbyte, through firstbyte when the origin is
 * gone, and once more when it was started again. Each byte that firstbyte then has is compared with the film.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstbyteProgram } from '../../bench/programs.ts';
import type { StatsReport, VerifyReport } from '../../src/control/answers.ts';
import { Firstbyte } from '../crash/firstbyte.ts';
import { startOrigin } from '../players/origin.ts';
import { run } from '../players/program.ts';
import type { Container, LongFilm } from './film.ts';
import { compareHeld } from './held.ts';
import { type Seeker, type Sought, wrongWith } from './seeker.ts';

/** How much is watched at each place without an origin, in seconds. */
const watchedOffline = 1;

export const ways = ['direct', 'firstbyte', 'offline', 'restarted'] as const;
export type Way = (typeof ways)[number];

/** What a player has done in one way. */
export interface Seeks {
  readonly sought: readonly Sought[];
  /** What went wrong; `null` where it was at each place in turn. */
  readonly trouble: string | null;
}

export interface ScreeningOptions {
  readonly film: LongFilm;
  readonly container: Container;
  readonly seek: Seeker;
  readonly places: readonly number[];
  /** Of the origin, in bytes a second. */
  readonly rate: number;
  /**
   * How much is watched at each place while there is an origin, in seconds: some more than without one, because players
   * read ahead of what they show, and what was never read nobody can give them.
   */
  readonly watched: number;
  /** For the cache; it must be empty. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

export interface Screening {
  readonly seeks: Readonly<Record<Way, Seeks>>;
  /** Of the film, in bytes. */
  readonly size: number;
  /** Bytes that firstbyte got from the origin. */
  readonly fetched: number;
  /** Bytes that were read back through firstbyte without an origin, and are the film's. */
  readonly present: number;
  /** The same after a restart: whole blocks. */
  readonly kept: number;
  /** What `firstbyte verify` says of the cache directory. */
  readonly verified: VerifyReport;
}

/** Rejects where firstbyte gives a wrong byte, an error of its own for what it has, or does not start or stop. */
export async function screen(options: ScreeningOptions): Promise<Screening> {
  const { film, container, rate, watched, directory, signal } = options;
  await using origin = await startOrigin(film.folder, { rate }, signal);
  const serve = () => Firstbyte.start({ directory, origin: origin.url });
  const path = join(film.folder, container);

  const direct = await soughtAt(`${origin.url}${container}`, watched, options);
  await using first = await serve();
  const firstbyte = await soughtAt(`${first.url}/films/${container}`, watched, options);
  await atRest(first);
  await origin.end();
  const fetched = await landed(first);
  const offline = await soughtAt(`${first.url}/films/${container}`, watchedOffline, options);
  const present = await compareHeld(first.url, path);
  await first.stop();

  await using second = await serve();
  const restarted = await soughtAt(`${second.url}/films/${container}`, watchedOffline, options);
  const kept = await compareHeld(second.url, path);
  await second.stop();

  const command = [firstbyteProgram(), 'verify', '--json', '--cache-dir', directory];
  const verified = JSON.parse(await run(process.execPath, command, signal)) as VerifyReport;
  const seeks = { direct, firstbyte, offline, restarted };
  return { seeks, size: (await stat(path)).size, fetched, present, kept, verified };
}

async function soughtAt(url: string, watched: number, { seek, places, signal }: ScreeningOptions): Promise<Seeks> {
  const sought: Sought[] = [];
  try {
    for await (const one of seek({ url, places, watched, signal })) {
      sought.push(one);
      const wrong = wrongWith(one, watched);
      if (wrong !== null) return { sought, trouble: wrong };
    }
  } catch (error) {
    signal.throwIfAborted();
    return { sought, trouble: error instanceof Error ? error.message : String(error) };
  }
  return { sought, trouble: sought.length === places.length ? null : `ended after ${sought.length} seeks` };
}

/** Resolves when firstbyte asks for nothing more, now that its viewer is gone. */
async function atRest(firstbyte: Firstbyte): Promise<void> {
  for (;;) {
    const { fills } = (await control(firstbyte, 'fills')) as { fills: { cursors: unknown[] }[] };
    if (fills.every(({ cursors }) => cursors.length === 0)) return;
    await sleep(100);
  }
}

async function landed(firstbyte: Firstbyte): Promise<number> {
  const { bytesLanded } = (await control(firstbyte, 'stats')) as StatsReport;
  return Object.values(bytesLanded).reduce((sum, bytes) => sum + bytes, 0);
}

async function control({ url }: Firstbyte, name: string): Promise<unknown> {
  return (await fetch(`${url}/-/api/v1/${name}`)).json();
}
