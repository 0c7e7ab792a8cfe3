/**
 * `npm run simulate`: plays schedules of faults and tells which of them went wrong.
 *
 *   npm run simulate                         500 of them; `npm test` plays the first 300
 *   npm run simulate -- --seeds 5000         the long run
 *   npm run simulate -- --from 501           those after them
 *   npm run simulate -- --seed 4711          one of them, told in full
 */
import { parseArgs } from 'node:util';
import { replayOf, scheduleOf } from './schedule.ts';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});

async function one(seed: number): Promise<void> {
  const schedule = scheduleOf(seed);
  console.log(JSON.stringify(schedule, (_, value) => (value === Number.POSITIVE_INFINITY ? 'for good' : value), 2));
  console.log(await simulate(schedule));
}

async function many(first: number, count: number): Promise<void> {
  const outcomes: Record<string, number> = {};
  const kinds: Record<string, number> = {};
  const sums = { requests: 0, bytesSent: 0, bytesFetched: 0 };
  let failed = 0;
  let told = performance.now();
  for (let seed = first; seed < first + count; seed += 1) {
    if (performance.now() - told >= 60_000) {
      told = performance.now();
      console.log(`${seed - first} schedules after ${Math.round(told / 60_000)} min, ${failed} of them went wrong`);
    }
    const schedule = scheduleOf(seed);
    kinds[schedule.kind] = (kinds[schedule.kind] ?? 0) + 1;
    try {
      const figures = await simulate(schedule);
      sums.requests += figures.requests;
      sums.bytesSent += figures.bytesSent;
      sums.bytesFetched += figures.bytesFetched;
      for (const [name, times] of Object.entries(figures.outcomes)) outcomes[name] = (outcomes[name] ?? 0) + times;
    } catch (error) {
      failed += 1;
      const [line] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
      console.log(`${schedule.kind}: ${line}\n  ${replayOf(schedule)}`);
    }
  }
  const seconds = performance.now() / 1000;
  const pace = Math.round((count / seconds) * 60);
  console.log(
    `${count} schedules in ${Math.round(seconds)} s, ${pace} a minute, under settings of their own; ${failed} went wrong.`,
  );
  console.log({ kinds, outcomes, ...sums });
  process.exitCode = failed > 0 ? 1 : 0;
}

if (values.seed === undefined) await many(Number(values.from), Number(values.seeds));
else await one(Number(values.seed));
