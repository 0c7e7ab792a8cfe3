import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { KillRounds } from './rounds.ts';

/** `npm run crash` plays a thousand, with another seed each time. */
const rounds = 25;

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
});
