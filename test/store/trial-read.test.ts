import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createBufferPool } from '../../src/store/disk/buffer-pool.ts';
import { DiskReads } from '../../src/store/disk/disk-reads.ts';
import { HeldOnDisk } from '../../src/store/disk/held-on-disk.ts';
import { TrialRead, type TrialReadParts } from '../../src/store/disk/trial-read.ts';
import { StoreError } from '../../src/store/store.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const size = 1024;

/** An object of one segment with so many blocks. */
function held(name: string, blocks: number): HeldOnDisk {
  const made = new HeldOnDisk({ name, generation: 'g', label: { origin: 'films', path: `/${name}` } }, null, false, 0);
  made.segment(0, 0).bytes = blocks * size;
  return made;
}

function stage(parts: Partial<TrialReadParts> = {}, objects = [held('a', 50), held('b', 1)]) {
  const pool = createBufferPool({ size, limit: 2 * size, clock: new VirtualClock() });
  const places: string[] = [];
  const trial = new TrialRead({
    inventory: { all: () => objects },
    index: { find: async () => null },
    directory: { pathOf: (key) => key.slice(0, 1) },
    reads: new DiskReads(pool),
    files: {
      read: async (path, _, position) => {
        places.push(`${path} ${position / size}`);
        return size;
      },
    },
    ...parts,
  });
  return { trial, pool, places, objects };
}

describe('a trial read', () => {
  test('reads something else each time, from every object, and keeps nothing', async () => {
    const { trial, pool, places, objects } = stage();
    for (let turn = 0; turn < 100; turn += 1) await trial.run(never);
    assert.equal(new Set(places.filter((place) => place.startsWith('a/0'))).size, 50);
    assert.equal(new Set(places.filter((place) => place.startsWith('b/0'))).size, 1);
    assert.equal(pool.lent, 0);
    assert.deepEqual(
      objects.map(({ used }) => used),
      [0, 0],
      'it is no use of what it reads',
    );
  });

  test('has nothing to do where nothing is stored', async () => {
    const { trial, places } = stage({}, []);
    await trial.run(never);
    assert.deepEqual(places, []);
  });

  test('says what the medium says, and gives its buffer back', async () => {
    const read = async () => {
      throw new StoreError('EIO', 'broken');
    };
    const { trial, pool } = stage({ files: { read } });
    await assert.rejects(trial.run(never), { code: 'EIO' });
    assert.equal(pool.lent, 0);
  });

  test('finds no fault where what it reads goes meanwhile', async () => {
    const objects = [held('a', 50)];
    const evict = async () => {
      objects[0]?.bySegment.delete(0);
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    };
    const { trial, pool } = stage({ files: { read: evict } }, objects);
    await trial.run(never);
    assert.equal(pool.lent, 0);
  });

  test('waits for memory no longer than it is let', async () => {
    const { trial, pool } = stage();
    await pool.acquire(never);
    await pool.acquire(never);
    const late = new AbortController();
    const read = trial.run(late.signal);
    await new Promise(setImmediate);
    late.abort();
    await assert.rejects(read, { code: 'ENOBUFS' });
    assert.deepEqual([pool.lent, pool.waiting], [2, 0]);
  });

  for (const what of ['find', 'read'] as const) {
    test(`waits for a ${what} that hangs no longer than it is let, and begins no other beside it`, async () => {
      const hanging = Promise.withResolvers<number>();
      let begun = 0;
      const hang = () => {
        begun += 1;
        return hanging.promise;
      };
      const { trial, pool } = stage(
        what === 'find' ? { index: { find: async () => hang().then(() => null) } } : { files: { read: hang } },
      );
      for (let turn = 0; turn < 3; turn += 1) {
        const late = new AbortController();
        const read = trial.run(late.signal);
        await new Promise(setImmediate);
        late.abort();
        await assert.rejects(read, { code: 'ETIMEDOUT' });
        assert.equal(begun, 1);
        assert.equal(pool.lent, what === 'read' ? 1 : 0, 'the system may still write into it');
      }
      hanging.resolve(size);
      await trial.run(never);
      assert.equal(pool.lent, 0);
    });
  }
});
