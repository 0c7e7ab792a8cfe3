import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldOnDisk } from '../../src/store/disk/held-on-disk.ts';
import type { UseRow } from '../../src/store/disk/index/rows.ts';
import { UseTimes } from '../../src/store/disk/use-times.ts';
import { StoreError } from '../../src/store/store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function used(name: string): HeldOnDisk {
  const held = new HeldOnDisk({ name, generation: 'g', label: { origin: 'films', path: `/${name}` } }, null, false, 7);
  held.segment(0, 5);
  return held;
}

function stage() {
  const clock = new VirtualClock();
  const saved: UseRow[][] = [];
  const index = {
    failure: null as StoreError | null,
    async use(rows: readonly UseRow[]) {
      if (index.failure !== null) throw index.failure;
      saved.push([...rows]);
    },
  };
  return { clock, saved, index, uses: new UseTimes(clock, index) };
}

test('the last use of each object is saved once a minute, of all together', async () => {
  const { clock, saved, uses } = stage();
  const film = used('film');
  uses.note(film);
  film.watch(0, { now: () => 0, wallTime: () => 20_000 });
  uses.note(film);
  uses.note(used('poster'));
  await clock.advance(59_999);
  assert.deepEqual(saved, []);
  await clock.advance(1);
  assert.deepEqual(saved, [
    [
      { name: 'film', generation: 'g', used: 20_000, segments: [[0, 20_000]] },
      { name: 'poster', generation: 'g', used: 7, segments: [[0, 5]] },
    ],
  ]);
  await clock.advance(600_000);
  assert.deepEqual([saved.length, clock.pending], [1, 0]);
});

test('of thousands so many are saved at once that nobody waits for it', async () => {
  const { saved, uses } = stage();
  for (let number = 0; number < 1200; number += 1) uses.note(used(String(number)));
  await uses.save();
  assert.deepEqual(
    saved.map(({ length }) => length),
    [500, 500, 200],
  );
});

test('what was removed is not saved, and trouble with the medium is none of its own', async () => {
  const { clock, saved, index, uses } = stage();
  const gone = used('gone');
  gone.detached = true;
  uses.note(gone);
  await uses.save();
  index.failure = new StoreError('ENOSPC', 'full');
  uses.note(used('film'));
  await uses.save();
  uses.stop();
  uses.note(used('film'));
  await clock.advance(600_000);
  assert.deepEqual(saved, []);
});
