import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backlog } from '../../src/store/disk/backlog.ts';
import { StoreError } from '../../src/store/store.ts';

test('there is room until there is too much, and again when some is gone', async () => {
  const backlog = new Backlog(100);
  backlog.add(100);
  assert.equal(backlog.room === undefined, true);
  backlog.add(50);
  const { room } = backlog;
  assert.notEqual(room, undefined);
  assert.equal(backlog.room, room);
  backlog.add(-50);
  await room;
  assert.equal(backlog.room === undefined, true);
});

test('where the disk has failed nobody goes on waiting, and the next one waits anew', async () => {
  const backlog = new Backlog(100);
  backlog.add(150);
  const { room } = backlog;
  backlog.fail(new StoreError('EIO', 'broken'));
  await assert.rejects(async () => room, { code: 'EIO' });
  const next = backlog.room;
  backlog.add(-50);
  await next;
});
