import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../src/clock.ts';

const day = 86_400_000;

test('a timer of the system may be set for longer than Node takes', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let woken = 0;
  systemClock.after(60 * day, () => {
    woken += 1;
  });
  const other = systemClock.after(60 * day, () => assert.fail('it was taken back'));
  const pass = (days: number) => {
    for (let passed = 0; passed < days; passed += 1) t.mock.timers.tick(day);
  };
  pass(59);
  assert.equal(woken, 0);
  other.cancel();
  pass(2);
  assert.equal(woken, 1);
});
