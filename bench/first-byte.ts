/** How much later than over a direct connection the first byte of a cold film comes, from origins that are silent. */
import { type Row, Series } from './figures.ts';
import { type Server, Stage } from './programs.ts';

const cases = [
  { silence: 0, rounds: 31 },
  { silence: 200, rounds: 15 },
  { silence: 2000, rounds: 9 },
  { silence: 8000, rounds: 9 },
];

/** Milliseconds; and what may be added to a direct connection. */
const goal = 1;

const warmUps = 300;

/** Rounds that wait at the same time, so that long silences don't take long; they begin this many milliseconds apart. */
const together = 9;
const apart = 40;

export async function firstByte(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = await stage.everyone();
  // Servers that have run for a while are measured, not how they load and compile what they need at first.
  for (const server of servers) {
    for (let film = 0; film < warmUps; film += 1) await ask(stage, server, `/warm-up-${film}-${server.name}`, 0);
  }
  const rows: Row[] = [];
  for (const { silence, rounds } of cases) {
    const later: Record<string, number[]> = { firstbyte: [], nginx: [] };
    const whole: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
    let refused = 0;
    const width = silence === 0 ? 1 : together;
    for (let round = 0; round < rounds; round += width) {
      const seen = await Promise.all(
        Array.from({ length: Math.min(width, rounds - round) }, async (_, place) => {
          await new Promise((resolve) => setTimeout(resolve, place * servers.length * apart));
          const path = `/silent-${silence}-${round + place}`;
          return inTurn(servers, (server) => ask(stage, server, `${path}-${server.name}`, silence));
        }),
      );
      for (const answers of seen) {
        const direct = answers.direct?.at ?? Number.NaN;
        for (const [name, { at, status }] of Object.entries(answers)) {
          whole[name]?.push(at);
          later[name]?.push(at - direct);
          if (name === 'firstbyte' && status >= 500) refused += 1;
        }
      }
    }
    const [ours, theirs] = [new Series(later.firstbyte ?? []), later.nginx ?? []];
    rows.push({
      what: `first byte, origin silent for ${silence} ms, cold: ms later than direct`,
      goal: `<= ${goal}, no 5xx`,
      direct: `${new Series(whole.direct ?? []).median.toFixed(1)} ms`,
      firstbyte: ours.text(2),
      ...(theirs.length > 0 ? { nginx: new Series(theirs).text(2) } : {}),
      reached: ours.median <= goal && refused === 0,
      figures: { later: ours, refused, direct: new Series(whole.direct ?? []) },
    });
  }
  return rows;
}

interface Answer {
  readonly at: number;
  readonly status: number;
}

async function ask(stage: Stage, server: Server, path: string, silence: number): Promise<Answer> {
  const url = `${server.url}${path}?size=262144&silence=${silence}`;
  const [seen] = (await stage.run({ url, connections: 1 })).seen;
  return { at: seen?.firstByteAt ?? Number.POSITIVE_INFINITY, status: seen?.status ?? 0 };
}

/** One after the other at their starts, so that nobody's work falls into another's moment. */
async function inTurn(servers: readonly Server[], of: (server: Server) => Promise<Answer>) {
  const answers = await Promise.all(
    servers.map(async (server, place) => {
      await new Promise((resolve) => setTimeout(resolve, place * apart));
      return [server.name, await of(server)] as const;
    }),
  );
  return Object.fromEntries(answers);
}
