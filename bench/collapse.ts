/** Fifty clients ask for one cold film at once: what the origin must send, and when the last of them has it all. */
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const clients = 50;
const size = 200 * 1024 * 1024;

/** Bytes a second: 200 Mbit/s. */
const rate = 25_000_000;
const rounds = 3;
const goal = 1.02;

export async function collapse(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const servers = await stage.everyone();
  const ideal = (size / rate) * 1000;
  const slower: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
  const fetched: Record<string, number[]> = { direct: [], firstbyte: [], nginx: [] };
  let wrong = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, url } of servers) {
      stage.settle();
      const path = `/film-${round}-${name}`;
      const film = `${url}${path}?size=${size}&rate=${rate}&link=shared`;
      const connections = name === 'direct' ? 1 : clients;
      const result = await stage.run({ url: film, connections, verify: round === 0 });
      slower[name]?.push(Math.max(...result.seen.map(({ doneAt }) => doneAt)) / ideal);
      fetched[name]?.push((await stage.sent(path)).bytes / size);
      if (name === 'firstbyte') wrong += result.seen.filter((seen) => seen.wrong || !seen.whole).length;
    }
  }
  const of = (times: readonly number[] = []) => new Series(times);
  const [ours, oursFetched] = [of(slower.firstbyte), of(fetched.firstbyte)];
  const peer = (slower.nginx?.length ?? 0) > 0;
  return [
    {
      what: `${clients} clients, one cold film of 200 MiB at 200 Mbit/s: last one done, x ideal`,
      goal: `<= ${goal}`,
      direct: `${of(slower.direct).text(3)} (1 client)`,
      firstbyte: ours.text(3),
      ...(peer ? { nginx: of(slower.nginx).text(3) } : {}),
      reached: ours.median <= goal && wrong === 0,
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
  ];
}
