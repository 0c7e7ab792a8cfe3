import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conversationOf, converse } from './conversation.ts';

/** `npm run converse` plays 10,000 of them. */
const seeds = 300;
const atOnce = 50;

describe('conversations with origins as they are', () => {
  for (let first = 1; first <= seeds; first += atOnce) {
    const last = first + atOnce - 1;
    it(`${first} to ${last}: what is right directly is right through firstbyte`, async () => {
      const failures: string[] = [];
      for (let seed = first; seed <= last; seed += 1) {
        await converse(conversationOf(seed)).catch((error: unknown) => {
          failures.push(`npm run converse -- --seed ${seed}\n${error instanceof Error ? error.message : error}`);
        });
      }
      assert.equal(failures.length, 0, failures.join('\n'));
    });
  }

  it('are the same each time for the same seed', () => assert.deepEqual(conversationOf(4711), conversationOf(4711)));
});
