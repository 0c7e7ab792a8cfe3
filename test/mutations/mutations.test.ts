/** Some hundred requests and answers in which bytes are wrong; `npm run mutations` makes as many as one likes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutate } from './mutations.ts';

test('wrong bytes in requests and answers are no bug, and make no request that nobody asked for', async () => {
  const seed = Date.now();
  const { bugs, unasked } = await mutate(400, seed);
  assert.deepEqual([bugs, unasked], [[], []], `seed ${seed}`);
});
