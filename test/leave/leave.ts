/**
 * `npm run leave`: a hundred thousand replies of a cached film are left in every way that clients have, by raw
 * connections and by real programs; then nothing may be lent, the next hit must come at once, and no memory have grown.
 *
 *   npm run leave                            all of it: up to half an hour on two cores
 *   npm run leave -- --share 0.1             a tenth of each
 *   npm run leave -- --seed 4711             other places and moments; the same seed gives the same again
 *   npm run leave -- --buffer-memory 1MiB    with little memory to read into
 *   npm run leave -- --program dist/cli.js   another build of firstbyte
 *
 * It ends with 1 where somebody was not answered, a byte was wrong, or something stays lent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machineLine } from '../../bench/machine.ts';
import { lentThings } from '../../src/lent.ts';
import { absent } from '../programs.ts';
import { makeLongFilm } from '../seeks/film.ts';
import { House } from './house.ts';
import { visitors } from './programs.ts';
import { leaveRaw } from './raw.ts';

const { values } = parseArgs({
  options: {
    share: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    'buffer-memory': { type: 'string' },
    program: { type: 'string' },
  },
});
const [share, seed] = [Number(values.share), Number(values.seed)];
const MiB = 1024 * 1024;
const filmSize = 128 * MiB;
const rawReplies = 97_000;
/** What a hit may take when all have left, and how much more memory there may be than after a quarter of the raw ones. */
const [quick, growth] = [50, 1.1];
/** The longest that anything is kept for the next request, in milliseconds. */
const kept = 40_000;

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());

const problems: string[] = [];
const begun = performance.now();
const noFfmpeg = absent('ffmpeg', 'ffmpeg', '-version');
let duration = 0;
const flags = values['buffer-memory'] === undefined ? [] : ['--buffer-memory', values['buffer-memory']];
const furnish = async (folder: string) => {
  if (noFfmpeg) return [];
  ({ duration } = await makeLongFilm(folder, filmSize, ['film.mp4', 'film.mkv']));
  return ['film.mp4', 'film.mkv'];
};
console.log(machineLine([`seed ${seed}`]));
await using house = await House.open({ flags, program: values.program, furnish });
const { firstbyte } = house;

const memory: number[] = [];
const count = Math.ceil(rawReplies * share);
const raw = await leaveRaw(house, {
  count,
  seed,
  atOnce: 16,
  lookEvery: 250,
  onLook: () => memory.push(firstbyte.resident / MiB),
});
const hits = raw.hits.toSorted((one, other) => one - other);
const share99 = hits[Math.floor(hits.length * 0.99)] ?? Number.NaN;
const answered = `hits among them: median ${tenth(medianOf(hits))} ms, p99 ${tenth(share99)} ms`;
console.log(`${raw.left} replies left by raw clients, ${raw.wrong} with a wrong byte; ${answered}`);
if (raw.hungAfter !== null) problems.push(`nobody was answered any more after ${raw.hungAfter} replies`);
if (raw.wrong > 0) problems.push(`${raw.wrong} answers had a wrong byte`);

for (const { name, count: whole, missing, visit } of raw.hungAfter === null ? visitors : []) {
  if (missing || duration === 0) {
    console.log(`${name}: left out, for want of ${missing || 'ffmpeg'}`);
    continue;
  }
  const url = `${firstbyte.url}/films/${name.includes('Chromium') ? 'film.mp4' : 'film.mkv'}`;
  const visits = { url, duration, count: Math.ceil(whole * share), seed, signal: interrupted.signal };
  try {
    const failed = await visit(visits);
    console.log(`${name}: ${visits.count} times, ${failed} without what was wanted`);
    if (failed > 0) problems.push(`${name} failed ${failed} times`);
  } catch (error) {
    problems.push(`${name}: ${error instanceof Error ? error.message : error}`);
  }
}

if (raw.hungAfter === null) {
  const left = await house.stillLent(lentThings, kept);
  console.log(`lent afterwards: ${JSON.stringify(left)}`);
  if (Object.keys(left).length > 0) problems.push(`still lent: ${JSON.stringify(left)}`);
  const after: number[] = [];
  for (let look = 0; look < 20; look += 1) {
    after.push((await house.hit(look * MiB)) ?? Number.POSITIVE_INFINITY);
    await sleep(50);
  }
  const [first = Number.NaN] = after;
  console.log(`a hit afterwards: the first ${tenth(first)} ms, median ${tenth(medianOf(after))} ms`);
  if (medianOf(after) > quick) problems.push(`a hit takes ${tenth(medianOf(after))} ms`);
  const quarter = Math.floor(memory.length / 4);
  const [early, late] = [medianOf(memory.slice(quarter, 2 * quarter)), medianOf(memory.slice(-quarter))];
  console.log(
    `resident memory, MiB: ${tenth(early)} in the second quarter of the raw ones, ${tenth(late)} in the last`,
  );
  if (late > early * growth) problems.push(`memory grew from ${tenth(early)} to ${tenth(late)} MiB`);
}
if (/ bug /.test(firstbyte.log)) problems.push('the log tells of a bug');
console.log(`${Math.round((performance.now() - begun) / 1000)} s in all`);
for (const problem of problems) console.log(`FAILED: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function tenth(number: number): string {
  return number.toFixed(1);
}
