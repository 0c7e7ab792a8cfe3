/**
 * `npm run seeks`: real players seek in a film of 2 GiB, at the origin itself, through firstbyte, and without a network.
 *
 *   npm run seeks                               both players, both containers, both origins: about twenty minutes
 *   npm run seeks -- mpv film.mkv               one player, one container
 *   npm run seeks -- --size 256 --rate 2        a film of 256 MiB, only the origin that gives 2 MB/s
 *   npm run seeks -- --seeks 30 --seed 4711     more places; the same seed gives the same again
 *
 * It ends with 1 where a player did not get to a place, or where a byte was wrong. Times are told and judged by nobody.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machineLine } from '../../bench/machine.ts';
import { containers, makeLongFilm } from './film.ts';
import { seekInGstreamer } from './gstreamer.ts';
import { seekInMpv } from './mpv.ts';
import { placesIn } from './places.ts';
import { countsOf, tableOf } from './report.ts';
import { screen, ways } from './screening.ts';

const MiB = 1024 * 1024;
const players = { mpv: seekInMpv, GStreamer: seekInGstreamer } as const;
const playerNames = Object.keys(players) as (keyof typeof players)[];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '2048' },
    seeks: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => ![...playerNames, ...containers].some((known) => known === name));
if (unknown.length > 0) {
  console.error(`${unknown.join(', ')}: there are ${[...playerNames, ...containers].join(', ')}.`);
  process.exit(2);
}
const chosen = <Name extends string>(names: readonly Name[]) => {
  const named = names.filter((name) => positionals.includes(name));
  return named.length > 0 ? named : names;
};
const rates = values.rate === undefined ? [Number.POSITIVE_INFINITY, 2_000_000] : [Number(values.rate) * 1_000_000];
const watched = 4;
const [size, count, seed] = [Number(values.size) * MiB, Number(values.seeks), Number(values.seed)];

const interrupted = new AbortController();
const { signal } = interrupted;
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());

const folder = await mkdtemp(join(tmpdir(), 'firstbyte-seeks-'));
try {
  console.log(machineLine([`${count} seeks with the seed ${seed} in a film of ${values.size} MiB`]));
  const film = await makeLongFilm(folder, size, chosen(containers));
  const places = placesIn(film.duration, count, seed);
  console.log(`to ${places.join(', ')} s of ${film.duration} s`);
  for (const container of chosen(containers)) {
    for (const player of chosen(playerNames)) {
      for (const rate of rates) {
        const directory = join(folder, 'cache');
        const seek = players[player];
        const screening = await screen({ film, container, seek, places, rate, watched, directory, signal });
        await rm(directory, { recursive: true });
        const origin = Number.isFinite(rate) ? `an origin of ${rate / 1_000_000} MB/s` : 'an unlimited origin';
        console.log(`\n${player}, ${container}, ${origin}; milliseconds from a seek until it plays:\n`);
        console.log(`${tableOf(screening.seeks)}\n${countsOf(screening)}`);
        if (ways.some((way) => screening.seeks[way].trouble !== null) || screening.verified.bad > 0)
          process.exitCode = 1;
      }
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
