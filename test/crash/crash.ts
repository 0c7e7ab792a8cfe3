import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { KillRounds } from './rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const directory = await mkdtemp(join(tmpdir(), 'firstbyte-crash-'));
const seed = Number(values.seed);
console.log(`seed ${seed}`);
await using rounds = await KillRounds.open({ directory, seed });
for (let number = 1; number <= Number(values.rounds); number += 1) await rounds.play(number);
await rounds.finish();
console.log(rounds.figures, performance.now());
await rm(directory, { recursive: true, force: true });
