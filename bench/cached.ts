/** A film that is in the cache, given to one quick client and to many: beside one worker of nginx, whose kernel sends it. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { film, longestPiece } from './content.ts';
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const MiB = 1024 * 1024;
const size = 1024 * MiB;
const rounds = 7;

/** Milliseconds of each round. */
const duration = 2000;

/** Of nginx' throughput, by the number of connections. */
const goals = new Map([
  [1, 0.95],
  [16, 0.85],
  [64, 0.6],
]);

/** Seconds of CPU time a GB, with 16 connections. */
const mostCost = 0.2;
const mostMemory = 200 * MiB;

export async function cached(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = await stage.everyone();
  await pipeline(Readable.from(pieces()), createWriteStream(join(stage.folder, 'nginx/files/film')));
  const films: Record<string, string> = {};
  for (const { name, url } of servers) {
    films[name] = name === 'nginx' ? `${url}/files/film` : `${url}/film-${name}?size=${size}`;
    for (const _ of ['cold', 'cached']) {
      const { seen } = await stage.run({ url: films[name], connections: 1, verify: true });
      if (seen.some(({ wrong, whole }) => wrong || !whole)) throw new Error(`${name} gave a wrong film`);
    }
  }
  const rows: Row[] = [];
  for (const connections of goals.keys()) rows.push(...(await measure(connections)));
  const { requests, bytes } = await stage.sent('/film-firstbyte');
  if (bytes !== size) throw new Error(`The origin sent ${bytes} bytes of the cached film in ${requests} answers.`);
  return rows;

  async function measure(connections: number): Promise<Row[]> {
    const speeds: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
    const costs: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
    const ratios: number[] = [];
    const memory: number[] = [];
    for (let round = -1; round < rounds; round += 1) {
      for (const { name, footprint } of servers) {
        if (name === 'firstbyte') footprint.resetPeak();
        const before = footprint.cpu;
        const { bytes, elapsed } = await stage.run({ url: films[name] ?? '', connections, duration });
        if (round < 0) continue;
        speeds[name]?.push(bytes / 1e6 / elapsed);
        costs[name]?.push((footprint.cpu - before) / (bytes / 1e9));
        if (name === 'firstbyte') memory.push(footprint.peak / MiB);
      }
      const [ours, theirs] = [speeds.firstbyte?.at(-1), speeds.nginx?.at(-1)];
      if (ours !== undefined && theirs !== undefined) ratios.push(ours / theirs);
    }
    const peer = ratios.length > 0;
    const of = (values: readonly number[] = []) => new Series(values);
    const named = `cached 1 GiB, ${connections} connection${connections === 1 ? '' : 's'}`;
    const ratio = peer ? of(ratios) : null;
    const goal = goals.get(connections) ?? Number.NaN;
    const cost = of(costs.firstbyte);
    return [
      {
        what: `${named}: throughput x nginx sendfile`,
        goal: `>= ${goal}`,
        direct: `${of(speeds.direct).median.toFixed(2)} GB/s`,
        firstbyte: `${ratio?.text(2) ?? ''} ${of(speeds.firstbyte).median.toFixed(2)} GB/s`.trim(),
        ...(peer ? { nginx: `${of(speeds.nginx).median.toFixed(2)} GB/s` } : {}),
        reached: ratio === null ? null : ratio.median >= goal,
        figures: { ...(ratio === null ? {} : { ratio }), speed: of(speeds.firstbyte) },
      },
      {
        what: `${named}: CPU-s a GB`,
        goal: connections === 16 ? `<= ${mostCost}` : '-',
        firstbyte: cost.text(2),
        ...(peer ? { nginx: of(costs.nginx).text(2) } : {}),
        reached: connections === 16 ? cost.median <= mostCost : null,
        figures: { cost },
      },
      {
        what: `${named}: most resident memory, MiB`,
        goal: `<= ${mostMemory / MiB}`,
        firstbyte: of(memory).text(0),
        reached: of(memory).values.every((mebibytes) => mebibytes * MiB <= mostMemory),
        figures: { memory: of(memory) },
      },
    ];
  }
}

function* pieces(): Generator<Buffer> {
  for (let offset = 0; offset < size; offset += longestPiece) yield film(offset, longestPiece);
}
