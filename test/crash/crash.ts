/**
 * `npm run crash`: the proofs of this folder at length; what `npm test` plays is a sample of each.
 *
 *   npm run crash                                    all of them
 *   npm run crash -- kills --rounds 50 --seed 4711   kill -9 under load; the same seed plays the same rounds again
 *   npm run crash -- evictions                       the same on a disk that is too small for all films
 *   npm run crash -- calls                           kill -9 at each system call of a cycle of the store
 *   npm run crash -- power --rounds 50               power cuts, half of them under each journal
 *   npm run crash -- faults                          the N-th call fails, N = 1 until a run is clean
 *   npm run crash -- rot --rounds 1000               damaged places on disk
 *   npm run crash -- idle --rounds 1000              one long-lived process: descriptors and memory
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BitRot } from './bit-rot.ts';
import { callFaults, FaultyCalls } from './call-faults.ts';
import { playWithoutKills } from './idle-rounds.ts';
import { killAt, killPoints } from './kill-at-call.ts';
import { LoopDisk, noLoopDisk } from './loop-disk.ts';
import { cutPower } from './power-loss.ts';
import { KillRounds, smallDisk } from './rounds.ts';
import { noStrace } from './strace.ts';

/** How long after a fault all must be well, in milliseconds. */
const recoveryTime = 5000;

/** How much is played, and from where chance begins. */
interface Length {
  readonly rounds: number;
  readonly seed: number;
}

interface Proof {
  readonly rounds: number;
  /** Why it can't be played here. */
  readonly missing?: string | false;
  /** Throws where something is wrong. */
  play(directory: string, length: Length): Promise<object>;
}

const proofs: Readonly<Record<string, Proof>> = {
  kills: {
    rounds: 1000,
    async play(directory, { rounds, seed }) {
      await using play = await KillRounds.open({ directory, seed });
      for (let number = 1; number <= rounds; number += 1) await play.play(number);
      await play.finish();
      return play.figures;
    },
  },
  evictions: {
    rounds: 200,
    missing: await noLoopDisk(),
    async play(_, { rounds, seed }) {
      await using disk = await LoopDisk.make(smallDisk);
      await using play = await KillRounds.open({ directory: join(disk.path, 'cache'), seed, evicting: true });
      for (let number = 1; number <= rounds; number += 1) await play.play(number);
      await play.finish();
      const { compared, evicted, slowestStart } = play.figures;
      return { rounds, compared, evicted, slowestStart };
    },
  },
  calls: {
    rounds: Number.POSITIVE_INFINITY,
    missing: noStrace,
    async play(_, { rounds }) {
      const points = (await killPoints()).slice(0, rounds);
      let right = 0;
      for (const point of points) right += (await killAt(point))?.right ?? 0;
      return { points: points.length, right };
    },
  },
  power: {
    rounds: 100,
    missing: await noLoopDisk(),
    async play(_, { rounds, seed }) {
      const half = Math.ceil(rounds / 2);
      const ordered = await cutPower(half, seed, 'ordered');
      return { ordered, writeback: await cutPower(half, seed, 'writeback') };
    },
  },
  faults: {
    rounds: Number.POSITIVE_INFINITY,
    missing: noStrace,
    async play(directory, { rounds }) {
      await using faulty = await FaultyCalls.open(directory);
      const sum = { failed: 0, visible: 0, slowestRecovery: 0 };
      for (const fault of callFaults) {
        for (let n = 1, clean = false; n <= rounds && !clean; n += 1) {
          const { injected, visible, recoveredAfter } = await faulty.fail(fault, n);
          clean = injected === 0;
          sum.failed += injected;
          sum.visible += visible;
          if (recoveredAfter > recoveryTime) throw new Error(`all was well only after ${recoveredAfter} ms`);
          sum.slowestRecovery = Math.max(sum.slowestRecovery, Math.round(recoveredAfter));
        }
      }
      return sum;
    },
  },
  rot: {
    rounds: 1000,
    async play(_, { rounds, seed }) {
      await using rot = await BitRot.open();
      const counts: Record<string, number> = {};
      for (let number = 0; number < rounds; number += 1) {
        const { file, damage, fetched } = await rot.damage(seed + number);
        const kind = `${file} ${damage}${fetched > 0 ? ', fetched again' : ''}`;
        counts[kind] = (counts[kind] ?? 0) + 1;
      }
      return counts;
    },
  },
  idle: {
    rounds: 1000,
    async play(directory, { rounds, seed }) {
      const held = await playWithoutKills(directory, rounds, seed);
      const { before, after } = held.descriptors;
      if (after !== before) throw new Error(`${after} descriptors at rest; at the start there were ${before}`);
      return held;
    },
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, seed: { type: 'string' } },
});
const unknown = positionals.filter((name) => !(name in proofs));
if (unknown.length > 0) {
  console.error(`There is no proof called ${unknown.join(', ')}; there are ${Object.keys(proofs).join(', ')}.`);
  process.exit(2);
}
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const chosen = Object.entries(proofs).filter(([name]) => positionals.length === 0 || positionals.includes(name));
for (const [name, proof] of chosen) {
  if (proof.missing) {
    console.log(`${name}: left out, ${proof.missing}`);
    continue;
  }
  const rounds = values.rounds === undefined ? proof.rounds : Number(values.rounds);
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-crash-'));
  const startedAt = performance.now();
  try {
    const figures = await proof.play(directory, { rounds, seed });
    console.log(`${name}: right, with the seed ${seed}, in ${Math.round((performance.now() - startedAt) / 1000)} s`);
    console.log(figures);
  } catch (error) {
    console.log(`${name}: WRONG, with the seed ${seed}`);
    console.log(error);
    process.exitCode = 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
