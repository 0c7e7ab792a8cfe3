/** Memory that is given back to the system when the process is quiet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuietMemory } from '../../src/cli/quiet-memory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** A process that runs a share of the time, and says when it gave memory back. */
function stage() {
  const clock = new VirtualClock();
  const done: [string, number][] = [];
  const work = { before: 0, since: 0, share: 0 };
  const start = clock.now();
  const used = () => work.before + (clock.now() - work.since) * work.share;
  const runs = (share: number) => Object.assign(work, { before: used(), since: clock.now(), share });
  runs(0);
  const note = (what: string) => done.push([what, clock.now() - start]);
  const memory = new QuietMemory(clock, { used, collect: () => note('collect'), trim: () => note('trim') });
  return { clock, memory, done, runs };
}

test('what is garbage is collected once, after a quiet second, and given back when it is freed', async () => {
  const { clock, memory, done } = stage();
  memory.noteCollection();
  memory.noteCollection();
  await clock.advance(999);
  assert.deepEqual(done, []);
  await clock.advance(60_000);
  assert.deepEqual(done, [
    ['collect', 1000],
    ['trim', 2000],
  ]);
  assert.equal(clock.pending, 0);
});

test('a process that works is not stopped for it, however long it works', async () => {
  const { clock, memory, done, runs } = stage();
  runs(0.2);
  memory.noteCollection();
  await clock.advance(60_500);
  assert.deepEqual(done, []);
  runs(0.01);
  await clock.advance(60_000);
  assert.deepEqual(done[0], ['collect', 62_000]);
});

test('each burst has a quiet time of its own', async () => {
  const { clock, memory, done } = stage();
  memory.noteCollection();
  await clock.advance(5000);
  memory.noteCollection();
  await clock.advance(5000);
  assert.deepEqual(
    done.filter(([what]) => what === 'collect').map(([, at]) => at),
    [1000, 6000],
  );
});
