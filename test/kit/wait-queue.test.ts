import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WaitQueue } from '../../src/kit/wait-queue.ts';
import { never } from '../support/never.ts';

describe('a queue of those who wait', () => {
  it('serves in order of coming, and as long as there is something to give', async () => {
    const queue = new WaitQueue<string, number>();
    const waits = [1, 2, 3].map((about) => queue.wait(about, never));
    queue.serve((about) => (about < 3 ? `given to ${about}` : null));
    assert.deepEqual(await Promise.all(waits.slice(0, 2)), ['given to 1', 'given to 2']);
    assert.equal(queue.size, 1);
  });

  it('gives nothing to one that leaves in the same turn', async () => {
    const queue = new WaitQueue<string>();
    const leaves = new AbortController();
    const left = queue.wait(undefined, leaves.signal);
    const stays = queue.wait(undefined, never);
    leaves.abort(new Error('gone'));
    let things = 1;
    queue.serve(() => (things-- > 0 ? 'the only one' : null));
    await assert.rejects(left, /gone/);
    assert.equal(await stays, 'the only one');
  });

  it('takes nobody whose signal has aborted', async () => {
    const queue = new WaitQueue<string>();
    await assert.rejects(queue.wait(undefined, AbortSignal.abort(new Error('gone'))), /gone/);
    assert.equal(queue.size, 0);
  });

  it('keeps what it has given and what still waits apart, whoever comes, leaves and is served', async () => {
    const steps = fc.array(fc.oneof(fc.constant('come'), fc.constant('leave'), fc.constant('serve')), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(steps, fc.infiniteStream(fc.nat()), async (plan, chance) => {
        const queue = new WaitQueue<number, number>();
        const waiting: { about: number; leaving: AbortController }[] = [];
        const given: number[] = [];
        const expected: number[] = [];
        for (const [about, step] of plan.entries()) {
          if (step === 'come') {
            const leaving = new AbortController();
            waiting.push({ about, leaving });
            queue.wait(about, leaving.signal).then(
              (value) => given.push(value),
              () => {},
            );
          } else if (step === 'serve') {
            const first = waiting.shift();
            if (first !== undefined) expected.push(first.about);
            let things = 1;
            queue.serve((next) => (things-- > 0 ? next : null));
          } else if (waiting.length > 0) {
            const [gone] = waiting.splice((chance.next().value ?? 0) % waiting.length, 1);
            gone?.leaving.abort();
            assert.equal(gone && getEventListeners(gone.leaving.signal, 'abort').length, 0);
          }
          assert.equal(queue.size, waiting.length);
        }
        await new Promise(setImmediate);
        assert.deepEqual(given, expected);
      }),
    );
  });
});
