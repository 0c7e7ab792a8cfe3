/** kill -9 in the middle of a fill: how much of what had landed one second before is fetched again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FillReport } from '../src/control/answers.ts';
import { type Row, Series } from './figures.ts';
import { type Server, Stage } from './programs.ts';

const MiB = 1024 * 1024;
const size = 200 * MiB;
const completeSize = 20 * MiB;
const rounds = 5;

/** Bytes a second that the origin gives. */
const rate = 25_000_000;

/** When it is killed, in milliseconds from the start of the fill: spread over one second, for what is done once in it. */
const killedAt = (round: number) => 4000 + (round * 1000) / rounds;

/** Of what had landed one second before. */
const goal = 0.02;

export async function kill(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const shares: number[] = [];
  const landings: number[] = [];
  let complete = 0;
  for (let round = 0; round < rounds; round += 1) {
    const whole = `/whole-${round}?size=${completeSize}`;
    const film = `/film-${round}?size=${size}&rate=${rate}`;
    const before = await stage.firstbyte();
    await play(stage, before, whole);
    const filling = stage.run({ url: before.url + film, connections: 1, verify: true });
    await sleep(killedAt(round) - 1000);
    const landed = await landedOf(before, `/film-${round}`);
    await sleep(1000);
    await before.end('SIGKILL');
    const [seen] = (await filling).seen;
    if (seen === undefined || seen.wrong || seen.whole) throw new Error(`It was not cut in the middle: ${seen?.bytes}`);

    const sent = (await stage.sent(`/film-${round}`)).bytes;
    const after = await stage.firstbyte();
    await play(stage, after, film);
    await play(stage, after, whole);
    const fetched = (await stage.sent(`/film-${round}`)).bytes - sent;
    complete += (await stage.sent(`/whole-${round}`)).bytes - completeSize;
    // It was filled from its start on, so what was kept is its beginning.
    shares.push(Math.max(0, landed - (size - fetched)) / landed);
    landings.push(landed / MiB);
    await after.end('SIGTERM');
  }
  const [share, landing] = [new Series(shares.map((part) => part * 100)), new Series(landings)];
  const kept = share.values.every((percent) => percent <= goal * 100);
  return [
    {
      what: `kill -9 in a fill of ${size / MiB} MiB: fetched again of what had landed 1 s before, %`,
      goal: `<= ${goal * 100}`,
      firstbyte: `${share.text(2)} of ${landing.text(0)} MiB`,
      reached: kept,
      figures: { share, landing },
    },
    {
      what: `the same: fetched again of ${rounds} complete films of ${completeSize / MiB} MiB, bytes`,
      goal: '0',
      firstbyte: String(complete),
      reached: complete === 0,
      figures: { complete },
    },
  ];
}

async function play(stage: Stage, { url }: Server, film: string): Promise<void> {
  const [seen] = (await stage.run({ url: url + film, connections: 1, verify: true })).seen;
  if (!seen?.whole || seen.wrong) throw new Error(`${film} was not played to its end: ${JSON.stringify(seen)}`);
}

/** How many bytes from its start on firstbyte has of a film, by its own word. */
async function landedOf({ url }: Server, path: string): Promise<number> {
  const { fills } = (await (await fetch(new URL('/-/api/v1/fills', url))).json()) as { fills: FillReport[] };
  const [first] = fills.find((fill) => fill.path === path)?.present ?? [];
  const [start = 0, end = 0] = first ?? [];
  if (start !== 0 || end === 0) throw new Error(`Nothing of ${path} has landed.`);
  return end;
}
