/** Measures what is planned, turn by turn: direct and through firstbyte, in an order that changes with each run. */
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { machineLine } from '../machine.ts';
import { films, makeFilms } from './films.ts';
import { Link } from './link.ts';
import { operations } from './operations.ts';
import { plan } from './plan.ts';
import { isAbsent, players } from './players.ts';
import { links } from './profiles.ts';
import { type Case, nameOf, type Result, Results } from './results.ts';
import { Stage } from './stage.ts';
import type { Seen } from './viewer.ts';
import type { Way } from './ways.ts';
import { type Turn, wrongWith } from './wrong.ts';

export interface MeasureOptions {
  /** Of the results. */
  readonly file: string;
  /** A folder for caches and logs. */
  readonly work: string;
  readonly isPicked: (one: Case) => boolean;
  /** Those that are planned where `null`. */
  readonly ways: readonly Way[] | null;
  /** How often each case; as often as planned where `null`. */
  readonly runs: number | null;
}

/** Resolves with whether nothing is wrong: no status of 5xx or wrong byte by firstbyte, no player's error through it. */
export async function measure({ file, work, isPicked, ways, runs }: MeasureOptions): Promise<boolean> {
  const results = new Results(file);
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  const machine = machineLine([]);
  const picked = plan.filter(isPicked);
  const missing = new Set(picked.map(({ player }) => player).filter((name) => isAbsent(name) !== false));
  for (const name of missing) console.log(`${name} is not installed: skipped.`);
  const cases = picked.filter(({ player }) => !missing.has(player));
  await makeFilms(cases.map(({ film }) => film));

  await using link = await Link.start();
  const taken: Result[] = [];
  const turns = cases.reduce((sum, one) => sum + (runs ?? one.runs) * (ways ?? one.ways).length, 0);
  console.log(`${turns} turns, at about a minute each; what is in ${file} for ${commit} is not taken again.`);
  const most = Math.max(0, ...cases.map((one) => runs ?? one.runs));
  for (let run = 1; run <= most; run += 1) {
    for (const one of cases.filter((each) => run <= (runs ?? each.runs))) {
      const { runs: _, ways: planned, ...what } = one;
      const taking = ways ?? planned;
      for (const way of run % 2 === 1 ? taking : taking.toReversed()) {
        const key = { ...what, way, run, commit };
        const known = results.find(key);
        if (known !== null) {
          taken.push(known);
          continue;
        }
        const load = loadavg()[0] ?? 0;
        const at = new Date().toISOString();
        const turn = await takeTurn(link, what, way, run, work);
        const result: Result = { ...key, machine, at, load, ...turn };
        results.add(result);
        taken.push(result);
        console.log(lineOf(nameOf(what), way, run, turn));
      }
    }
  }
  return taken.every((result) => result.way === 'direct' || wrongWith(result).length === 0);
}

async function takeTurn(link: Link, one: Case, way: Way, run: number, work: string): Promise<Turn> {
  await using stage = await Stage.open({
    ...{ link, way, seed: run, start: one.start, film: films[one.film] },
    ...{ play: players[one.player].play, canSeek: players[one.player].canSeek },
    profile: links[one.link],
    folder: join(work, 'turn'),
  });
  let seen: Readonly<Record<string, Seen>> = {};
  let trouble: string | null = null;
  try {
    seen = await operations[one.operation](stage);
  } catch (error) {
    trouble = error instanceof Error ? error.message : String(error);
  }
  const outside = await stage.end();
  return { seen, outside, trouble };
}

function lineOf(name: string, way: Way, run: number, turn: Turn): string {
  const { origin, link } = turn.outside;
  const number = (value: number | null | undefined) => value?.toFixed(2) ?? '-';
  const parts = Object.entries(turn.seen).map(([part, { frame, moving, stalls, seeks }]) => {
    const sought = seeks.map((seek) => `${number(seek.frame)}/${number(seek.moving)}`).join(' ');
    return `${part} ${number(frame)} ${number(moving)}, stalls ${stalls?.count ?? '-'}/${number(stalls?.seconds)}, seeks ${sought}`;
  });
  const cost = `${origin.requests} requests on ${origin.connections}, ${(link.down.bytes / 1e6).toFixed(1)} MB`;
  const wrong = wrongWith(turn);
  return [`${name} ${way} ${run}`, ...parts, cost, ...(wrong.length > 0 ? [`WRONG: ${wrong.join('; ')}`] : [])].join(
    ' | ',
  );
}
