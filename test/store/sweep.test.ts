/** What runs beside everything else after a store was opened, and what must not wait for it or be undone by it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  assertContent,
  contentAt,
  label,
  objectName,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
import { never } from '../support/never.ts';
import { diskTurns, keepWhole, listener, openDiskStore, type Told, temporaryDirectory } from './disk-directory.ts';

const mebibyte = 1024 * 1024;
const layout = { blockSize: 16 * 1024, segmentSize: mebibyte };

/** Its directory comes before all others. */
const first = '0'.repeat(64);

/** A directory, and what mounts a file system of eight mebibytes in it; that says `false` where this user may not. */
async function mountable(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-disk-'));
  const mounted: string[] = [];
  t.after(async () => {
    for (const path of mounted) execFileSync('umount', ['--lazy', path]);
    await rm(directory, { recursive: true });
  });
  const mount = (path: string) => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', path], { stdio: 'ignore' });
    } catch {
      t.skip('needs the right to mount a tmpfs');
      return false;
    }
    mounted.push(path);
    return true;
  };
  return { directory, mount };
}

/** The family of directories that comes last, with so many that no row names: the sweep takes long for them. */
async function leaveStrays(directory: string, count: number): Promise<string> {
  const family = join(directory, 'objects', 'ff');
  for (let number = 0; number < count; number += 1) {
    await mkdir(join(family, `${'f'.repeat(64)}.${number.toString(16).padStart(16, '0')}`), { recursive: true });
  }
  return family;
}

test('what is stored while the sweep goes on stays, though its files were not there at first', async (t) => {
  // In memory: what is stored is synced before the sweep is over, however busy the disk is.
  const directory = await temporaryDirectory(t, existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
  const length = 2 * layout.blockSize;
  const before = await openDiskStore(directory, layout);
  await keepWhole(before, first, length);
  await before.close();
  await rm(join(directory, 'objects', '00'), { recursive: true });
  const family = await leaveStrays(directory, 1000);
  const store = await openDiskStore(directory, layout);
  while ((await readdir(family)).length === 1000) await setImmediate();
  let found = await store.find(first, unheard);
  for (let start = 0; found !== null && start < length; start += layout.blockSize) {
    const range = { start, end: start + layout.blockSize };
    await assert.rejects(async () => found?.read(range, never), { code: 'ENOENT' });
    void found.write(start, contentAt(start, range.end));
  }
  await found?.close();
  assert.notEqual((await readdir(family)).length, 0, 'the sweep goes on');
  while ((await readdir(family)).length > 0) await diskTurns();
  await diskTurns();
  found = await store.find(first, unheard);
  assert.deepEqual(found?.durable, [{ start: 0, end: length }]);
  assert.equal(store.usage().bytes, length);
  await found?.close();
  await store.close();
});

test('a directory that can not be removed keeps the sweep from no other', async (t) => {
  const { directory, mount } = await mountable(t);
  const before = await openDiskStore(directory, layout);
  for (const name of ['film', 'gone']) await keepWhole(before, objectName(name), mebibyte);
  await before.close();
  const stray = join(directory, 'objects', '00', `${first}.${'0'.repeat(16)}`);
  await mkdir(stray, { recursive: true });
  if (!mount(stray)) return;
  const entries = await readdir(join(directory, 'objects'), { recursive: true });
  await rm(join(directory, 'objects', entries.find((name) => name.includes(`/${objectName('gone')}.`)) ?? ''), {
    recursive: true,
  });
  const events: Told = listener();
  const store = await openDiskStore(directory, { ...layout, events });
  for (let turn = 0; turn < 100 && store.usage().bytes > mebibyte; turn += 1) await diskTurns();
  assert.equal(store.usage().bytes, mebibyte);
  assert.deepEqual(events.told, ['leftover EBUSY']);
  await store.close();
});

test('who finds the disk full does not wait for the sweep', async (t) => {
  const { directory, mount } = await mountable(t);
  if (!mount(directory)) return;
  const cache = join(directory, 'cache');
  const before = await openDiskStore(cache, layout);
  await keepWhole(before, first, 4 * mebibyte);
  await before.close();
  const family = await leaveStrays(cache, 400);
  await writeFile(join(directory, 'ballast'), Buffer.alloc(8 * mebibyte)).catch(() => {});
  await rm(join(directory, 'ballast'));
  const store = await openDiskStore(cache, layout);
  await writeFile(join(directory, 'ballast'), Buffer.alloc(8 * mebibyte)).catch(() => {});
  const film = await store.create(objectName('film'), representationOf(mebibyte), label, unheard);
  await writeContent(film, { start: 0, end: mebibyte });
  await film.commit();
  assert.notEqual((await readdir(family)).length, 0, 'the sweep goes on');
  await assertContent(film, { start: 0, end: mebibyte });
  await store.close();
});
