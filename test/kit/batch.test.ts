import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Batch } from '../../src/kit/batch.ts';

function stage(fails: (all: readonly number[]) => boolean = () => false) {
  const taken: number[][] = [];
  const errors: unknown[] = [];
  const take = (all: Iterable<number>) => {
    taken.push([...all]);
    if (fails([...all])) throw new Error('it broke');
  };
  return { taken, errors, batch: new Batch<number>(take, (error) => errors.push(error)) };
}

describe('what comes in one go', () => {
  it('is taken together, each once, and not before whoever adds is done', async () => {
    const { taken, batch } = stage();
    for (const one of [3, 1, 3, 2]) batch.add(one);
    assert.deepEqual(taken, []);
    await null;
    assert.deepEqual(taken, [[3, 1, 2]]);
  });

  it('is taken with what is added by others who go on in the same moment', async () => {
    const { taken, batch } = stage();
    const woken = Promise.resolve();
    await Promise.all([1, 2, 3].map((one) => woken.then(() => batch.add(one))));
    await null;
    assert.deepEqual(taken, [[1, 2, 3]]);
  });

  it('is followed by another, also where that comes while the first is taken', async () => {
    const taken: number[][] = [];
    const batch = new Batch<number>(
      (all) => {
        taken.push([...all]);
        if (taken.length === 1) batch.add(2);
      },
      () => {},
    );
    batch.add(1);
    await null;
    await null;
    assert.deepEqual(taken, [[1], [2]]);
  });

  it('is told where it breaks, and the next is taken as if it had not', async () => {
    const { taken, errors, batch } = stage(([first]) => first === 1);
    batch.add(1);
    await null;
    batch.add(2);
    await null;
    assert.deepEqual(taken, [[1], [2]]);
    assert.equal(errors.length, 1);
  });
});
