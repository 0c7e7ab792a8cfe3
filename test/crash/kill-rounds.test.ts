import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { LoopDisk, noLoopDisk } from './loop-disk.ts';
import { KillRounds, smallDisk } from './rounds.ts';

/** `npm run crash` plays a thousand, with another seed each time. */
const rounds = 22;
const evictingRounds = 6;

const noDisk = await noLoopDisk();

describe('kill -9 under load', { concurrency: 2 }, () => {
  for (const seed of [1, 2]) {
    test(`costs no byte that was durable, in ${rounds} rounds with the seed ${seed}`, async (t) => {
      await using play = await KillRounds.open({ directory: await temporaryDirectory(t), seed });
      for (let number = 1; number <= rounds; number += 1) await play.play(number);
      await play.finish();
      const { landed, fetchedAgain } = play.figures;
      assert.ok(landed > 0, 'nothing was whole one second before any kill');
      assert.ok(fetchedAgain <= landed * 0.02, `${fetchedAgain} of ${landed} bytes were fetched again`);
    });
  }

  test(`leaves every byte right and a pinned film whole while films are evicted, in ${evictingRounds} rounds`, {
    skip: noDisk,
  }, async () => {
    await using disk = await LoopDisk.make(smallDisk);
    await using play = await KillRounds.open({ directory: join(disk.path, 'cache'), seed: 3, evicting: true });
    for (let number = 1; number <= evictingRounds; number += 1) await play.play(number);
    await play.finish();
    assert.ok(play.figures.evicted > 0, 'nothing was evicted');
  });
});
