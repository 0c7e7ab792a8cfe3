/**
 * A series in mpv, one episode after the other, from an origin on a limited line: how long each switch takes to the first
 * picture of the next episode, beside the same switches where all of them are cached, and from the origin itself.
 */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MpvSession } from '../test/players/mpv-session.ts';
import { startOrigin } from '../test/players/origin.ts';
import { absent } from '../test/programs.ts';
import { type Row, Series } from './figures.ts';
import { filmFolder, films, makeFilms } from './network/films.ts';
import { Stage } from './programs.ts';

/** The two places that an index has in films whose players read their end first. */
const kinds = ['episode', 'episodemkv'] as const;
const episodes = 12;

/** Of the line: bytes a second, and seconds before each reply. mpv takes 7.5 MB/s. */
const line = { rate: 20_000_000, silence: 0.3 };
const speed = 10;

/** How much of each episode is played from the origin itself, in seconds of film. */
const glance = 5;

/** Times cached switches; and how many switches have to be so short. */
const goals = { times: 1.1, share: 0.95 };

/** Milliseconds of each switch: from the origin itself, uncached, cached, and cached once more. */
interface Switches {
  readonly direct: Series;
  readonly fresh: Series;
  readonly cached: Series;
  readonly again: Series;
}

export async function nextEpisodes(program: string): Promise<Row[]> {
  if (absent('mpv', 'mpv', '--version') || absent('ffmpeg', 'ffmpeg', '-version')) return [];
  await makeFilms(kinds);
  const seen: Switches[] = [];
  for (const kind of kinds) seen.push(await series(program, kind));
  // One switch takes twice as long as the next on a busy machine: the shortest is compared with the shortest, and so on.
  const timesCached = (of: keyof Switches) =>
    new Series(
      seen.flatMap((each) => each[of].values.map((took, place) => took / (each.cached.values[place] ?? Number.NaN))),
    );
  const shortOf = ({ values }: Series) => values.filter((each) => each <= goals.times).length;
  const times = timesCached('fresh');
  const short = shortOf(times);
  // How far the machine lets one run be like the other.
  const control = timesCached('again');
  const all = (of: keyof Switches) => new Series(seen.flatMap((each) => [...each[of].values]));
  const [direct, fresh, cached] = [all('direct'), all('fresh'), all('cached')];
  return [
    {
      what: `series of ${episodes}, ${line.rate / 1e6} MB/s: first picture of the next episode, × all cached`,
      goal: `<= ${goals.times} in ${goals.share * 100} %`,
      direct: `${direct.median.toFixed(0)} ms`,
      firstbyte:
        `${times.text(2)}: ${short} of ${times.values.length} (cached once more: ${shortOf(control)}); ` +
        `${fresh.text(0)} and ${cached.text(0)} ms`,
      reached: short >= goals.share * times.values.length,
      figures: { times, control, direct, fresh, cached },
    },
  ];
}

async function series(program: string, kind: (typeof kinds)[number]): Promise<Switches> {
  await using stage = await Stage.open(program);
  const { file } = films[kind];
  const names = Array.from({ length: episodes }, (_, number) => `S01E${String(number + 1).padStart(2, '0')}-${file}`);
  for (const name of names) await symlink(join(filmFolder, file), join(stage.folder, name));
  await using origin = await startOrigin(stage.folder, line);
  const server = await stage.firstbyte('--origin', `series=${origin.url}`);
  const base = server.url.replace(/films$/, 'series/');
  const at = (root: string) => names.map((name) => `${root}${name}`);
  return {
    direct: new Series(await switches(at(origin.url), glance)),
    fresh: new Series(await switches(at(base))),
    cached: new Series(await switches(at(base))),
    again: new Series(await switches(at(base))),
  };
}

/** Plays them as one playlist, of each so many seconds or all. Resolves with the milliseconds of each switch. */
async function switches(urls: readonly string[], seconds?: number): Promise<number[]> {
  const flags = [`--speed=${speed}`, ...(seconds === undefined ? [] : [`--length=${seconds}`]), ...urls.slice(0, -1)];
  await using mpv = new MpvSession(urls.at(-1) ?? '', flags, AbortSignal.timeout(300_000));
  const took: number[] = [];
  let endedAt: number | null = null;
  mpv.listen(({ event }) => {
    if (event === 'end-file') endedAt = performance.now();
    if (event !== 'playback-restart' || endedAt === null) return;
    took.push(performance.now() - endedAt);
    endedAt = null;
  });
  const code = await mpv.ended;
  if (code !== 0 || took.length !== urls.length - 1) throw new Error(`mpv ended with ${code}: ${mpv.output}`);
  return took;
}
