/** `npm run mutations -- [COUNT] [SEED]`: requests and answers in which bytes are wrong. Exits with 1 where one does harm. */
import { mutate } from './mutations.ts';

const [count = '100000', seed = String(Date.now())] = process.argv.slice(2);
const progress = (cases: number) => cases % 5000 === 0 && process.stdout.write(`${cases} `);
const { cases, bugs, unasked } = await mutate(Number(count), Number(seed), progress);
for (const bug of new Set(bugs)) process.stdout.write(`\nbug: ${bug}\n`);
for (const sent of unasked) process.stdout.write(`\nnot asked for by ${JSON.stringify(sent)}\n`);
process.stdout.write(
  `\n${cases} cases of seed ${seed}: ${bugs.length} bugs, ${unasked.length} requests that nobody asked for\n`,
);
process.exitCode = bugs.length + unasked.length > 0 ? 1 : 0;
