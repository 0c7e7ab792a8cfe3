import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killAt, killPoints } from './kill-at-call.ts';
import { noStrace } from './strace.ts';

/** Of every so many points one is tried; `npm run crash -- calls` tries them all. */
const stride = 29;
const lanes = 2;

test('a store killed at any of its system calls opens again, with every byte right and nothing left over', {
  skip: noStrace,
}, async () => {
  const points = await killPoints();
  assert.ok(points.length >= 300, `the cycle has ${points.length} points only`);
  const sample = points.filter((_, index) => index % stride === 0);
  let right = 0;
  const lane = async () => {
    for (let point = sample.shift(); point !== undefined; point = sample.shift()) {
      right += (await killAt(point))?.right ?? 0;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  assert.ok(right > 0, 'something was durable before a kill');
});
