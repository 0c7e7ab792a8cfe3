/** A sample of what `npm run leave` does at length: three thousand replies that raw clients leave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { House } from './house.ts';
import { leaveRaw } from './raw.ts';

for (const flags of [[], ['--buffer-memory', '1MiB']]) {
  const count = flags.length === 0 ? 2000 : 1000;
  test(`${count} replies that clients leave at any byte cost nothing ${flags.join(' ')}`, async () => {
    await using house = await House.open({ flags });
    const { left, hungAfter, wrong } = await leaveRaw(house, { count, seed: 1, atOnce: 16, lookEvery: 200 });
    assert.deepEqual([left, hungAfter, wrong], [count, null, 0]);
    assert.deepEqual(await house.stillLent(), {});
    assert.doesNotMatch(house.firstbyte.log, / bug /);
  });
}
