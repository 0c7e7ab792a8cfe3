/** Cold films from origins of every speed: the first byte, and the time to the last one, beside a direct connection. */
import { type Row, Series } from './figures.ts';
import { type Server, Stage } from './programs.ts';

const unlimited = Number.POSITIVE_INFINITY;

/** Bytes a second. */
const slow = [16_000, 32_000, 64_000, 105_000, 350_000, 1_750_000];
const fast = [12_000_000, unlimited];

/** A film lasts so many seconds at its origin's speed; without a limit it is this large. */
const seconds = 5;
const largeFilm = 512 * 1024 * 1024;
const rounds = 3;

/** Milliseconds, and a share of the direct connection's throughput. */
const mostLater = 20;
const leastShare = 0.95;

/** What one speed gave in one round. */
interface Seen {
  readonly firstByteAt: number;
  /** Bytes a millisecond. */
  readonly speed: number;
}

export async function speeds(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = await stage.everyone();
  for (const server of servers) await read(stage, server, 350_000, 'warm-up');
  const rounded = new Map<number, Record<string, Seen>[]>([...slow, ...fast].map((rate) => [rate, []]));
  for (let round = 0; round < rounds; round += 1) {
    // Each reply has its rate to itself, so films that cost next to nothing are read at the same time.
    const seen = await Promise.all(slow.map((rate, place) => everyone(rate, `round-${round}`, place * 20)));
    for (const [place, rate] of slow.entries()) rounded.get(rate)?.push(seen[place] ?? {});
    for (const rate of fast) rounded.get(rate)?.push(await inTurn(rate, `round-${round}`));
  }
  return [...rounded].map(([rate, rounds]) => rowOf(rate, rounds));

  async function everyone(rate: number, name: string, delay: number): Promise<Record<string, Seen>> {
    await new Promise((resolve) => setTimeout(resolve, delay));
    const seen = await Promise.all(servers.map(async (server) => [server.name, await read(stage, server, rate, name)]));
    return Object.fromEntries(seen);
  }

  async function inTurn(rate: number, name: string): Promise<Record<string, Seen>> {
    const seen: Record<string, Seen> = {};
    for (const server of servers) {
      stage.settle();
      seen[server.name] = await read(stage, server, rate, name);
    }
    return seen;
  }
}

async function read(stage: Stage, server: Server, rate: number, name: string): Promise<Seen> {
  const size = rate === unlimited ? largeFilm : rate * seconds;
  const limit = rate === unlimited ? '' : `&rate=${rate}`;
  const url = `${server.url}/${name}-${server.name}-${rate}?size=${size}${limit}`;
  const { seen, bytes } = await stage.run({ url, connections: 1 });
  const [one] = seen;
  if (bytes !== size) throw new Error(`${server.name} gave ${bytes} of ${size} bytes`);
  return { firstByteAt: one?.firstByteAt ?? unlimited, speed: bytes / (one?.doneAt ?? 0) };
}

function rowOf(rate: number, rounds: readonly Record<string, Seen>[]): Row {
  const of = (name: string, figure: (seen: Seen, direct: Seen) => number) =>
    rounds.flatMap(({ direct, [name]: seen }) => (seen && direct ? [figure(seen, direct)] : []));
  const later = (name: string) => of(name, (seen, direct) => seen.firstByteAt - direct.firstByteAt);
  const share = (name: string) => of(name, (seen, direct) => seen.speed / direct.speed);
  const text = (name: string) => `+${new Series(later(name)).text(1)} ms, ${new Series(share(name)).text(3)}`;
  const [ourLater, ourShare] = [new Series(later('firstbyte')), new Series(share('firstbyte'))];
  const direct = new Series(of('direct', ({ speed }) => speed));
  return {
    what: `cold at ${rate === unlimited ? 'any speed' : `${rate / 1000} KB/s`}: first byte, throughput x direct`,
    goal: `+${mostLater} ms, >= ${leastShare}`,
    direct: `${direct.median.toFixed(0)} KB/s`,
    firstbyte: text('firstbyte'),
    ...(later('nginx').length > 0 ? { nginx: text('nginx') } : {}),
    reached: ourLater.median <= mostLater && ourShare.median >= leastShare,
    figures: { later: ourLater, share: ourShare, direct },
  };
}
