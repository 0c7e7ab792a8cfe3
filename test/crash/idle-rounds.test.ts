import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { playWithoutKills } from './idle-rounds.ts';

/** `npm run crash -- idle` plays a thousand. */
const rounds = 15;

test(`after ${rounds} rounds of viewers nobody is left, and no descriptor`, async (t) => {
  const { descriptors } = await playWithoutKills(await temporaryDirectory(t), rounds, 1);
  assert.equal(descriptors.after, descriptors.before);
});
