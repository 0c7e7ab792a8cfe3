import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DiskStore } from '../../src/store/disk/disk-store.ts';
import type { StoreObject } from '../../src/store/store.ts';
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
import { keepWhole, listener, openDiskStore, type Told, temporaryDirectory } from './disk-directory.ts';

const mebibyte = 1024 * 1024;
const layout = { blockSize: 16 * 1024, segmentSize: mebibyte };

/** Lets `clock` run for so many milliseconds, and the disk as long as it takes, until `isSo`; fails where it never is. */
async function soon(clock: VirtualClock, within: number, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += 100) {
    assert.ok(waited < 400 * within, `not within ${within} ms: ${isSo}`);
    if (waited < within) await clock.advance(100);
    // The disk has its own time.
    for (let turn = 0; turn < 400; turn += 1) await stat(tmpdir());
  }
}

function takes(object: StoreObject, offset: number): boolean {
  try {
    void object.write(offset, contentAt(offset, offset + 1000));
    return true;
  } catch {
    return false;
  }
}

async function filmIn(store: DiskStore, length: number): Promise<StoreObject> {
  const object = await store.create(objectName('film'), representationOf(length), label, unheard);
  await writeContent(object, { start: 0, end: mebibyte });
  await object.commit();
  return object;
}

/** A file system of eight mebibytes; `null` where this user may not mount one. */
async function smallDisk(t: TestContext): Promise<string | null> {
  const mounted = await mkdtemp(join(tmpdir(), 'firstbyte-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', mounted], { stdio: 'ignore' });
  } catch {
    t.skip('needs the right to mount a tmpfs');
    return null;
  }
  t.after(async () => {
    execFileSync('umount', ['--lazy', mounted]);
    await rm(mounted, { recursive: true });
  });
  return mounted;
}

test('a full disk is stored on again within 5 s of having room', async (t) => {
  const directory = await smallDisk(t);
  if (directory === null) return;
  const clock = new VirtualClock();
  const events: Told = listener();
  const store = await openDiskStore(join(directory, 'cache'), { ...layout, clock, events });
  const object = await filmIn(store, 4 * mebibyte);
  object.attend?.([0, mebibyte, 2 * mebibyte, 3 * mebibyte]);
  const ballast = join(directory, 'ballast');
  await writeFile(ballast, Buffer.alloc(8 * mebibyte)).catch(() => {});
  let end = mebibyte;
  const other = () => {
    for (; end < 3 * mebibyte && takes(object, end); end += 1000);
  };
  other();
  await object.commit();
  assert.match(events.told[0] ?? '', /^passing ENOSPC/);
  await assertContent(object, { start: 0, end });
  await rm(ballast);
  await soon(clock, 5000, () => takes(object, end));
  await writeContent(object, { start: end + 1000, end: 4 * mebibyte });
  await soon(clock, 2000, async () => {
    await object.commit();
    return object.durable[0]?.end === 4 * mebibyte;
  });
  assert.equal(store.usage().trouble, null);
  assert.equal(events.told.at(-1), 'storing');
  await object.close();
  await store.close();
});

test('what nobody watches is evicted before a full disk is given up', async (t) => {
  const directory = await smallDisk(t);
  if (directory === null) return;
  const events: Told = listener();
  const store = await openDiskStore(join(directory, 'cache'), { ...layout, events });
  await keepWhole(store, objectName('old'), 4 * mebibyte);
  // More than is left: the file system itself says no, before anybody has looked.
  await writeFile(join(directory, 'ballast'), Buffer.alloc(3 * mebibyte));
  const film = await store.create(objectName('film'), representationOf(3 * mebibyte), label, unheard);
  film.attend?.([0]);
  for (let start = 0; start < 3 * mebibyte; start += 100_000) {
    film.attend?.([start]);
    await film.write(start, contentAt(start, Math.min(start + 100_000, 3 * mebibyte)));
  }
  await film.commit();
  assert.deepEqual(film.durable, [{ start: 0, end: 3 * mebibyte }]);
  assert.ok(events.told.length > 0);
  assert.ok(
    events.told.every((what) => what.startsWith('evicted /film.mp4 free')),
    events.told.join(),
  );
  await assertContent(film, { start: 0, end: 3 * mebibyte });
  await store.close();
});

test('those who find the disk full at the same time evict together what they need, and no more', async (t) => {
  const directory = await smallDisk(t);
  if (directory === null) return;
  const events: Told = listener();
  const store = await openDiskStore(join(directory, 'cache'), { ...layout, events });
  await keepWhole(store, objectName('old'), 4 * mebibyte);
  const posters = await Promise.all(
    Array.from({ length: 20 }, (_, count) =>
      store.create(objectName(`${count}`), representationOf(40_000), label, unheard),
    ),
  );
  await writeFile(join(directory, 'ballast'), Buffer.alloc(8 * mebibyte)).catch(() => {});
  for (const poster of posters) void poster.write(0, contentAt(0, 40_000));
  await Promise.all(posters.map((poster) => poster.commit()));
  for (const poster of posters) assert.deepEqual(poster.durable, [{ start: 0, end: 40_000 }]);
  assert.deepEqual(events.told, ['evicted /film.mp4 free 1048576']);
  await Promise.all(posters.map((poster) => poster.close()));
  await store.close();
});

test('a row that can not be changed on a full disk is no trouble of its own', async (t) => {
  const directory = await smallDisk(t);
  if (directory === null) return;
  const cache = join(directory, 'cache');
  const events: Told = listener();
  const store = await openDiskStore(cache, { ...layout, events });
  await keepWhole(store, objectName('old'), 3 * mebibyte);
  // Somebody reads the old files for as long as this lasts: to unlink them gives nothing back.
  const names = await readdir(join(cache, 'objects'), { recursive: true, withFileTypes: true });
  const held = await Promise.all(
    names.filter((name) => name.isFile()).map((name) => open(join(name.parentPath, name.name))),
  );
  assert.equal(held.length, 3);
  const film = await store.create(objectName('film'), representationOf(2 * mebibyte), label, unheard);
  await writeFile(join(directory, 'ballast'), Buffer.alloc(8 * mebibyte)).catch(() => {});
  film.write(0, contentAt(0, 2 * mebibyte))?.catch(() => {});
  await film.commit();
  const evictions = events.told.filter((what) => what.startsWith('evicted /film.mp4 free'));
  assert.deepEqual([evictions.length, events.told.length], [3, 4], events.told.join());
  assert.match(events.told[3] ?? '', /^passing ENOSPC/);
  await film.close();
  await store.close();
  for (const file of held) await file.close();
});

test('a cache directory that was removed is made anew, and what was lost is said', async (t) => {
  const directory = join(await temporaryDirectory(t), 'cache');
  const clock = new VirtualClock();
  const events: Told = listener();
  const store = await openDiskStore(directory, { ...layout, clock, events });
  await store.describeOwner({ control: 'http://127.0.0.1:1/-/', token: 'secret' });
  const lost: number[] = [];
  const length = 4 * mebibyte;
  const object = await store.create(objectName('film'), representationOf(length), label, ({ start }) =>
    lost.push(start),
  );
  await writeContent(object, { start: 0, end: mebibyte });
  await object.commit();
  await rm(directory, { recursive: true });
  await writeContent(object, { start: mebibyte, end: mebibyte + 100_000 });
  await soon(clock, 5000, () => events.told.at(-1) === 'storing');
  assert.deepEqual(events.told, ['passing ENOENT', 'storing']);
  assert.equal(lost[0], 0);
  await writeContent(object, { start: 0, end: mebibyte });
  await writeContent(object, { start: mebibyte + 100_000, end: length });
  await object.commit();
  assert.deepEqual(object.durable, [{ start: 0, end: length }]);
  await object.close();
  await assert.rejects(openDiskStore(directory), { code: 'EBUSY', message: new RegExp(`process ${process.pid}\\.`) });
  await store.close();
  const again = await openDiskStore(directory, layout);
  const found = await again.find(objectName('film'), unheard);
  assert.deepEqual(found?.durable, [{ start: 0, end: length }]);
  if (found !== null) await assertContent(found, { start: 0, end: length });
  await again.close();
});

test('segment files that no row names are swept, and rows without files are dropped', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory);
  const objects = await readdir(join(directory, 'objects'), { recursive: true });
  const path = join(directory, 'objects', objects.find((name) => /\.[0-9a-f]{16}$/.test(name)) ?? '');
  await writeFile(join(path, '7'), 'nobody named this');
  await rm(join(path, '1'));
  const store = await openDiskStore(directory, layout);
  await soon(
    new VirtualClock(),
    5000,
    async () => !(await readdir(path)).includes('7') && store.usage().bytes < 3 * mebibyte,
  );
  assert.equal(store.usage().bytes, 2 * mebibyte);
  const found = await store.find(objectName('film'), unheard);
  assert.deepEqual(found?.durable, [
    { start: 0, end: mebibyte },
    { start: 2 * mebibyte, end: 3 * mebibyte },
  ]);
  await store.close();
});

test('nothing is evicted at the start before the file system has said what is really there', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory);
  const files = await readdir(join(directory, 'objects'), { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    // As long as before, and without a block of its own.
    await truncate(join(file.parentPath, file.name), 0);
    await truncate(join(file.parentPath, file.name), mebibyte);
  }
  const events: Told = listener();
  const store = await openDiskStore(directory, { ...layout, maxSize: { bytes: 2 * mebibyte }, events });
  // A commit before that is no reason either.
  const found = await store.find(objectName('film'), unheard);
  await found?.close();
  await soon(new VirtualClock(), 5000, () => store.usage().bytes < mebibyte);
  assert.equal(store.usage().bytes, 0);
  assert.deepEqual(events.told, []);
  await store.close();
});

test('sizes are those of the file system, also where a block is only partly there', async (t) => {
  const directory = await temporaryDirectory(t);
  const store = await openDiskStore(directory, layout);
  const object = await store.create(objectName('film'), representationOf(3 * mebibyte), label, unheard);
  await writeContent(object, { start: 500_000, end: 2_000_001 });
  await object.commit();
  const objects = await readdir(join(directory, 'objects'), { recursive: true, withFileTypes: true });
  let real = 0;
  for (const entry of objects) {
    if (entry.isFile()) real += (await stat(join(entry.parentPath, entry.name))).blocks * 512;
  }
  assert.equal(store.usage().bytes, real);
  await store.close();
});

test('what nobody has used for too long goes: at the start, and while it runs', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const maxAge = 3_600_000;
  const first = await openDiskStore(directory, { ...layout, clock });
  await (await filmIn(first, mebibyte)).close();
  await first.close();
  await clock.advance(maxAge / 2);
  const events: Told = listener();
  const store = await openDiskStore(directory, { ...layout, clock, maxAge, events });
  const film = await store.find(objectName('film'), unheard);
  assert.ok(film !== null);
  await film.close();
  await clock.advance(maxAge - 60_000);
  assert.deepEqual(events.told, []);
  await clock.advance(maxAge);
  await soon(clock, 1000, () => events.told.length > 0);
  assert.deepEqual(events.told, [`evicted /film.mp4 age ${mebibyte}`]);
  assert.equal(await store.find(objectName('film'), unheard), null);
  await soon(clock, 1000, () => store.usage().bytes === 0);
  await store.close();
});

/** A film of 3 MiB in a store that is closed again. */
async function storeFilm(directory: string): Promise<void> {
  const store = await openDiskStore(directory, layout);
  await keepWhole(store, objectName('film'), 3 * mebibyte);
  await store.close();
}
