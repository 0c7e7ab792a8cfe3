import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Semaphore } from '../../src/store/disk/semaphore.ts';
import { Chance } from '../faults/chance.ts';
import { never } from '../support/never.ts';

const turn = () => new Promise(setImmediate);

describe('a semaphore', () => {
  test('lets in as many as it is wide, then in order of coming, and urgent ones before all others', async () => {
    const semaphore = new Semaphore(2);
    const inside: string[] = [];
    const leaves = new Map<string, () => void>();
    const come = (name: string, isUrgent = false) =>
      semaphore.acquire(never, isUrgent).then((leave) => {
        inside.push(name);
        leaves.set(name, leave);
      });
    for (const name of ['a', 'b', 'c', 'd']) void come(name);
    void come('first', true);
    void come('second', true);
    await turn();
    assert.deepEqual(inside, ['a', 'b']);
    for (const name of ['b', 'a', 'first', 'second', 'c', 'd']) {
      leaves.get(name)?.();
      await turn();
    }
    assert.deepEqual(inside, ['a', 'b', 'first', 'second', 'c', 'd']);
    assert.notEqual(semaphore.acquireNow(), null);
  });

  test('runs a job that fails, and goes on', async () => {
    const semaphore = new Semaphore(1);
    const failed = semaphore.run(async () => {
      throw new Error('broken');
    });
    const next = semaphore.run(async () => 'done');
    await assert.rejects(failed, { message: 'broken' });
    assert.equal(await next, 'done');
  });

  test('never has more inside than it is wide, and none waits beside a free place', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const chance = new Chance(seed);
      const width = chance.between(1, 3);
      const semaphore = new Semaphore(width);
      const inside = new Set<() => void>();
      const waiting = new Set<AbortController>();
      for (let step = 0; step < 60; step += 1) {
        for (let move = chance.between(1, 3); move > 0; move -= 1) {
          const what = chance.between(0, 2);
          const [leave] = inside;
          const [one] = waiting;
          if (what === 0) {
            const gone = new AbortController();
            waiting.add(gone);
            semaphore
              .acquire(gone.signal, chance.is(0.3))
              .then(
                (left) => inside.add(left),
                () => {},
              )
              .finally(() => waiting.delete(gone));
          } else if (what === 1 && leave !== undefined) {
            inside.delete(leave);
            leave();
          } else one?.abort();
        }
        await turn();
        assert.ok(inside.size <= width, `seed ${seed}`);
        assert.ok(waiting.size === 0 || inside.size === width, `seed ${seed}`);
      }
    }
  });
});
