/**
 * `npm run soak`: firstbyte, its origin and its players on real sockets and a real disk, all of them in trouble, for as
 * long as is asked for; a line a minute, and a verdict.
 *
 *   npm run soak -- 1h                 the whole one
 *   npm run soak -- 5m --players 4     a short and gentle one, whose windows are as much shorter
 *   npm run soak -- 1h --seed 4711     with the same chances again; what comes of them depends on the machine, too
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { duration as durationValue } from '../../src/config/values.ts';
import { Firstbyte } from '../crash/firstbyte.ts';
import { Chance } from '../faults/chance.ts';
import { Catalogue, changing } from './catalogue.ts';
import { SmallDisk } from './disk-faults.ts';
import type { Published } from './origin.ts';
import { type House, view } from './players.ts';
import { installed, play } from './programs.ts';
import { mostGrown, Sight, type Window, windowsOf } from './sight.ts';
import { budgets, Tally } from './tally.ts';

/** From the last player's leaving until nothing is lent, at most, in milliseconds: connections rest for a minute. */
const restTimeout = 120_000;

/** What a hit may take on a machine that is busy, in milliseconds. */
const slowestHit = 1000;

const flags = [
  ...['--first-byte-timeout', `${budgets.firstByte}ms`, '--queue-timeout', `${budgets.queue}ms`],
  ...['--heal-timeout', `${budgets.heal}ms`, '--stall-timeout', `${budgets.stall}ms`],
  ...['--media-freshness', '20s', '--read-ahead', '16MiB', '--max-connections', '6'],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, players: { type: 'string', default: '8' } },
});
const asked = durationValue({ atLeast: '30s' }).read(positionals[0] ?? '1h');
const players = Number(values.players);
if (asked === undefined || positionals.length > 1 || !Number.isInteger(players) || players < 1) {
  console.error('npm run soak -- 1h [--players 8] [--seed N]: a duration of at least 30s, and some players.');
  process.exit(2);
}
const duration: number = asked;
const seed = Number(values.seed ?? Date.now() % 1_000_000);

const minutes = (time: number) => `${Math.round(time / 600) / 100} min`;
const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
const words = ({ from, to }: Window) => `${minutes(from)} to ${minutes(to)}`;

// Whoever works at this machine goes first.
setPriority(5);
await using disk = await SmallDisk.make();
const child = fork(join(import.meta.dirname, 'origin.ts'), [String(seed)], { serialization: 'advanced' });
const [port] = (await once(child, 'message')) as [number];
await using firstbyte = await Firstbyte.start({
  directory: disk.directory,
  origin: `http://127.0.0.1:${port}`,
  flags: [...flags, ...disk.flags],
});
const over = new AbortController();
const catalogue = new Catalogue();
const tally = new Tally();
const sight = new Sight(firstbyte);
const house: House = {
  port: Number(new URL(firstbyte.url).port),
  catalogue,
  tally,
  over: over.signal,
  longestPause: Math.max(5000, duration / 6),
};
await sight.lent();
const descriptors = firstbyte.descriptors;
const { early, late } = windowsOf(duration);
console.log(`${minutes(duration)} with ${players} players, ${installed.join(' and ') || 'no other programs'},`);
console.log(`${disk.words}, and the seed ${seed}. Memory is compared between ${words(early)} and ${words(late)}.`);

const chanceOf = (number: number) => new Chance(Math.imul(seed, 0x9e37_79b1) + number);
const startedAt = performance.now();
const now = () => performance.now() - startedAt;
const everyone = [
  ...Array.from({ length: players }, (_, index) => view(house, chanceOf(index))),
  play(house, chanceOf(1001)),
  disk.suffer(chanceOf(1002), over.signal),
  publish(chanceOf(1003)),
  freeze(chanceOf(1004)),
];
const ended = Promise.all(everyone);
ended.catch(() => over.abort());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => over.abort());
await watch();
const isWhole = !over.signal.aborted;
over.abort();
await ended;
if (isWhole) {
  process.exitCode = (await judge()) ? 0 : 1;
  await firstbyte.stop();
} else {
  console.log(`ended after ${minutes(now())}, without a verdict`);
  process.exitCode = 130;
}
child.kill('SIGKILL');
// Node itself may wait for ever for handles of connections that have ended in trouble.
process.once('beforeExit', () => process.exit());

/** Looks every second, and says each minute how it goes. */
async function watch(): Promise<void> {
  for (let seconds = 1; now() < duration && !over.signal.aborted; seconds += 1) {
    await sleep(Math.max(0, Math.min(duration, seconds * 1000) - now()));
    sight.look(now());
    tally.look();
    if (!firstbyte.alive && !over.signal.aborted) throw new Error(`firstbyte has ended: ${firstbyte.log}`);
    if (seconds % 60 === 0) console.log(`${minutes(now())}: ${await line()}`);
  }
}

async function line(): Promise<string> {
  const lent = await sight.lent().catch((error: Error) => ({ [error.message]: 1 }));
  const borrowed = Object.entries(lent).map(([name, count]) => `${name} ${count}`);
  const got = Object.entries(tally.outcomes).map(([name, count]) => `${name} ${count}`);
  return [
    `RSS ${mebibytes(firstbyte.resident)} MiB`,
    `${tally.requests} requests (${got.join(', ')})`,
    `${mebibytes(tally.bytes)} MiB`,
    `${tally.wrong} wrong`,
    `${tally.hung} hung`,
    `lent: ${borrowed.join(', ') || 'nothing'}`,
    `${firstbyte.descriptors} descriptors`,
  ].join('; ');
}

/** Films are replaced at the origin. */
async function publish(chance: Chance): Promise<void> {
  for (;;) {
    await sleep(chance.between(20_000, 90_000), undefined, { signal: over.signal }).catch(() => {});
    if (over.signal.aborted) return;
    const path = chance.one(changing);
    child.send({ path, version: catalogue.replace(path) } satisfies Published);
  }
}

/** The origin takes connections and says nothing, for a while. */
async function freeze(chance: Chance): Promise<void> {
  for (;;) {
    await sleep(chance.between(30_000, 120_000), undefined, { signal: over.signal }).catch(() => {});
    if (over.signal.aborted) return;
    child.kill('SIGSTOP');
    await sleep(chance.between(500, 6000));
    child.kill('SIGCONT');
  }
}

/** Says what came of it; whether all is as it should be. */
async function judge(): Promise<boolean> {
  const lent = await comeToRest();
  const hit = await timeOfHit();
  const [before, after] = [sight.resident(early), sight.resident(late)];
  const grown = after / before;
  const verdicts: [string, boolean][] = [
    [`${tally.wrong} wrong replies, none is allowed`, tally.wrong === 0],
    [`${tally.hung} hung requests, none is allowed`, tally.hung === 0],
    [`lent at the end: ${lent || 'nothing'}`, lent === ''],
    [
      `a hit at the end, without an origin: ${hit === null ? 'none' : `${Math.round(hit)} ms`}`,
      (hit ?? slowestHit) < slowestHit,
    ],
    [
      `median RSS ${mebibytes(before)} MiB in ${words(early)}, ${mebibytes(after)} MiB in ${words(late)}: ` +
        `${grown.toFixed(3)} times, of ${mostGrown} that are allowed`,
      grown <= mostGrown,
    ],
  ];
  console.log(`at the end: ${await line()}`);
  for (const told of tally.told) console.log(`  ${told}`);
  for (const [what, right] of verdicts) console.log(`${right ? 'right' : 'WRONG'}: ${what}`);
  return verdicts.every(([, right]) => right);
}

/** Waits until nothing is lent; what still is, in words. */
async function comeToRest(): Promise<string> {
  for (const deadline = performance.now() + restTimeout; ; await sleep(1000)) {
    const lent = await sight.lent().catch((error: Error) => ({ [error.message]: 1 }));
    const more = firstbyte.descriptors - descriptors;
    const all = Object.entries({ ...lent, ...(more > 0 ? { descriptors: more } : {}) });
    if (all.length === 0 || performance.now() > deadline)
      return all.map(([name, count]) => `${name} ${count}`).join(', ');
  }
}

/** How long what is stored takes while its origin says nothing, in milliseconds; `null` where it does not come. */
async function timeOfHit(): Promise<number | null> {
  const play = async () => {
    const began = performance.now();
    const reply = await fetch(`${firstbyte.url}/films/picture.mp4`, { signal: AbortSignal.timeout(60_000) });
    await reply.arrayBuffer();
    return reply.status === 200 ? performance.now() - began : null;
  };
  try {
    if ((await play()) === null) return null;
    child.kill('SIGSTOP');
    return await play();
  } catch {
    return null;
  }
}
