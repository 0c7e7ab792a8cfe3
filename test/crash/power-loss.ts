/** Power cuts under a store on a disk of its own: what the next owner finds on what the disk had been given. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../faults/chance.ts';
import { start } from '../players/program.ts';
import { type Journal, LoopDisk } from './loop-disk.ts';
import { keptTitle, objectName, type ReadBack, recover } from './objects.ts';

/** Of the disk, in mebibytes; what is copied at each cut. */
const size = 32;

/** What was read back after all cuts together, in bytes: right, or refused with an error. */
export type Survived = Pick<ReadBack, 'right' | 'lost'>;

/** Cuts the power at so many moments, which chance decides, under one writer; sums up what was found after each. */
export async function cutPower(cuts: number, seed: number, journal: Journal): Promise<Survived> {
  const chance = new Chance(seed);
  await using disk = await LoopDisk.make(size, journal);
  const writer = start(process.execPath, [
    join(import.meta.dirname, 'power-writer.ts'),
    join(disk.path, 'cache'),
    String(seed),
  ]);
  const { process: child } = writer;
  const sum: Survived = { right: 0, lost: 0 };
  try {
    if (child.stdout !== null) await Promise.race([once(child.stdout, 'data'), writer.ended]);
    for (let cut = 1; cut <= cuts; cut += 1) {
      await sleep(chance.about(3, 500));
      if (child.exitCode !== null) throw new Error(`The writer ended: ${writer.errors()}`);
      const found = await findAfterCut(disk, child.pid ?? 0, `cut ${cut} with the seed ${seed}, data=${journal}`);
      sum.right += found.right;
      sum.lost += found.lost;
    }
  } finally {
    child.kill('SIGKILL');
    await writer.ended;
  }
  return sum;
}

/** The writer stands still while the disk is copied; what the kernel writes on its own is what the copy waits for. */
async function findAfterCut(disk: LoopDisk, writer: number, which: string): Promise<ReadBack> {
  process.kill(writer, 'SIGSTOP');
  const copying = disk.cutPower().finally(() => process.kill(writer, 'SIGCONT'));
  await using after = await copying;
  try {
    const found = await recover(join(after.path, 'cache'));
    assert.ok(found.whole.includes(objectName(keptTitle)), 'a film of a store that was closed is not whole any more');
    return found;
  } catch (error) {
    throw new Error(`${which}: ${error instanceof Error ? error.stack : error}`);
  }
}
