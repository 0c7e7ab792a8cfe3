import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BitRot, type Rot } from './bit-rot.ts';

/** `npm run crash -- rot` damages a thousand. */
const places = 100;

test(`of ${places} places damaged on disk, none is served wrong or keeps firstbyte from starting`, async () => {
  await using rot = await BitRot.open();
  const seen: Rot[] = [];
  for (let seed = 1; seed <= places; seed += 1) seen.push(await rot.damage(seed));
  for (const kind of ['index', 'log', 'segment'] as const) {
    assert.ok(
      seen.some(({ file, fetched }) => file === kind && fetched > 0),
      `no damage of a file of the kind ${kind} did any harm`,
    );
  }
});
