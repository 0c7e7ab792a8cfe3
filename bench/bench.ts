/**
 * `npm run bench`: firstbyte measured beside direct access, and beside nginx where it is installed, in the same run.
 *
 *   npm run bench                            all of them, about a quarter of an hour
 *   npm run bench -- cached speeds           these
 *   npm run bench -- --json figures.json     the figures of every round as well
 *   npm run bench -- --strict                exits with 1 where a goal is missed
 *   npm run bench -- --program dist/cli.js   another build of firstbyte
 *   npm run bench -- --profile FOLDER cached writes profiles of firstbyte there (npm run profile prints them)
 *
 * A bench is not a test: a missed goal is told and is no failure. What counts are the ratios between servers that took
 * turns on the same machine, not the times.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { cached } from './cached.ts';
import { cold } from './cold.ts';
import { collapse } from './collapse.ts';
import { nextEpisodes } from './episodes.ts';
import { fairness } from './fairness.ts';
import { type Row, table } from './figures.ts';
import { firstByte } from './first-byte.ts';
import { heal } from './heal.ts';
import { kill } from './kill.ts';
import { machineLine } from './machine.ts';
import { newProcess } from './new-process.ts';
import { observers } from './observers.ts';
import { page } from './page.ts';
import { firstbyteProgram, nginxVersion, Stage } from './programs.ts';
import { seek } from './seek.ts';
import { small } from './small.ts';
import { smallCache } from './small-cache.ts';
import { speeds } from './speeds.ts';
import { stalledReaders } from './stalled.ts';
import { start } from './start.ts';
import { viewersTogether } from './viewers.ts';
import { waiters } from './waiters.ts';
import { window } from './window.ts';

const benches = {
  'first-byte': firstByte,
  heal,
  cold,
  collapse,
  window,
  seek,
  fairness,
  cached,
  viewers: viewersTogether,
  small,
  speeds,
  waiters,
  kill,
  'small-cache': smallCache,
  start,
  process: newProcess,
  observers,
  page,
  stalled: stalledReaders,
  episodes: nextEpisodes,
};
type Name = keyof typeof benches;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    strict: { type: 'boolean' },
    program: { type: 'string' },
    profile: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => !(name in benches));
if (unknown.length > 0 || process.platform !== 'linux') {
  const names = `The benches are ${Object.keys(benches).join(', ')}, and they run on Linux.`;
  process.stderr.write(`${unknown.map((name) => `There is no bench "${name}".`).join(' ')} ${names}\n`);
  process.exit(2);
}
if (values.profile !== undefined) Stage.node.push('--cpu-prof', '--cpu-prof-dir', values.profile);
const program = values.program ?? firstbyteProgram();
const nginx = nginxVersion();
const machine = machineLine([nginx === null ? 'nginx is not installed: left out' : `nginx ${nginx}`]);
process.stdout.write(`${machine}\nfirstbyte is ${program}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const rows: Row[] = [];
for (const name of (positionals.length > 0 ? positionals : Object.keys(benches)) as Name[]) {
  process.stderr.write(`${name} …\n`);
  const measured = await benches[name](program);
  rows.push(...measured);
  process.stdout.write(`\n${table(measured)}`);
}
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ machine, at: new Date().toISOString(), rows }, null, 2)}\n`);
}
const missed = rows.filter(({ reached }) => reached === false).length;
const told = rows.filter(({ reached }) => reached !== null).length;
process.stdout.write(
  `\n${told - missed} of ${told} goals reached, ${missed} missed. Spans are least–most of the rounds.\n`,
);
process.exit(values.strict === true && missed > 0 ? 1 : 0);
