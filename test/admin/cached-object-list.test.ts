import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachedObjectList } from '../../src/admin/cached-object-list.ts';
import { EventBus } from '../../src/events.ts';
import type { Store, StoredObject } from '../../src/store/store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** A list of some objects, and how often their store was asked for one. */
function listOf(...names: readonly string[]) {
  const stored = new Map(names.map((name) => [name, { name, pinned: false } as StoredObject]));
  let lists = 0;
  async function* list() {
    lists += 1;
    yield* [...stored.values()];
  }
  const objects = new CachedObjectList({ list } as unknown as Store, new EventBus(), new VirtualClock());
  const shown = async () => Array.from((await objects.objects()).values(), ({ name, pinned }) => [name, pinned]);
  return { stored, objects, shown, lists: () => lists };
}

test('what is done with one object after the other is shown, and costs no other list', async () => {
  const { objects, shown, lists } = listOf('a', 'b', 'c');
  assert.equal((await shown()).length, 3);
  await objects.changedOne('a', (object) => ({ ...object, pinned: true }));
  await objects.changedOne('b', () => null);
  assert.deepEqual(await shown(), [
    ['a', true],
    ['c', false],
  ]);
  assert.equal(lists(), 1);
});

test('what is done while the objects are listed is shown, too', async () => {
  const { objects, shown } = listOf('a', 'b');
  const before = objects.objects();
  await objects.changedOne('a', () => null);
  await before;
  assert.deepEqual(await shown(), [['b', false]]);
});

test('what is done with an object that no list has seen yet makes for another list', async () => {
  const { stored, objects, shown } = listOf('a');
  await shown();
  const late = { name: 'late', pinned: true } as StoredObject;
  stored.set('late', late);
  await objects.changedOne('late', () => assert.fail('it is not known'));
  assert.deepEqual(await shown(), [
    ['a', false],
    ['late', true],
  ]);
});
