/** Room on the disk: what goes, and when others may be written for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';
import { Capacity } from '../../src/store/capacity.ts';
import { Background } from '../../src/store/disk/background.ts';
import { HeldOnDisk } from '../../src/store/disk/held-on-disk.ts';
import { Space } from '../../src/store/disk/space.ts';
import { Inventory } from '../../src/store/inventory.ts';
import { label, objectName } from '../../src/testing/content.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { listener } from './disk-directory.ts';

const segmentSize = 1000;

/** A space that is full of one object of four segments, whose row and files go when the test says so. */
function fullSpace(clock: Clock = new VirtualClock()) {
  const inventory = new Inventory<HeldOnDisk>();
  const capacity = new Capacity<HeldOnDisk>({ clock, segmentSize, inventory, onFullChange() {} });
  const held = (title: string, length: number) =>
    new HeldOnDisk({ name: objectName(title), generation: '0'.repeat(16), label }, length, false, 0);
  const film = held('film', 4 * segmentSize);
  for (const number of [0, 1, 2, 3]) film.segment(number, 0).bytes = segmentSize;
  capacity.admit(film);
  capacity.limit = 4 * segmentSize;
  const other = held('other', 4 * segmentSize);
  capacity.admit(other);
  const gone = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  const space = new Space({
    clock,
    limits: {},
    directory: { path: '/', pathOf: (key) => `/${key}` },
    index: { async drop() {} },
    files: { remove: (path) => gone[Number(path.at(-1))]?.promise ?? Promise.resolve() },
    capacity,
    health: { trouble: null, want() {} },
    closed: { take: () => null },
    removal: { removeUnused: async () => true },
    background: new Background(listener()),
    events: listener(),
  });
  return { space, film, other, gone };
}

/** Whether it has ended by the time when everything has that waits for nobody. */
async function hasEnded(work: Promise<void> | null): Promise<boolean> {
  let ended = work === null;
  work?.then(() => {
    ended = true;
  });
  await setImmediate();
  return ended;
}

test('bytes wait until what goes for them has gone, and for nothing that goes for later ones', async () => {
  const { space, other, gone } = fullSpace();
  space.admit(other, { start: 0, end: 900 });
  const first = space.evicting;
  assert.equal(await hasEnded(first), false);
  space.admit(other, { start: 900, end: 1800 });
  const second = space.evicting;
  gone[3]?.resolve();
  assert.equal(await hasEnded(first), true);
  assert.equal(await hasEnded(second), false);
  gone[2]?.resolve();
  assert.equal(await hasEnded(second), true);
  assert.equal(space.evicting, null);
});

test('what was watched before the clock was set back is not watched for ever', async () => {
  const virtual = new VirtualClock();
  const wall = { back: 0 };
  const clock: Clock = {
    now: () => virtual.now(),
    wallTime: () => virtual.wallTime() - wall.back,
    after: (delay, wake) => virtual.after(delay, wake),
  };
  const { space, film, other } = fullSpace(clock);
  for (const number of [0, 1, 2, 3]) film.watch(number, clock);
  wall.back = 365 * 86_400_000;
  assert.throws(() => space.admit(other, { start: 0, end: 900 }), { code: 'FULL' });
  await virtual.advance(600_001);
  space.admit(other, { start: 0, end: 900 });
});
