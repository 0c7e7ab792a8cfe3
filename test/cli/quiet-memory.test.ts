/** When memory is given back to the system. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuietMemory } from '../../src/cli/quiet-memory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const MiB = 1024 * 1024;

/** A process of 100 MiB that runs a share of the time, of which `free` MiB come free, and what was done when. */
function stage() {
  const clock = new VirtualClock();
  const done: [string, number][] = [];
  const work = { before: 0, since: 0, share: 0 };
  const memory = { living: 100, free: 0, isTold: true };
  const start = clock.now();
  const used = () => work.before + (clock.now() - work.since) * work.share;
  const note = (what: string) => done.push([what, clock.now() - start]);
  const quiet = new QuietMemory(clock, {
    used,
    resident: () => (memory.isTold ? (memory.living + memory.free) * MiB : null),
    collect: () => note('collect'),
    trim() {
      memory.free = 0;
      note('trim');
    },
  });
  return {
    clock,
    done,
    memory,
    /** V8 has collected something. */
    collected: () => quiet.noteCollection(),
    runs: (share: number) => Object.assign(work, { before: used(), since: clock.now(), share }),
  };
}

test('what is garbage is collected once, after a quiet second, and given back when it is freed', async () => {
  const { clock, done, memory, collected } = stage();
  memory.free = 64;
  collected();
  collected();
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
  const { clock, done, memory, collected, runs } = stage();
  memory.free = 400;
  runs(0.2);
  collected();
  await clock.advance(60_500);
  assert.deepEqual(done, []);
  runs(0.01);
  await clock.advance(60_000);
  assert.deepEqual(done[0], ['collect', 62_000]);
});

test('nor for less than 64 MiB more than it needs, however often V8 collects', async () => {
  const { clock, done, memory, collected } = stage();
  memory.free = 63;
  for (let time = 0; time < 20; time += 1) {
    collected();
    await clock.advance(5000);
  }
  assert.deepEqual(done, []);
  assert.equal(clock.pending, 0);
});

test('each burst has a quiet time of its own', async () => {
  const { clock, done, memory, collected } = stage();
  for (let burst = 0; burst < 3; burst += 1) {
    memory.free = 100;
    collected();
    await clock.advance(20_000);
  }
  assert.deepEqual(
    done.filter(([what]) => what === 'collect').map(([, at]) => at),
    [1000, 21_000, 41_000],
  );
});

test('what lives is no reason to look again', async () => {
  const { clock, done, memory, collected } = stage();
  memory.living = 300;
  for (let time = 0; time < 3; time += 1) {
    collected();
    await clock.advance(20_000);
  }
  assert.equal(done.filter(([what]) => what === 'collect').length, 1);
});

test('what it needs is what it had when it needed least', async () => {
  const { clock, done, memory, collected } = stage();
  memory.living = 300;
  collected();
  await clock.advance(20_000);
  memory.living = 120;
  collected();
  await clock.advance(20_000);
  memory.free = 100;
  collected();
  await clock.advance(20_000);
  assert.deepEqual(
    done.filter(([what]) => what === 'collect').map(([, at]) => at),
    [1000, 41_000],
  );
});

test('where the system does not say how large the process is, memory is given back another time', async () => {
  const { clock, done, memory, collected } = stage();
  Object.assign(memory, { free: 64, isTold: false });
  collected();
  await clock.advance(60_000);
  assert.equal(done.length, 0);
  memory.isTold = true;
  collected();
  await clock.advance(60_000);
  assert.deepEqual(
    done.map(([what]) => what),
    ['collect', 'trim'],
  );
});
