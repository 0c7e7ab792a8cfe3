/** Small things from the cache: ten thousand objects of 64 KiB over many connections, and parts of 4 KiB over one. */
import { type Row, Series } from './figures.ts';
import { stock, type Titles, urlOf } from './library.ts';
import { Stage } from './programs.ts';

const MiB = 1024 * 1024;
const objects: Titles = { name: 'poster', count: 10_000, size: 64 * 1024 };
const film: Titles = { name: 'seeked', count: 1, size: 256 * MiB };
const connections = 64;
const duration = 3000;
const rounds = 5;
const goals = { rate: 12_000, cost: 90, memory: 200, part: 0.18 };

export async function small(program: string): Promise<Row[]> {
  return [...(await smallObjects(program)), ...(await smallParts(program))];
}

async function smallObjects(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = (await stage.everyone()).filter(({ name }) => name !== 'direct');
  await stock(stage, servers, objects);
  const rates: Record<string, number[]> = { firstbyte: [], nginx: [] };
  const costs: Record<string, number[]> = { firstbyte: [], nginx: [] };
  const memory: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    for (const server of servers) {
      const { name, footprint } = server;
      if (name === 'firstbyte') footprint.resetPeak();
      const before = footprint.cpu;
      const job = { url: urlOf(server, objects), titles: objects.count, connections, duration };
      const { seen, elapsed } = await stage.run(job);
      const replies = seen.reduce((sum, each) => sum + each.replies, 0);
      if (round < 0) continue;
      rates[name]?.push((replies * 1000) / elapsed);
      costs[name]?.push(((footprint.cpu - before) * 1e6) / replies);
      if (name === 'firstbyte') memory.push(footprint.peak / MiB);
    }
  }
  const of = (values: Record<string, number[]>, name: string) => new Series(values[name] ?? []);
  const nginx = (values: Record<string, number[]>) =>
    values.nginx?.length === 0 ? {} : { nginx: of(values, 'nginx').text(0) };
  const [rate, cost, most] = [of(rates, 'firstbyte'), of(costs, 'firstbyte'), new Series(memory)];
  return [
    {
      what: `${objects.count} objects of 64 KiB, ${connections} connections: replies a second`,
      goal: `>= ${goals.rate}`,
      firstbyte: rate.text(0),
      ...nginx(rates),
      reached: rate.median >= goals.rate,
      figures: { rate },
    },
    {
      what: 'the same: CPU-µs a reply',
      goal: `<= ${goals.cost}`,
      firstbyte: cost.text(0),
      ...nginx(costs),
      reached: cost.median <= goals.cost,
      figures: { cost },
    },
    {
      what: 'the same: most resident memory, MiB',
      goal: `<= ${goals.memory}`,
      firstbyte: most.text(0),
      reached: most.median <= goals.memory,
      figures: { memory: most },
    },
  ];
}

async function smallParts(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = (await stage.everyone()).filter(({ name }) => name !== 'direct');
  await stock(stage, servers, film);
  const times: Record<string, number[]> = { firstbyte: [], nginx: [] };
  for (let round = -1; round < rounds; round += 1) {
    for (const server of servers) {
      const parts = { length: 4096, of: film.size };
      const job = { url: urlOf(server, film), parts, connections: 1, duration: 1000 };
      const { seen, elapsed } = await stage.run(job);
      if (round >= 0) times[server.name]?.push(elapsed / (seen[0]?.replies ?? 0));
    }
  }
  const own = new Series(times.firstbyte ?? []);
  return [
    {
      what: 'parts of 4 KiB on one connection: ms a reply',
      goal: `<= ${goals.part}`,
      firstbyte: own.text(3),
      ...(times.nginx?.length === 0 ? {} : { nginx: new Series(times.nginx ?? []).text(3) }),
      reached: own.median <= goals.part,
      figures: { time: own },
    },
  ];
}
