/** An account that allows one connection, and three viewers at three places of one film: what each of them gets. */
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const size = 1_200_000_000;

/** Bytes a second; milliseconds of silence before each reply. */
const rate = 6_000_000;
const silence = 20;

const viewers = 3;

/** Milliseconds. */
const duration = 15_000;

/** Of the fair share, for whoever has the least. */
const goal = 0.5;

export async function fairness(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const server = await stage.firstbyte('--max-connections', '1');
  const url = `${server.url}/shared?size=${size}&rate=${rate}&silence=${silence}&link=shared`;
  const results = await Promise.all(
    Array.from({ length: viewers }, (_, place) => {
      return stage.run({ url, connections: 1, start: Math.floor((place * size) / viewers), duration, verify: true });
    }),
  );
  const seen = results.flatMap((result) => result.seen);
  if (seen.some(({ wrong, bytes }) => wrong || bytes === 0)) throw new Error(`they got ${JSON.stringify(seen)}`);
  const { most } = await stage.sent('/shared');
  if (most !== 1) throw new Error(`${most} replies were under way at one time`);
  const fair = ((rate / viewers) * duration) / 1000;
  const shares = new Series(seen.map(({ bytes }) => bytes / fair));
  const [least = 0] = shares.values;
  const pause = Math.max(...seen.map((one) => one.pause));
  return [
    {
      what: `one connection, ${viewers} viewers of one film: the least of their shares, of what is fair`,
      goal: `>= ${goal}`,
      firstbyte: `${least.toFixed(2)}, longest pause ${(pause / 1000).toFixed(1)} s`,
      reached: least >= goal,
      figures: { shares, pause },
    },
  ];
}
