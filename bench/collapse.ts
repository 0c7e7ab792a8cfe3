/** Fifty clients ask for one cold film at once: what the origin must send, and when the last of them has it all. */
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const clients = 50;
const size = 200 * 1024 * 1024;

/** Bytes a second: 200 Mbit/s. */
const rate = 25_000_000;
const rounds = 3;
const goals = { slower: 1.02, cpu: 2.5, memory: 150 };
const MiB = 1024 * 1024;

export async function collapse(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = await stage.everyone();
  const ideal = (size / rate) * 1000;
  const slower: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
  const fetched: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
  const used: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
  const most: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
  let wrong = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, url, footprint } of servers) {
      stage.settle();
      const path = `/film-${round}-${name}`;
      const film = `${url}${path}?size=${size}&rate=${rate}&link=shared`;
      const connections = name === 'direct' ? 1 : clients;
      if (name !== 'direct') footprint.resetPeak();
      const before = footprint.cpu;
      const result = await stage.run({ url: film, connections, verify: round === 0 });
      used[name]?.push(footprint.cpu - before);
      most[name]?.push(footprint.peak / MiB);
      slower[name]?.push(Math.max(...result.seen.map(({ doneAt }) => doneAt)) / ideal);
      fetched[name]?.push((await stage.sent(path)).bytes / size);
      if (name === 'firstbyte') wrong += result.seen.filter((seen) => seen.wrong || !seen.whole).length;
    }
  }
  const of = (times: readonly number[] = []) => new Series(times);
  const [ours, oursFetched] = [of(slower.firstbyte), of(fetched.firstbyte)];
  const [cpu, memory] = [of(used.firstbyte), of(most.firstbyte)];
  const peer = (slower.nginx?.length ?? 0) > 0;
  return [
    {
      what: `${clients} clients, one cold film of 200 MiB at 200 Mbit/s: last one done, x ideal`,
      goal: `<= ${goals.slower}`,
      direct: `${of(slower.direct).text(3)} (1 client)`,
      firstbyte: ours.text(3),
      ...(peer ? { nginx: of(slower.nginx).text(3) } : {}),
      reached: ours.median <= goals.slower && wrong === 0,
      figures: { slower: ours, wrong, direct: of(slower.direct) },
    },
    {
      what: 'the same: taken from the origin, x the film',
      goal: '1',
      firstbyte: oursFetched.text(3),
      ...(peer ? { nginx: of(fetched.nginx).text(3) } : {}),
      reached: oursFetched.values.every((times) => times === 1),
      figures: { fetched: oursFetched },
    },
    {
      what: 'the same: CPU-s',
      goal: `<= ${goals.cpu}`,
      firstbyte: cpu.text(2),
      ...(peer ? { nginx: of(used.nginx).text(2) } : {}),
      reached: cpu.median <= goals.cpu,
      figures: { cpu },
    },
    {
      what: 'the same: most resident memory, MiB',
      goal: `<= ${goals.memory}`,
      firstbyte: memory.text(0),
      ...(peer ? { nginx: of(most.nginx).text(0) } : {}),
      reached: memory.median <= goals.memory,
      figures: { memory },
    },
  ];
}
