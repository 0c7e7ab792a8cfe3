/** Power cuts under a store on a disk of its own: what the next owner finds on what the disk had been given. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../faults/chance.ts';
import { start } from '../players/program.ts';
import { type Journal, LoopDisk } from './loop-disk.ts';
import { keptTitle, objectName, type ReadBack, recover } from './objects.ts';

/** Of the disk, in mebibytes; what is copied at each cut. */
const size = 32;

/** What was found after all cuts together. */
export interface Survived {
  /** In bytes, as what follows. */
  right: number;
  /** Refused with an error. */
  lost: number;
  /** Promises to keep a film that were looked for. */
  pins: number;
}

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
  const sum: Survived = { right: 0, lost: 0, pins: 0 };
  const promised: string[] = [];
  const begun = Promise.withResolvers<void>();
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
    if (line === 'ready') begun.resolve();
    else promised.push(line);
  });
  writer.ended.then(() => begun.reject(new Error(`The writer ended: ${writer.errors()}`)));
  try {
    await begun.promise;
    for (let cut = 1; cut <= cuts; cut += 1) {
      await sleep(chance.about(3, 500));
      if (child.exitCode !== null) throw new Error(`The writer ended: ${writer.errors()}`);
      const known = [...promised];
      const which = `cut ${cut} with the seed ${seed}, data=${journal}`;
      const { right, lost } = await findAfterCut(disk, child.pid ?? 0, known, which);
      sum.pins += known.length;
      sum.right += right;
      sum.lost += lost;
    }
  } finally {
    child.kill('SIGKILL');
    await writer.ended;
  }
  return sum;
}

/** The writer stands still while the disk is copied; what the kernel writes on its own is what the copy waits for. */
async function findAfterCut(
  disk: LoopDisk,
  writer: number,
  promised: readonly string[],
  which: string,
): Promise<ReadBack> {
  process.kill(writer, 'SIGSTOP');
  const copying = disk.cutPower().finally(() => process.kill(writer, 'SIGCONT'));
  await using after = await copying;
  try {
    const found = await recover(join(after.path, 'cache'), 'after the cut');
    assert.ok(found.whole.includes(objectName(keptTitle)), 'a film of a store that was closed is not whole any more');
    for (const title of promised) {
      assert.ok(found.pinned.includes(objectName(title)), `${title}: the promise to keep it was lost`);
    }
    return found;
  } catch (error) {
    throw new Error(`${which}: ${error instanceof Error ? error.stack : error}`);
  }
}
