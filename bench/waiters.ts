/** Two hundred clients wait for an origin that says nothing: what that costs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const clients = 200;

/** Milliseconds. */
const span = 10_000;
const silence = span + 4_000;

/** Of a core. */
const goal = 0.01;

export async function waiters(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const [, ...servers] = await stage.everyone();
  const shares: Record<string, number> = {};
  const idle: Record<string, number> = {};
  const statuses: number[] = [];
  for (const { name, url, footprint } of servers) {
    const spent = async () => {
      const before = footprint.cpu;
      await sleep(span);
      return (footprint.cpu - before) / (span / 1000);
    };
    await stage.run({ url: `${url}/warm-up-${name}?size=1000`, connections: clients });
    await sleep(1500);
    idle[name] = await spent();
    const waiting = stage.run({ url: `${url}/silent-${name}?size=1000&silence=${silence}`, connections: clients });
    await sleep(1500);
    shares[name] = await spent();
    const { seen } = await waiting;
    if (name === 'firstbyte') statuses.push(...seen.map(({ status }) => status));
  }
  const text = (name: string) => {
    const [share, rest] = [shares[name] ?? 0, idle[name] ?? 0];
    return `${(share * 100).toFixed(1)} % (${(rest * 100).toFixed(1)} % without them)`;
  };
  const ours = shares.firstbyte ?? 0;
  return [
    {
      what: `${clients} clients wait for a silent origin: share of a core over 10 s`,
      goal: `<= ${goal * 100} %`,
      firstbyte: text('firstbyte'),
      ...(shares.nginx === undefined ? {} : { nginx: text('nginx') }),
      reached: ours <= goal && statuses.every((status) => status === 200),
      figures: { share: new Series([ours]), idle: new Series([idle.firstbyte ?? 0]) },
    },
  ];
}
