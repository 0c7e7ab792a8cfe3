import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockIndex } from '../../src/store/disk/block-index.ts';
import { ClosedObjects, type Description } from '../../src/store/disk/closed-objects.ts';
import { HeldOnDisk } from '../../src/store/disk/held-on-disk.ts';
import { representationOf } from '../../src/testing/content.ts';

const kibibyte = 1024;

function closedObject(name: string, blocks = 1): [HeldOnDisk, Description] {
  const held = new HeldOnDisk({ name, generation: 'g', label: { origin: 'films', path: `/${name}` } }, null, false, 0);
  const index = new BlockIndex({ blockSize: 1, segmentSize: blocks }, blocks, []);
  index.mark(0, 0);
  return [held, { representation: representationOf(blocks), blocks: index }];
}

test('what was closed last is known as long as there is room, and is its opener’s then', () => {
  const closed = new ClosedObjects(5 * kibibyte);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => closedObject(name));
  for (const one of [a, b, c]) if (one !== undefined) closed.keep(...one);
  assert.ok(a && b && c && d);
  assert.equal(closed.take(a[0]), a[1]);
  assert.equal(closed.take(a[0]), null);
  closed.keep(...a);
  closed.keep(...d);
  assert.deepEqual(
    [a, b, c, d].map(([held]) => closed.take(held) !== null),
    [true, false, true, true],
  );
});

test('an object of many blocks takes the room of many', () => {
  const closed = new ClosedObjects(50 * kibibyte);
  const small = closedObject('small');
  closed.keep(...small);
  const film = closedObject('film', 3 * kibibyte);
  closed.keep(...film);
  assert.equal(closed.take(small[0]), null);
  assert.equal(closed.take(film[0]), film[1]);
});
