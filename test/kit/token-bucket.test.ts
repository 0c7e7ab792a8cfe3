import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from '../../src/kit/token-bucket.ts';
import { runs } from '../support/runs.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

test('a full bucket gives what it holds, then as much as comes', async () => {
  const clock = new VirtualClock();
  const bucket = new TokenBucket({ clock, perSecond: 10, capacity: 5 });
  assert.deepEqual([bucket.take(6), bucket.take(5), bucket.take(1)], [false, true, false]);
  assert.equal(bucket.msUntil(1), 100);
  await clock.advance(100);
  assert.deepEqual([bucket.take(1), bucket.take(1)], [true, false]);
  await clock.advance(60_000);
  assert.deepEqual([bucket.take(5), bucket.take(1)], [true, false], 'no more is saved up than it holds');
});

test('nobody waits twice: after the time that was told there are as many tokens as were asked for', async () => {
  const steps = fc.array(fc.record({ count: fc.integer({ min: 1, max: 20 }), wait: fc.nat({ max: 500 }) }), {
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 50 }), async (plan, perSecond) => {
      const clock = new VirtualClock();
      const capacity = 20;
      const bucket = new TokenBucket({ clock, perSecond, capacity });
      const beganAt = clock.now();
      let taken = 0;
      for (const { count, wait } of plan) {
        await clock.advance(wait);
        if (!bucket.take(count)) {
          await clock.advance(bucket.msUntil(count));
          assert.ok(bucket.take(count));
        }
        taken += count;
        assert.ok(taken <= capacity + ((clock.now() - beganAt) * perSecond) / 1000 + 1e-6, 'the rate is kept');
      }
    }),
    { numRuns: runs(50) },
  );
});
