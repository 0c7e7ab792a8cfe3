/** A cold film from an origin without a limit, beside nginx, which caches it as it comes: how fast, and what it costs. */
import { type Row, Series } from './figures.ts';
import { type Server, Stage } from './programs.ts';

const size = 512 * 1024 * 1024;
const GB = 1e9;
const rounds = 7;
const goals = { speed: 1.5, cost: 1.5 };

interface Seen {
  /** GB a second. */
  readonly speed: number;
  /** CPU-s a GB. */
  readonly cost: number;
}

export async function cold(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = (await stage.everyone()).filter(({ name }) => name !== 'direct');
  const seen: Record<string, Seen[]> = { firstbyte: [], nginx: [] };
  for (let round = -1; round < rounds; round += 1) {
    for (const server of servers) {
      const figures = await read(stage, server, round);
      if (round >= 0) seen[server.name]?.push(figures);
    }
  }
  const of = (name: string, figure: (seen: Seen) => number) => new Series((seen[name] ?? []).map(figure));
  const cost = of('firstbyte', (each) => each.cost);
  const speed = of('firstbyte', (each) => each.speed);
  const isPeer = (seen.nginx?.length ?? 0) > 0;
  const ratio = isPeer ? speed.median / of('nginx', (each) => each.speed).median : Number.NaN;
  return [
    {
      what: 'a cold film without a limit: GB/s',
      goal: `>= ${goals.speed} x nginx`,
      firstbyte: `${speed.text(2)}${isPeer ? `, ${ratio.toFixed(2)} x` : ''}`,
      ...(isPeer ? { nginx: of('nginx', (each) => each.speed).text(2) } : {}),
      reached: isPeer ? ratio >= goals.speed : null,
      figures: { speed, ratio },
    },
    {
      what: 'the same: CPU-s a GB',
      goal: `<= ${goals.cost}`,
      firstbyte: cost.text(2),
      ...(isPeer ? { nginx: of('nginx', (each) => each.cost).text(2) } : {}),
      reached: cost.median <= goals.cost,
      figures: { cost },
    },
  ];
}

async function read(stage: Stage, { name, url, footprint }: Server, round: number): Promise<Seen> {
  stage.settle();
  const before = footprint.cpu;
  const place = name === 'nginx' ? `${url}/whole` : url;
  const { bytes, elapsed } = await stage.run({ url: `${place}/film-${round}-${name}?size=${size}`, connections: 1 });
  if (bytes !== size) throw new Error(`${name} gave ${bytes} of ${size} bytes`);
  return { speed: bytes / GB / (elapsed / 1000), cost: (footprint.cpu - before) / (bytes / GB) };
}
