/** An origin cuts a film in mid-body: the pause that a client sees, beside a direct one that asks for the rest itself. */
import { type Row, Series } from './figures.ts';
import { type Server, Stage } from './programs.ts';

/** Milliseconds of silence before each of the origin's replies. */
const silences = [0, 300];
const rounds = 25;

const size = 400_000;
const cut = 200_000;

/** Bytes a second; they come in steps of 20 ms. */
const rate = 2_000_000;

/** Milliseconds, beside the direct client's pause. */
const goal = 250;

export async function heal(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = [await stage.direct(), await stage.firstbyte()];
  const rows: Row[] = [];
  for (const silence of silences) {
    const pauses: Record<string, number[]> = { direct: [], firstbyte: [] };
    const longer: number[] = [];
    for (let round = -1; round < rounds; round += 1) {
      const seen: Record<string, number> = {};
      for (const server of servers) seen[server.name] = await pauseOf(stage, server, silence, round);
      // The first round is for the servers to become warm.
      if (round < 0) continue;
      for (const [name, pause] of Object.entries(seen)) pauses[name]?.push(pause);
      longer.push((seen.firstbyte ?? Number.NaN) - (seen.direct ?? Number.NaN));
    }
    const [direct, firstbyte] = [new Series(pauses.direct ?? []), new Series(pauses.firstbyte ?? [])];
    const figure = new Series(longer);
    rows.push({
      what: `cut in mid-body, origin silent for ${silence} ms: pause, ms longer than a direct reconnect`,
      goal: `<= ${goal}`,
      direct: `${direct.median.toFixed(0)} ms`,
      firstbyte: figure.text(0),
      reached: figure.median <= goal,
      figures: { longer: figure, direct, firstbyte },
    });
  }
  return rows;
}

/** The longest pause of one client. It gets the film whole, from two replies of the origin, or this is no measurement. */
async function pauseOf(stage: Stage, server: Server, silence: number, round: number): Promise<number> {
  const path = `/cut-${silence}-${round}-${server.name}`;
  const url = `${server.url}${path}?size=${size}&rate=${rate}&cut=${cut}&silence=${silence}`;
  // Through firstbyte the client asks once; one that had to reconnect would not be healed.
  const reconnect = server.name === 'direct';
  const [seen] = (await stage.run({ url, connections: 1, verify: true, reconnect })).seen;
  const sent = await stage.sent(path);
  if (!seen?.whole || seen.wrong || sent.requests !== 2 || sent.bytes !== size) {
    throw new Error(`${server.name}: ${sent.bytes} bytes in ${sent.requests} replies gave ${JSON.stringify(seen)}`);
  }
  return seen.pause;
}
