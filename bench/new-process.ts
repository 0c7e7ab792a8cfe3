/** A firstbyte that has just started: how late its first request is, and what it holds before it had any. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, Series } from './figures.ts';
import { Footprint } from './machine.ts';
import { type Server, Stage } from './programs.ts';

const MiB = 1024 * 1024;
const size = 1024 * MiB;
const place = Math.floor(size * 0.9);
const rounds = 7;

/** Milliseconds later than direct, and MiB above a bare Node. */
const goals = { later: 10, memory: 25 };

/** Milliseconds after which a process that started is idle. */
const calm = 3000;

/** A Node with what firstbyte can't do without: a server and a thread. */
const bare = `
  require('node:http').createServer(() => {}).listen(0, '127.0.0.1', () => console.log('ready'));
  new (require('node:worker_threads').Worker)('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true });`;

export async function newProcess(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  const direct = await stage.direct();
  for (let round = 0; round < 30; round += 1) await ask(stage, direct, `/warm-up-${round}`);
  const later: number[] = [];
  const more: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const without = await bareMemory();
    const server = await stage.firstbyte();
    await sleep(calm);
    more.push(server.footprint.resident / MiB - without);
    const alone = await ask(stage, direct, `/direct-${round}`);
    later.push((await ask(stage, server, `/first-${round}`)) - alone);
    await server.end('SIGTERM');
  }
  const [late, memory] = [new Series(later), new Series(more)];
  return [
    {
      what: 'the first request of a process, at 90 % of a cold film: ms later than direct',
      goal: `<= ${goals.later}`,
      firstbyte: late.text(1),
      reached: late.median <= goals.later,
      figures: { late },
    },
    {
      what: 'resident before the first request: MiB above a Node with a server and a thread',
      goal: `<= ${goals.memory}`,
      firstbyte: memory.text(1),
      reached: memory.median <= goals.memory,
      figures: { memory },
    },
  ];
}

/** Milliseconds to the first byte at 90 %. */
async function ask(stage: Stage, { url }: Server, path: string): Promise<number> {
  const job = { url: `${url}${path}?size=${size}`, connections: 1, start: place, enough: 1 };
  const { seen } = await stage.run(job);
  return seen[0]?.firstByteAt ?? Number.POSITIVE_INFINITY;
}

async function bareMemory(): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, ['-e', bare], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
  await sleep(calm);
  const { resident } = new Footprint(child.pid ?? 0);
  child.kill();
  await once(child, 'exit');
  return resident / MiB;
}
