/** Output that the system does not take: a full disk, a reader that has left. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { start } from '../players/program.ts';
import { Running, Stage } from './stage.ts';

const program = join(import.meta.dirname, '../../src/cli.ts');

/** A command one of whose outputs (1 or 2) is on a disk that is full. */
function onFullDisk(
  t: TestContext,
  { flags }: Stage,
  output: 1 | 2,
  name: string,
  ...args: readonly string[]
): Running {
  const full = openSync('/dev/full', 'w');
  const stdio = output === 1 ? (['ignore', full, 'pipe'] as const) : (['ignore', 'pipe', full] as const);
  const running = new Running(start(process.execPath, [program, name, ...flags, ...args], undefined, [...stdio]));
  closeSync(full);
  t.after(() => running.process.kill('SIGKILL'));
  return running;
}

const sentence = 'Cannot write to standard output: no space left on the disk\n';

test('what cannot be printed is code 1, and one sentence', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  await stage.run('warm', '/films/sub/d.mp4');
  for (const [name, ...args] of [
    ['ls'],
    ['ls', '--json'],
    ['export', 'd.mp4', '-'],
    ['config'],
    ['completion', 'bash'],
  ]) {
    const flags = name === 'completion' ? [] : stage.flags;
    const { code, err } = await onFullDisk(t, { flags } as Stage, 1, name ?? '', ...args).ended;
    assert.deepEqual([code, err], [1, sentence], name);
  }
});

test('a firstbyte whose log is on a full disk serves, and stops when it is told to', async (t) => {
  const stage = await Stage.set(t);
  const running = onFullDisk(t, stage, 2, 'serve', '--listen', '127.0.0.1:0');
  await running.prints(/ready on http:\S+\n/);
  const [, url] = /ready on (\S+)/.exec(running.out) ?? [];
  assert.equal((await (await fetch(`${url}films/sub/d.mp4`)).arrayBuffer()).byteLength, 500_000);
  running.process.kill('SIGTERM');
  assert.equal((await running.ended).code, 0);
});
