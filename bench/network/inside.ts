/** `npm run network` inside of its namespaces: it is the first process there, and all others end with it. */
import { parseArgs } from 'node:util';
import { checkLinks } from './check.ts';
import { measure } from './measure.ts';
import { isPicked, options, pickedWays } from './options.ts';
import { links } from './profiles.ts';
import { writeReport } from './report.ts';
import { Results } from './results.ts';

process.stdin.on('end', () => process.exit(130)).resume();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const { values } = parseArgs({ options });
const only = values.only.split(',').filter((word) => word !== '');

if (values.report) {
  await writeReport(new Results(values.results).all);
} else if (values.check) {
  const chosen = Object.entries(links).filter(([name]) => only.length === 0 || only.includes(name));
  for await (const [name, { roundTrip, rate, loss, wrong }] of checkLinks(Object.fromEntries(chosen))) {
    const figures = `${roundTrip.toFixed(1)} ms, ${(rate / 1e6).toFixed(2)} Mbit/s, ${(loss * 100).toFixed(2)} % lost`;
    console.log(`${name}: ${figures}: ${wrong.length === 0 ? 'as it should be' : wrong.join('; ')}`);
    if (wrong.length > 0) process.exitCode = 1;
  }
} else {
  const { results, runs, work } = values;
  const isGood = await measure({
    file: results,
    work,
    isPicked: (one) => isPicked(one, only),
    ways: pickedWays(only),
    runs: Number(runs) || null,
  });
  if (only.length === 0) await writeReport(new Results(results).all);
  if (!isGood) process.exitCode = 1;
}
process.exit();
