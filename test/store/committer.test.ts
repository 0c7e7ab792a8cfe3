import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Committer } from '../../src/store/disk/committer.ts';
import { HeldOnDisk, type OpenContent } from '../../src/store/disk/held-on-disk.ts';
import type { ObjectRow } from '../../src/store/disk/index/rows.ts';
import { label, objectName, representationOf } from '../../src/testing/content.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** Something open whose rows are numbered by the time of their last use. */
class Scripted implements OpenContent {
  readonly held = new HeldOnDisk({ name: objectName('film'), generation: 'g', label }, null, false, 0);
  readonly hasUnwritten = false;
  isSaved = false;
  #taken = 0;

  async checkpoint(): Promise<void> {}
  async sync(): Promise<void> {}
  async evict(): Promise<void> {}
  invalidate(): void {}
  saved(): void {}
  notSaved(): void {}

  takeRow(): ObjectRow {
    this.#taken += 1;
    const { name, generation } = this.held;
    const none = new Uint8Array();
    const segment = { number: 0, blocks: none, early: none, sums: none, bytes: 0, used: 0 };
    const fixed = { label, representation: representationOf(null), pinned: false, place: null };
    return { name, generation, ...fixed, used: this.#taken, segments: [segment] };
  }
}

/** A committer over an index that takes the first rows only when there is room: `makeRoom` makes it. */
function stage() {
  const saved: number[][] = [];
  const room = Promise.withResolvers<void>();
  let isFull = true;
  const clock = new VirtualClock();
  const committer = new Committer({
    clock,
    namesEarly: true,
    roomForRows: 1,
    index: { save: async (rows: readonly ObjectRow[]) => void saved.push(rows.map(({ used }) => used)) },
    health: { trouble: null, fail: (error) => assert.fail(error) },
    space: {
      async withRoom(_, work) {
        if (isFull) {
          isFull = false;
          await work();
          saved.pop();
          await room.promise;
        }
        return work();
      },
      async saved() {},
      trim() {},
    },
  });
  return { committer, clock, saved, makeRoom: room.resolve };
}

test('rows that had to wait for room are not saved over later ones', async () => {
  const { committer, clock, saved, makeRoom } = stage();
  const object = new Scripted();
  committer.noteDirty(object);
  await clock.advance(250);
  const committed = committer.commit([object]);
  await clock.advance(1);
  makeRoom();
  await committed;
  assert.deepEqual(saved, [[1], [2]]);
});

test('the row of an object that was removed while it waited for room is not saved', async () => {
  const { committer, clock, saved, makeRoom } = stage();
  const object = new Scripted();
  const other = new Scripted();
  const committed = committer.commit([object, other]);
  await clock.advance(1);
  object.held.detached = true;
  makeRoom();
  await committed;
  assert.deepEqual(saved, [[1]]);
});
