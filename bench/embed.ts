/**
 * What firstbyte costs a program that embeds it: time to a cache that is ready, and memory, beside a bare Node.
 *
 *   node bench/embed.ts [ROUNDS]
 *
 * The package is the one that was built. The bare Node has loaded `node:http` and has one worker thread, as firstbyte's
 * index is. Each is a process of its own, in turn.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const library = JSON.stringify(join(import.meta.dirname, '../dist/index.js'));
const rounds = Number(process.argv[2] ?? 5);

/** Prints milliseconds since the program's first line, and MiB when the garbage has gone. */
const report = `
  const ready = performance.now() - begun;
  for (let turn = 0; turn < 3; turn += 1) { gc(); await new Promise((resolve) => setTimeout(resolve, 50)); }
  console.log(JSON.stringify({ ready, memory: process.memoryUsage().rss / 2 ** 20 }));`;

const bare = `
  const begun = performance.now();
  await import('node:http');
  const { Worker } = await import('node:worker_threads');
  const { once } = await import('node:events');
  const worker = new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true, execArgv: [] });
  await once(worker, 'online');
  ${report}
  await worker.terminate();`;

const embedded = (directory: string) => `
  const begun = performance.now();
  const { createFirstbyte } = await import(${library});
  const cache = await createFirstbyte({
    cacheDir: ${JSON.stringify(directory)}, origins: { films: 'https://media.example/films' },
  });
  ${report}
  await cache.close();`;

interface Cost {
  readonly ready: number;
  readonly memory: number;
}

async function costOf(program: string): Promise<Cost> {
  const flags = ['--expose-gc', '--input-type=module', '--eval', program];
  return JSON.parse((await promisify(execFile)(process.execPath, flags)).stdout);
}

const median = (numbers: readonly number[]) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? 0;

const folder = await mkdtemp(join(tmpdir(), 'firstbyte-embed-'));
try {
  const pairs: (readonly [bare: Cost, firstbyte: Cost])[] = [];
  for (let round = 0; round < rounds; round += 1) {
    pairs.push([await costOf(bare), await costOf(embedded(join(folder, String(round))))]);
  }
  const row = (what: string, of: (cost: Cost) => number, unit: string) => {
    const [one, other] = [0, 1].map((side) => median(pairs.map((pair) => of(pair[side === 0 ? 0 : 1]))));
    const more = median(pairs.map(([without, with_]) => of(with_) - of(without)));
    return `${what}: bare Node ${one?.toFixed(0)} ${unit}, firstbyte ${other?.toFixed(0)} ${unit}, ${more.toFixed(1)} ${unit} more`;
  };
  console.log(row('ready after', ({ ready }) => ready, 'ms'));
  console.log(row('memory', ({ memory }) => memory, 'MiB'));
} finally {
  await rm(folder, { recursive: true });
}
