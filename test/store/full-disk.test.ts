import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { StoreError } from '../../src/store/store.ts';
import {
  assertContent,
  contentAt,
  label,
  objectName,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { diskTurns, keepWhole, listener, openDiskStore, temporaryDirectory } from './disk-directory.ts';

const mebibyte = 1024 * 1024;

/** Mounts a file system of so many mebibytes there; false where this user may not. */
function mountMemory(directory: string, mebibytes = 4): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'tmpfs', directory], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

test('a full disk refuses writes, loses nothing that was accepted, and has room again after a removal', async (t) => {
  const directory = await temporaryDirectory(t);
  if (!mountMemory(directory)) return t.skip('needs the right to mount a tmpfs');
  try {
    await fillAndRemove(directory);
  } finally {
    execFileSync('umount', ['--lazy', directory]);
  }
});

async function fillAndRemove(directory: string): Promise<void> {
  const events = listener();
  const clock = new VirtualClock();
  const store = await openDiskStore(directory, { events, clock });
  const object = await store.create(objectName('film'), representationOf(20 * mebibyte), label, unheard);
  // Somebody watches it from the beginning, so that nothing of it may go.
  object.attend?.([0]);
  await writeContent(object, { start: 0, end: mebibyte });
  await object.commit();

  let accepted = mebibyte;
  const full = async () => {
    for (; accepted < 20 * mebibyte; accepted += 65_536) {
      await object.write(accepted, contentAt(accepted, accepted + 65_536));
    }
  };
  await assert.rejects(full, { name: 'StoreError', code: 'ENOSPC' });
  assert.ok(accepted > mebibyte);
  await assertContent(object, { start: 0, end: accepted });
  await assert.rejects(async () => object.write(18 * mebibyte, contentAt(0, mebibyte)), { code: 'ENOSPC' });
  assert.deepEqual(events.told, ['passing ENOSPC']);
  await object.close();
  const found = await store.find(objectName('film'), unheard);
  assert.ok(found);
  assert.ok(found.durable[0] !== undefined && found.durable[0].end >= mebibyte);
  for (const range of found.durable) await assertContent(found, range);
  await store.remove(objectName('film'));
  await found.close();
  assert.equal(await store.find(objectName('film'), unheard), null);

  // Where the index had no room either, the disk is tried again first.
  while (store.usage().trouble !== null) {
    await clock.advance(1000);
    await diskTurns();
  }
  const next = await store.create(objectName('next'), representationOf(mebibyte), label, unheard);
  await writeContent(next, { start: 0, end: mebibyte });
  await next.commit();
  assert.deepEqual((await store.find(objectName('next'), unheard))?.durable, [{ start: 0, end: mebibyte }]);
  await store.close();
}

test('a full disk can be given room by removing an object that nobody has open', async (t) => {
  const directory = await temporaryDirectory(t);
  if (!mountMemory(directory)) return t.skip('needs the right to mount a tmpfs');
  try {
    const clock = new VirtualClock();
    const store = await openDiskStore(directory, { clock });
    await keepWhole(store, objectName('old'), mebibyte);
    const film = await store.create(objectName('film'), representationOf(null), label, unheard);
    await assert.rejects(() => writeContent(film, { start: 0, end: 20 * mebibyte }), { code: 'ENOSPC' });
    await store.remove(objectName('old'));
    assert.equal(await store.find(objectName('old'), unheard), null);
    // The room is there as soon as the file system has given it back.
    for (let attempt = 1; ; attempt += 1) {
      const name = objectName(`next ${attempt}`);
      const next = await store.create(name, representationOf(mebibyte / 2), label, unheard);
      try {
        await writeContent(next, { start: 0, end: mebibyte / 2 });
        await next.close();
        assert.deepEqual((await store.find(name, unheard))?.durable, [{ start: 0, end: mebibyte / 2 }]);
        break;
      } catch (error) {
        if (!(error instanceof StoreError) || attempt === 1000) throw error;
        await next.close();
        await store.remove(name);
        await clock.advance(1000);
        await diskTurns();
      }
    }
    await store.close();
  } finally {
    execFileSync('umount', ['--lazy', directory]);
  }
});

/** How many bytes less are free after another file of a mebibyte, when an object is stored at once, and a second later. */
async function othersStore(directory: string): Promise<{ atOnce: number; inTime: number }> {
  const clock = new VirtualClock();
  const store = await openDiskStore(directory, { clock });
  const freeAfter = async (name: string) => {
    const object = await store.create(objectName(name), representationOf(65_536), label, unheard);
    await writeContent(object, { start: 0, end: 65_536 });
    await object.commit();
    await object.close();
    return store.usage().free ?? 0;
  };
  const before = await freeAfter('first');
  await writeFile(join(directory, 'another'), Buffer.alloc(mebibyte));
  const atOnce = before - (await freeAfter('second'));
  await clock.advance(1000);
  const inTime = before - (await freeAfter('third'));
  await store.close();
  return { atOnce, inTime };
}

for (const [mebibytes, how] of [
  [4, 'at once where there is little room'],
  [4096, 'within a second where there is much'],
] as const) {
  test(`what others store is noticed when rows are saved, ${how}`, async (t) => {
    const directory = await temporaryDirectory(t);
    if (!mountMemory(directory, mebibytes)) return t.skip('needs the right to mount a tmpfs');
    try {
      const { atOnce, inTime } = await othersStore(directory);
      if (mebibytes === 4) assert.ok(atOnce > mebibyte);
      else assert.equal(atOnce, 65_536);
      assert.ok(inTime > mebibyte);
    } finally {
      execFileSync('umount', ['--lazy', directory]);
    }
  });
}
