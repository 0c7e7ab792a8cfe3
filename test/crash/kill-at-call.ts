/** Kill -9 at one certain system call of the cycle that `cycle.ts` plays; then what a fresh owner finds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../players/program.ts';
import { type ReadBack, recover } from './objects.ts';
import { changingCalls, Trace, type TracedCall } from './strace.ts';

/** The N-th call of that name within one thread. */
export interface KillPoint {
  readonly call: string;
  readonly n: number;
}

/** Every point at which the cycle can be killed: as many of each call as the thread makes that makes most of them. */
export async function killPoints(): Promise<KillPoint[]> {
  const { calls } = await play();
  const byCall = Map.groupBy(calls, ({ name }) => name);
  return [...byCall].flatMap(([call, all]) => {
    const most = Math.max(...[...Map.groupBy(all, ({ thread }) => thread).values()].map(({ length }) => length));
    return Array.from({ length: most }, (_, index) => ({ call, n: index + 1 }));
  });
}

/** What was read back; `null` where the cycle came to its end before that call. Throws where anything is not well. */
export async function killAt({ call, n }: KillPoint): Promise<ReadBack | null> {
  try {
    return (await play({ call, n })).found;
  } catch (error) {
    throw new Error(`killed at ${call} number ${n}: ${error instanceof Error ? error.stack : error}`);
  }
}

async function play(kill?: KillPoint): Promise<{ calls: TracedCall[]; found: ReadBack | null }> {
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-cycle-'));
  try {
    const child = start(
      'env',
      [
        ...['UV_THREADPOOL_SIZE=1', 'NODE_DISABLE_COMPILE_CACHE=1'],
        ...[process.execPath, join(import.meta.dirname, 'cycle.ts'), directory],
      ],
      undefined,
      ['pipe', 'pipe', 'pipe'],
    );
    const ready = Promise.withResolvers<void>();
    child.process.stdout?.once('data', () => ready.resolve());
    child.ended.then((code) => ready.reject(new Error(`it ended with ${code}: ${child.errors()}`)));
    await ready.promise;
    await using trace = await Trace.attach(
      child.process.pid ?? 0,
      kill === undefined ? changingCalls : [kill.call],
      kill && `signal=SIGKILL:when=${kill.n}`,
    );
    child.process.stdin?.end('go\n');
    const code = await child.ended;
    if (code !== 0 && child.process.signalCode !== 'SIGKILL')
      throw new Error(`it ended with ${code}: ${child.errors()}`);
    await trace.detach();
    const found = await recover(directory);
    return { calls: await trace.calls(), found: code === 0 ? null : found };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
