import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replayOf, scheduleOf } from './schedule.ts';
import { simulate } from './simulation.ts';

/** `npm run simulate -- --seeds 5000` plays more of them. */
const seeds = 300;
const atOnce = 50;

describe('schedules of faults', () => {
  for (let first = 1; first <= seeds; first += atOnce) {
    const last = first + atOnce - 1;
    it(`${first} to ${last}: no byte is wrong, no reply ends too early, nobody waits too long, nothing is left`, async () => {
      const failures: string[] = [];
      for (let seed = first; seed <= last; seed += 1) {
        await simulate(scheduleOf(seed)).catch((error: unknown) => {
          failures.push(`${replayOf(scheduleOf(seed))}\n${error instanceof Error ? error.stack : error}`);
        });
      }
      assert.equal(failures.length, 0, failures.join('\n'));
    });
  }

  it('are the same each time for the same seed', async () => {
    assert.deepEqual(scheduleOf(4711), scheduleOf(4711));
    assert.deepEqual(await simulate(scheduleOf(5)), await simulate(scheduleOf(5)));
  });
});
