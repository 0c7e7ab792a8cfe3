/** docs/network-speeds.md from the results: tables, and plots that are read at a glance. It only tells what was measured. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Series } from '../figures.ts';
import { type Bar, barsOf } from './bars.ts';
import { films } from './films.ts';
import { links } from './profiles.ts';
import { type Case, nameOf, type Result } from './results.ts';
import type { Seen } from './viewer.ts';
import { type Way, ways } from './ways.ts';
import { wrongWith } from './wrong.ts';

const docs = join(import.meta.dirname, '../../docs');

/** Where the machine holds up a larger share of the packets, times say little. */
const mostHeld = 0.005;

interface Pair extends Readonly<Record<Way, readonly Result[]>> {
  readonly what: Case;
}

/** Writes the page and its plots. Of each case only results of the newest commit that has any count. */
export async function writeReport(all: readonly Result[]): Promise<void> {
  const newest = all.at(-1);
  if (newest === undefined) return;
  const commits = new Map(all.map((result) => [nameOf(result), result.commit]));
  const results = all.filter((result) => result.commit === commits.get(nameOf(result)));
  const pairs = pairsOf(results);
  const plots = join(docs, 'network-speeds');
  await rm(plots, { recursive: true, force: true });
  await mkdir(plots, { recursive: true });
  const drawn = await draw(pairs, plots);
  const text = [
    intro(results, newest),
    ...drawn,
    slower(pairs),
    ...tables(pairs),
    verdicts(results),
    apiSection(pairs),
    troubles(results),
  ].join('\n\n');
  await writeFile(join(docs, 'network-speeds.md'), `${text}\n`);
}

function pairsOf(results: readonly Result[]): Pair[] {
  const names = [...new Set(results.map(nameOf))];
  return names.map((name) => {
    const own = results.filter((result) => nameOf(result) === name);
    const [what] = own as [Result];
    const of = (way: Way) => own.filter((result) => result.way === way);
    return { what, direct: of('direct'), firstbyte: of('firstbyte'), single: of('single'), asked: of('asked') };
  });
}

function intro(results: readonly Result[], { machine }: Result): string {
  const commits = Map.groupBy(results, ({ commit }) => commit);
  const places = (of: readonly Result[]) => [...new Set(of.map(({ link }) => link))].join(', ');
  const measured = [...commits].map(([commit, of]) => (commits.size > 1 ? `${commit} (${places(of)})` : commit));
  const days = [...new Set(results.map(({ at }) => at.slice(0, 10)))];
  const loads = new Series(results.map(({ load }) => load));
  const [least = 0, most = 0] = [loads.values[0], loads.values.at(-1)];
  const held = results.reduce((sum, { outside }) => sum + outside.link.down.late + outside.link.up.late, 0);
  const packets = results.reduce((sum, { outside }) => sum + outside.link.down.packets + outside.link.up.packets, 0);
  const isBusy = held > mostHeld * packets;
  const busy = isBusy ? ' **Taken under load: the times say little, and less the shorter they are.**' : '';
  return `# Network speeds

Real players over emulated links, direct and through firstbyte in turn. **single** is firstbyte with \`parallelFetches\` 1,
**asked** with \`prefetch\` off. \`npm run network\` makes this page; nothing in it was written by hand. Commit ${measured.join(' and ')}, ${days.join(' and ')}, ${machine.replace(/, load [\d.]+$/, '')}.
${results.length} turns; load of the machine when they began ${least.toFixed(1)} to ${most.toFixed(1)}, median
${loads.median.toFixed(1)}.${busy} The link held up ${((held / Math.max(1, packets)) * 100).toFixed(2)} % of its packets by
5 ms or more, because the machine was busy.

Seconds; medians, with their span in brackets where there were several runs. **frame**: until the first picture.
**moving**: until the picture from which on half a second of film follows within 0.8 s. **stalls**: in 20 s from then
on, each longer than 0.3 s, and their time together. **80 %**, **10 %**, **seek**: from the seek until the first picture there;
places are half a second past a keyframe.
**requests** and **connections** are those of the origin in the whole turn (cold and warm, with four seeks); **MB** are
what came over its link, with all headers; **unused** is the share of them that the cache does not hold afterwards:
headers, and what was on its way when a connection was closed.

${profileTable()}`;
}

function profileTable(): string {
  const rows = Object.entries(links).map(([name, profile]) => {
    const {
      down,
      up,
      roundTrip,
      jitter = 0,
      loss = 0,
      outage,
      queue,
    } = profile as typeof profile & {
      jitter?: number;
      loss?: number;
      outage?: { every: number; dead: number };
    };
    const dead = outage === undefined ? '' : `dead ${outage.dead / 1000} s of every ${outage.every / 1000}`;
    const luck = [loss > 0 ? `loss ${loss * 100} %` : '', dead].filter((text) => text !== '').join(', ');
    const rate = down === up ? `${down / 1e6}` : `${down / 1e6} / ${up / 1e6}`;
    return [name, rate, roundTrip, jitter, luck, Math.round(queue / 1024)];
  });
  return tableOf(['link', 'Mbit/s', 'round trip, ms', 'jitter, ms', 'luck', 'queue, KiB'], rows);
}

/** What a column shows of one part of a case, both of one way. */
type Column = (seen: readonly Seen[], results: readonly Result[]) => string;

const over =
  (of: (one: Seen) => number | null | undefined, digits = 2): Column =>
  (seen) =>
    textOf(seen.map(of), digits);
const outside =
  (of: (result: Result) => number | null, digits = 0): Column =>
  (_, results) =>
    textOf(results.map(of), digits);

const start: Readonly<Record<string, Column>> = {
  runs: (seen) => {
    const broken = seen.filter(({ failure }) => failure !== null).length;
    return broken > 0 ? `${seen.length}, ${broken} failed` : String(seen.length);
  },
  frame: over(({ frame }) => frame),
  moving: over(({ moving }) => moving),
  stalls: (seen, results) => {
    const count = over(({ stalls }) => stalls?.count, 0)(seen, results);
    return count === '-' ? '-' : `${count} / ${over(({ stalls }) => stalls?.seconds, 1)(seen, results)}`;
  },
};
const end: Readonly<Record<string, Column>> = {
  'duration, seekable': (seen, [result]) => [...new Set(seen.map((one) => factsOf(one, result)))].join(', '),
  requests: outside(({ outside: { origin } }) => origin.requests),
  connections: outside(({ outside: { origin } }) => origin.connections),
  MB: outside(({ outside: { link } }) => link.down.bytes / 1e6, 1),
  'unused, %': outside(
    ({ outside: { link, compared } }) => (compared > 0 ? (1 - compared / link.down.bytes) * 100 : null),
    1,
  ),
};
/** For an operation that seeks to 80 % and back to 10 %, and for any other. */
const columns: Readonly<Record<'play' | 'other', Readonly<Record<string, Column>>>> = {
  play: {
    ...start,
    '80 %': over(({ seeks }) => seeks[0]?.frame),
    '10 %': over(({ seeks }) => seeks[1]?.frame),
    ...end,
  },
  other: {
    ...start,
    seeks: (seen) =>
      textOf(
        seen.map(({ seeks }) => seeks.filter(({ frame }) => frame !== null).length),
        0,
      ),
    'seek, frame': (seen) =>
      textOf(
        seen.flatMap(({ seeks }) => seeks.map(({ frame }) => frame)),
        2,
      ),
    ...end,
  },
};

function tables(pairs: readonly Pair[]): string[] {
  return [...new Set(pairs.map(({ what }) => placeOf(what)))].flatMap((place) => {
    const own = pairs.filter(({ what }) => placeOf(what) === place);
    const parts = new Set(
      own.flatMap((pair) => ways.flatMap((way) => pair[way].flatMap(({ seen }) => Object.keys(seen)))),
    );
    return [...parts].map((part) => {
      const shown = columns[own[0]?.what.operation === 'play' ? 'play' : 'other'];
      const rows = own.flatMap((pair) =>
        ways.flatMap((way) => {
          const results = pair[way].filter(({ seen }) => seen[part] !== undefined);
          const seen = results.flatMap((result) => result.seen[part] ?? []);
          const cells = Object.values(shown).map((column) => column(seen, results));
          return results.length > 0 ? [[pair.what.film, pair.what.player, way, ...cells]] : [];
        }),
      );
      return `## ${place}, ${part}\n\n${tableOf(['film', 'player', 'way', ...Object.keys(shown)], rows)}`;
    });
  });
}

/** Whether the player knows how long the film is, and that it can be sought in. */
function factsOf({ facts }: Seen, result: Result | undefined): string {
  if (facts === null || result === undefined) return '-';
  const { duration, seekable } = facts;
  const isLong = duration !== null && Math.abs(duration - films[result.film].duration) <= 1;
  const told = isLong ? 'right' : duration === null ? 'no duration' : `${duration.toFixed(1)} s`;
  return seekable === false ? `${told}, not seekable` : told;
}

function placeOf({ link, start, operation }: Case): string {
  return [link, ...(start === 'ready' ? [] : [start]), ...(operation === 'play' ? [] : [operation])].join(', ');
}

function textOf(values: readonly (number | null | undefined)[], digits: number): string {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length > 0 ? new Series(known).text(digits) : '-';
}

/** One plot for each figure that people ask for first. */
async function draw(pairs: readonly Pair[], folder: string): Promise<string[]> {
  const figures: readonly [string, string, (seen: Seen) => number | null | undefined][] = [
    ['frame', 'Seconds until the first picture, cold', ({ frame }) => frame],
    ['stalls', 'Seconds of stalls in 20 s of play, cold', ({ stalls }) => stalls?.seconds],
    ['seek', 'Seconds until the picture after a seek to 80 %, cold', ({ seeks }) => seeks[0]?.frame],
  ];
  const texts: string[] = [];
  for (const [name, title, figure] of figures) {
    const taken = pairs.filter(({ direct, firstbyte }) => direct.length > 0 && firstbyte.length > 0);
    const bars: Bar[] = taken.map(({ what, direct, firstbyte }) => ({
      label: [placeOf(what), what.film, what.player].join(' '),
      direct: medianOf(direct, 'cold', figure),
      firstbyte: medianOf(firstbyte, 'cold', figure),
    }));
    await writeFile(join(folder, `${name}.svg`), barsOf(title, bars));
    texts.push(`![${title}](network-speeds/${name}.svg)`);
  }
  return texts;
}

const mostTimes = 1.05;
const mostMore = 0.15;

/** What a viewer waits for, by its name in the tables. */
const waits: Readonly<Record<string, (seen: Seen) => number | null | undefined>> = {
  frame: ({ frame }) => frame,
  moving: ({ moving }) => moving,
  'stalls, seconds': ({ stalls }) => stalls?.seconds,
  '80 %': ({ seeks }) => seeks[0]?.frame,
  '10 %': ({ seeks }) => seeks[1]?.frame,
};

/** Each case in which a viewer waits longer than without firstbyte. */
function slower(pairs: readonly Pair[]): string {
  let compared = 0;
  const rows = pairs.flatMap(({ what, direct, firstbyte }) => {
    const parts = new Set(firstbyte.flatMap(({ seen }) => Object.keys(seen)));
    return [...parts].flatMap((part) =>
      Object.entries(waits).flatMap(([name, of]) => {
        const [without, through] = [medianOf(direct, part, of), medianOf(firstbyte, part, of)];
        if (without === null || through === null) return [];
        compared += 1;
        const isSlower = through > mostTimes * without + mostMore;
        return isSlower ? [[nameOf(what), part, name, without.toFixed(2), through.toFixed(2)]] : [];
      }),
    );
  });
  const head = ['case', 'part', 'what', 'direct', 'firstbyte'];
  return `## Where it is slower than direct

By more than ${Math.round((mostTimes - 1) * 100)} % and ${mostMore} s: ${rows.length} of ${compared} medians.\n\n${tableOf(head, rows)}`;
}

function medianOf(results: readonly Result[], part: string, of: (seen: Seen) => number | null | undefined) {
  const values = results.map(({ seen }) => (seen[part] === undefined ? null : of(seen[part])));
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length > 0 ? new Series(known).median : null;
}

/** When the line has been measured for long enough, in seconds from the opening of the film. */
const judgedAt = 15;

/** Whether the API was right about the line, by what the player then did. */
function verdicts(results: readonly Result[]): string {
  const rows = results.flatMap((result) => {
    const seen = result.seen.cold;
    if (result.operation !== 'watch' || seen === undefined) return [];
    const stalls = seen.stalls?.count ?? null;
    const said = result.outside.api.find(({ at }) => at >= judgedAt)?.line ?? 'nothing';
    const isRight = said === (stalls === 0 ? 'fast enough' : 'will stall');
    return [[result.link, result.film, said, stalls ?? 'no moving picture', isRight ? 'right' : 'wrong']];
  });
  const right = rows.filter((row) => row.at(-1) === 'right');
  const head = ['line', 'film', `said after ${judgedAt} s`, 'stalls in 60 s', ''];
  return `## Whether the line carries the film\n\nRight in ${right.length} of ${rows.length}.\n\n${tableOf(head, rows)}`;
}

/** What the API said, and whether it said that somebody waits while a player stood still. */
function apiSection(pairs: readonly Pair[]): string {
  const percent = (part: readonly unknown[], all: readonly unknown[]) =>
    all.length === 0 ? '-' : `${Math.round((part.length / all.length) * 100)} % of ${all.length}`;
  const rows = pairs.flatMap(({ what, firstbyte }) => {
    const moments = firstbyte.flatMap(({ outside }) => outside.api);
    const stalled = firstbyte.flatMap((result) => result.outside.api.filter(({ at }) => stoodStill(result, at)));
    if (moments.length === 0) return [];
    const phases = [...new Set(moments.map(({ phase }) => phase))].map((name) => {
      const share = moments.filter(({ phase }) => phase === name).length / moments.length;
      return `${name} ${Math.round(share * 100)} %`;
    });
    const told = stalled.filter(({ waiters }) => waiters > 0);
    return [[nameOf(what), moments.length, phases.join(', '), percent(told, stalled)]];
  });
  const head = ['case', 'seconds', 'phases of the fill', 'it said that somebody waits, of the seconds of stalls'];
  return `## What the API showed, second by second\n\n${tableOf(head, rows)}`;
}

/** Whether a player had a stall at that second of the turn. */
function stoodStill({ seen }: Result, at: number): boolean {
  return Object.values(seen).some(({ openedAt, moving, stalls }) => {
    const second = at - openedAt - (moving ?? 0);
    return stalls?.spans.some(([from, to]) => second >= from && second <= to) ?? false;
  });
}

function troubles(results: readonly Result[]): string {
  const rows = results.flatMap((result) =>
    wrongWith(result).map((wrong) => [
      nameOf(result),
      result.way,
      result.run,
      wrong.replaceAll(/\s+/g, ' ').slice(0, 160),
    ]),
  );
  return `## What went wrong\n\n${rows.length > 0 ? tableOf(['case', 'way', 'run', 'what'], rows) : 'Nothing.'}`;
}

function tableOf(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}
