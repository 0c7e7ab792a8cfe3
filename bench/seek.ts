/**
 * Seeks in a large cold film, by a player that asks for all that follows and leaves when it has had enough: when the
 * first byte comes, and what the origin had to send.
 *
 * Twice: where the origin is a round trip of 20 ms away, so that a new connection costs another one, as it does on a
 * real network; and where each reply is 20 ms late but connecting costs nothing, which shows what firstbyte itself adds.
 * The player has a new connection for each request, to the origin or to the proxy beside it. Everybody has played
 * another film before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, Series } from './figures.ts';
import { type Server, Stage } from './programs.ts';

const MiB = 1024 * 1024;
const size = 4 * 1024 * MiB;
const film = `size=${size}&rate=25000000`;
const origins = [
  { where: '20 ms away', query: 'rtt=20' },
  { where: '20 ms late, connecting for nothing', query: 'silence=20' },
] as const;
type FarOrigin = (typeof origins)[number];
const enough = 2 * MiB;

const rounds = 9;
const seeks = 20;

/** Milliseconds after which it is counted what was fetched for a player that has left. */
const afterwards = 3000;

/** Milliseconds beside direct; MiB; and bytes of the origin for each that was read. */
const goals = { first: 3, fetched: 3, median: 1, most: 15, ratio: 1.1 };

interface Sought {
  /** When each first byte came, in milliseconds. */
  readonly firstBytes: readonly number[];
  /** Bytes of the origin for each byte that was read. */
  readonly ratio: number;
}

export async function seek(program: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const origin of origins) {
    await using stage = await Stage.open(program);
    const servers = await stage.everyone();
    for (const server of servers) await look(stage, server, '/warm-up', size / 2, origin);
    rows.push(...(await firstRequests(stage, servers, origin)), ...(await randomSeeks(stage, servers, origin)));
  }
  return rows;
}

async function firstRequests(stage: Stage, servers: readonly Server[], origin: FarOrigin): Promise<Row[]> {
  const nobody = () => Object.fromEntries(servers.map(({ name }): [string, number[]] => [name, []]));
  const [firstBytes, fetched] = [nobody(), nobody()];
  for (let round = 0; round < rounds; round += 1) {
    for (const server of servers) {
      const path = `/far-${round}`;
      const { firstByteAt } = await look(stage, server, path, Math.floor(size * 0.9), origin);
      firstBytes[server.name]?.push(firstByteAt);
    }
  }
  await sleep(afterwards);
  for (const { name } of servers) {
    for (let round = 0; round < rounds; round += 1) {
      fetched[name]?.push((await stage.sent(`/far-${round}-${name}`)).bytes / MiB);
    }
  }
  const of = (seen: Record<string, number[]>, name: string) => new Series(seen[name] ?? []);
  const later = new Series(of(firstBytes, 'firstbyte').values.map((at) => at - of(firstBytes, 'direct').median));
  const bytes = of(fetched, 'firstbyte');
  const hasNginx = 'nginx' in firstBytes;
  return [
    {
      what: `4 GiB cold, ${origin.where}, 25 MB/s: first byte of a first request at 90 %, ms later than direct`,
      goal: `<= ${goals.first}`,
      direct: `${of(firstBytes, 'direct').median.toFixed(1)} ms`,
      firstbyte: later.text(1),
      ...(hasNginx && { nginx: (of(firstBytes, 'nginx').median - of(firstBytes, 'direct').median).toFixed(1) }),
      reached: later.median <= goals.first,
      figures: { later, direct: of(firstBytes, 'direct') },
    },
    {
      what: 'the same, left after 2 MiB: MiB that the origin has sent 3 s later',
      goal: `<= ${goals.fetched}`,
      direct: of(fetched, 'direct').text(1),
      firstbyte: bytes.text(1),
      ...(hasNginx && { nginx: of(fetched, 'nginx').text(1) }),
      reached: Math.max(...bytes.values) <= goals.fetched,
      figures: { fetched: bytes },
    },
  ];
}

async function randomSeeks(stage: Stage, servers: readonly Server[], origin: FarOrigin): Promise<Row[]> {
  const sought: Record<string, Sought> = {};
  for (const server of servers) sought[server.name] = await seekAround(stage, server, origin);
  const of = (name: string) => new Series(sought[name]?.firstBytes ?? []);
  const most = (name: string) => Math.max(...of(name).values);
  const [ours, direct] = [of('firstbyte'), of('direct')];
  const [median, longest] = [ours.median - direct.median, most('firstbyte') - most('direct')];
  const ratio = sought.firstbyte?.ratio ?? Number.NaN;
  const hasNginx = 'nginx' in sought;
  return [
    {
      what: `${seeks} random seeks of 2 MiB, ${origin.where}: first byte, median and longest, ms later than direct`,
      goal: `<= ${goals.median}, <= ${goals.most}`,
      direct: `${direct.median.toFixed(1)}, ${most('direct').toFixed(1)} ms`,
      firstbyte: `${median.toFixed(1)}, ${longest.toFixed(1)}`,
      ...(hasNginx && {
        nginx: `${(of('nginx').median - direct.median).toFixed(1)}, ${(most('nginx') - most('direct')).toFixed(1)}`,
      }),
      reached: median <= goals.median && longest <= goals.most,
      figures: { ours, direct },
    },
    {
      what: 'the same: bytes of the origin for each that was read',
      goal: `<= ${goals.ratio}`,
      direct: (sought.direct?.ratio ?? Number.NaN).toFixed(2),
      firstbyte: ratio.toFixed(2),
      ...(hasNginx && { nginx: (sought.nginx?.ratio ?? Number.NaN).toFixed(2) }),
      reached: ratio <= goals.ratio,
      figures: { ratio },
    },
  ];
}

/** The same places for everybody, no two of them near each other. */
async function seekAround(stage: Stage, server: Server, origin: FarOrigin): Promise<Sought> {
  const firstBytes: number[] = [];
  let read = 0;
  for (let count = 0; count < seeks; count += 1) {
    const place = ((count * 7 + 3) % seeks) / seeks + 0.01 * (count % 5);
    const { firstByteAt, bytes } = await look(stage, server, '/around', Math.floor(place * size * 0.99), origin);
    firstBytes.push(firstByteAt);
    read += bytes;
  }
  await sleep(afterwards);
  return { firstBytes, ratio: (await stage.sent(`/around-${server.name}`)).bytes / read };
}

async function look(stage: Stage, { url, name }: Server, path: string, start: number, { query }: FarOrigin) {
  const job = { url: `${url}${path}-${name}?${film}&${query}`, connections: 1, start, enough, verify: true };
  const [seen] = (await stage.run(job)).seen;
  if (seen?.status !== 206 || seen.bytes < enough || seen.wrong)
    throw new Error(`${name} gave ${JSON.stringify(seen)}`);
  return { firstByteAt: seen.firstByteAt ?? Number.NaN, bytes: seen.bytes };
}
