/** A film of 200 MiB through a cache of 64 MiB: every byte right, the longest pause, and what the cache really takes. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, Series } from './figures.ts';
import { type Server, Stage } from './programs.ts';

const MiB = 1024 * 1024;
const size = 200 * MiB;
const maxSize = 64 * MiB;
const segment = 16 * MiB;
const rounds = 5;

/** Bytes a second: of the origin, as fast as it can; and of a player that reads at a fast film's pace. */
const paces = [
  { words: 'as fast as it comes', rate: undefined },
  { words: 'read at 25 MB/s', rate: 25_000_000 },
];

/** In milliseconds. */
const longestPause = 200;

export async function smallCache(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = [await stage.direct(), await stage.firstbyte('--max-size', '64MiB', '--min-free', '0B')];
  const rows: Row[] = [];
  for (const { words, rate } of paces) {
    const pauses: Record<string, number[]> = { direct: [], firstbyte: [] };
    const most: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const server of servers) {
        const played = await play(stage, server, `/small-${rate ?? 'free'}-${round}-${server.name}`, rate);
        pauses[server.name]?.push(played.pause);
        if (server.name === 'firstbyte') most.push(played.most);
      }
    }
    const [direct, firstbyte] = [new Series(pauses.direct ?? []), new Series(pauses.firstbyte ?? [])];
    const taken = new Series(most);
    const worst = firstbyte.values.at(-1) ?? Number.NaN;
    rows.push({
      what: `200 MiB through a cache of 64 MiB, ${words}: longest pause, ms`,
      goal: `<= ${longestPause}`,
      direct: direct.text(0),
      firstbyte: firstbyte.text(0),
      reached: worst <= longestPause,
      figures: { firstbyte, direct },
    });
    rows.push({
      what: `the same: most that was on disk, MiB`,
      goal: `<= ${(maxSize + segment) / MiB}`,
      firstbyte: new Series(most.map((bytes) => bytes / MiB)).text(1),
      reached: (taken.values.at(-1) ?? Number.NaN) <= maxSize + segment,
      figures: { taken },
    });
  }
  return rows;
}

/** One viewer; the film must come whole and right, or this is no measurement. */
async function play(stage: Stage, server: Server, path: string, rate: number | undefined) {
  const job = { url: `${server.url}${path}?size=${size}`, connections: 1, verify: true };
  const playing = stage.run(rate === undefined ? job : { ...job, rate });
  let over = false;
  const watching = mostOnDisk(join(stage.folder, 'firstbyte', 'objects'), () => over);
  const [seen] = (await playing).seen;
  over = true;
  if (!seen?.whole || seen.wrong || seen.bytes !== size) throw new Error(`${server.name}: ${JSON.stringify(seen)}`);
  return { pause: seen.pause, most: await watching };
}

/** The most that was under `folder` at once, in real bytes, looked at ten times a second. */
async function mostOnDisk(folder: string, isOver: () => boolean): Promise<number> {
  let most = 0;
  while (!isOver()) {
    let taken = 0;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
      if (!entry.isFile()) continue;
      taken += await stat(join(entry.parentPath, entry.name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      );
    }
    most = Math.max(most, taken);
    await sleep(100);
  }
  return most;
}
