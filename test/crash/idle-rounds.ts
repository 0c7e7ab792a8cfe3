/** One long-lived firstbyte, under settings by chance, that is not killed: round after round of viewers, and then what it still holds at rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../faults/chance.ts';
import { Crowd } from './crowd.ts';
import { Firstbyte } from './firstbyte.ts';
import { flagsOf } from './flags.ts';
import { Library } from './library.ts';

/** Films that nobody watches are let go of after 30 s, connections to the origin as well; in milliseconds. */
const idleTimeout = 90_000;

export interface Held {
  readonly descriptors: { readonly before: number; readonly after: number };
  /** Resident, in bytes, after the first tenth of the rounds and after all. */
  readonly resident: { readonly before: number; readonly after: number };
}

/** Resolves when it is at rest with as few descriptors as at its start, or when it had long enough. */
export async function playWithoutKills(directory: string, rounds: number, seed: number): Promise<Held> {
  await using library = await Library.open();
  const crowd = new Crowd(library);
  const flags = flagsOf(new Chance(seed));
  await using firstbyte = await Firstbyte.start({ directory, origin: library.url, flags });
  const before = firstbyte.descriptors;
  let resident = firstbyte.resident;
  for (let number = 1; number <= rounds; number += 1) {
    const chance = new Chance(Math.imul(seed, 0x9e37_79b1) + number);
    const { ended, hurry } = crowd.gather(firstbyte, chance);
    await sleep(chance.about(300, 800));
    library.rate = Number.POSITIVE_INFINITY;
    hurry();
    await ended;
    if (number === Math.ceil(rounds / 10)) resident = firstbyte.resident;
  }
  for (const deadline = performance.now() + idleTimeout; performance.now() < deadline; await sleep(100)) {
    if (firstbyte.descriptors <= before) break;
  }
  return {
    descriptors: { before, after: firstbyte.descriptors },
    resident: { before: resident, after: firstbyte.resident },
  };
}
