/**
 * Three hundred viewers who press play together on twenty films that are in the cache, each at 8 Mbit/s: when their first
 * bytes come, whether any of them ever waits, and what it costs; alone, and beside downloads.
 */
import { type Row, Series } from './figures.ts';
import { stock, type Titles, urlOf } from './library.ts';
import { type Server, Stage } from './programs.ts';

const MiB = 1024 * 1024;
const viewers = 300;

/** Bytes a second of each. */
const rate = 1_000_000;

/** So long they watch, in milliseconds. */
const duration = 8000;
const films: Titles = { name: 'viewed', count: 20, size: 12 * MiB };
const rounds = 5;

/** Who is behind by less than this shows the next picture in time, in milliseconds. */
const unseen = 100;

/** Downloads beside them, and the bytes a second at which the origin gives each. */
const downloads = 10;
const downloadRate = 12_500_000;
const downloadSize = (downloadRate * duration) / 1000;

const goals = { first: 40, cost: 0.3, share: 0.95, download: 0.97 };

export async function viewersTogether(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = (await stage.everyone()).filter(({ name }) => name !== 'direct');
  await stock(stage, servers, films);
  const firstbyte = servers.find(({ name }) => name === 'firstbyte');
  if (firstbyte === undefined) throw new Error('firstbyte is measured');
  const before = await sentBy(firstbyte);
  const seen = { firstbyte: emptySeries(), nginx: emptySeries(), direct: emptySeries() };
  for (let round = 0; round < rounds; round += 1) {
    for (const server of servers) {
      const { first, late, cost } = await watch(stage, server);
      seen[server.name].first.push(first);
      seen[server.name].late.push(late);
      seen[server.name].cost.push(cost);
    }
  }
  const after = await sentBy(firstbyte);
  const share = (after.system - before.system) / (after.all - before.all);
  const [alone, beside] = [await download(stage, firstbyte, 'alone'), await besideDownloads(stage, firstbyte)];
  const own = (of: Figure) => new Series(seen.firstbyte[of]);
  const nginx = (of: Figure, digits: number) =>
    seen.nginx[of].length === 0 ? {} : { nginx: new Series(seen.nginx[of]).text(digits) };
  const kept = new Series([beside.speed / alone]);
  return [
    {
      what: `${viewers} viewers press play together: first byte p99, ms`,
      goal: `<= ${goals.first}`,
      firstbyte: own('first').text(0),
      ...nginx('first', 0),
      reached: own('first').median <= goals.first,
      figures: { first: own('first') },
    },
    {
      what: `the same: viewers more than ${unseen} ms behind`,
      goal: '0',
      firstbyte: own('late').text(0),
      ...nginx('late', 0),
      reached: own('late').median === 0,
      figures: { late: own('late') },
    },
    {
      what: 'the same: CPU-s a GB',
      goal: `<= ${goals.cost}`,
      firstbyte: own('cost').text(2),
      ...nginx('cost', 2),
      reached: own('cost').median <= goals.cost,
      figures: { cost: own('cost') },
    },
    {
      what: 'the same: share of bytes that the system sent',
      goal: `>= ${goals.share}`,
      firstbyte: share.toFixed(3),
      reached: share >= goals.share,
      figures: { share },
    },
    {
      what: `the same beside ${downloads} downloads of 100 Mbit/s: their throughput x alone`,
      goal: `>= ${goals.download}`,
      firstbyte: `${kept.text(2)}, first byte p99 ${beside.first.toFixed(0)} ms`,
      reached: kept.median >= goals.download,
      figures: { kept, first: beside.first },
    },
  ];
}

type Figure = 'first' | 'late' | 'cost';

function emptySeries(): Record<Figure, number[]> {
  return { first: [], late: [], cost: [] };
}

/** All of them watch; late are those who were ever behind. */
async function watch(stage: Stage, server: Server) {
  const before = server.footprint.cpu;
  const { seen, bytes } = await stage.run({
    url: urlOf(server, films),
    titles: films.count,
    connections: viewers,
    rate,
    enough: (rate * duration) / 1000,
  });
  if (seen.some(({ status }) => status !== 200)) throw new Error(`${server.name} refused a viewer`);
  const firsts = seen
    .map(({ firstByteAt }) => firstByteAt ?? Number.POSITIVE_INFINITY)
    .sort((one, other) => one - other);
  return {
    first: firsts[Math.ceil(0.99 * firsts.length) - 1] ?? Number.NaN,
    late: seen.filter(({ late }) => late > unseen).length,
    cost: (server.footprint.cpu - before) / (bytes / 1e9),
  };
}

/** Bytes a second of films that nobody has asked for before. */
async function download(stage: Stage, { url }: Server, name: string): Promise<number> {
  const { bytes, elapsed } = await stage.run({
    url: `${url}/${name}-TITLE?size=${downloadSize}&rate=${downloadRate}`,
    titles: downloads,
    connections: downloads,
  });
  return (bytes * 1000) / elapsed;
}

async function besideDownloads(stage: Stage, firstbyte: Server) {
  await using others = await Stage.open('');
  const watching = watch(others, firstbyte);
  const speed = await download(stage, firstbyte, 'beside');
  return { speed, first: (await watching).first };
}

/** The bytes that firstbyte has sent so far: by the system itself, and in all. */
async function sentBy({ url }: Server): Promise<{ readonly system: number; readonly all: number }> {
  const { bytesSent } = (await (await fetch(new URL('/-/api/v1/stats', url))).json()) as {
    bytesSent: Record<string, number>;
  };
  return {
    system: bytesSent['page-cache'] ?? 0,
    all: Object.values(bytesSent).reduce((sum, bytes) => sum + bytes, 0),
  };
}
