import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noLoopDisk } from './loop-disk.ts';
import { cutPower } from './power-loss.ts';

/** `npm run crash -- power` cuts it a hundred times. */
const cuts = 4;

const skip = await noLoopDisk();

describe('after a power cut', { concurrency: 2 }, () => {
  for (const journal of ['ordered', 'writeback'] as const) {
    test(`the store opens, no byte is wrong and no pin is lost, on ext4 with data=${journal}`, { skip }, async () => {
      const { right, pins } = await cutPower(cuts, 1, journal);
      assert.ok(right > 0 && pins > 0);
    });
  }
});
