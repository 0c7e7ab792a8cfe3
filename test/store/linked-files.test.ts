/** Files of the cache directory that have another name elsewhere: read, and never written through. */
import assert from 'node:assert/strict';
import { chmod, cp, link, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { lstatIfThere } from '../../src/store/disk/private-files.ts';
import {
  assertContent,
  label,
  objectName,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
import { never } from '../support/never.ts';
import { diskTurns, openDiskStore, temporaryDirectory } from './disk-directory.ts';

const layout = { blockSize: 4096, segmentSize: 16_384 };
const half = 8192;
const length = 40_000;

/** Every file below, by its path, with all that must not change. */
async function contentOf(directory: string): Promise<Record<string, unknown>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const described = files.map(async (path) => {
    const { mode, mtimeMs, size } = await lstat(path);
    return [path, { mode, mtimeMs, size, content: await readFile(path, 'hex') }];
  });
  return Object.fromEntries(await Promise.all(described));
}

/** As `cp -al` does it. */
async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [one, other] = [join(from, entry.name), join(to, entry.name)];
    await (entry.isDirectory() ? linkAll(one, other) : link(one, other));
  }
}

async function storeHalf(directory: string): Promise<void> {
  const store = await openDiskStore(directory, layout);
  const object = await store.create(objectName('film'), representationOf(length), label, unheard);
  await writeContent(object, { start: 0, end: half }, 4096);
  await object.close();
  await store.close();
}

/** Does all that writes: opens, reads, goes on with a film, begins another, pins, tells of the owner, closes. */
async function useAll(directory: string): Promise<void> {
  const store = await openDiskStore(directory, layout);
  await store.describeOwner({ control: 'http://127.0.0.1:1/-/', token: 'secret' });
  const object = await store.find(objectName('film'), unheard);
  assert.ok(object, 'the film is there');
  assert.deepEqual(object.durable, [{ start: 0, end: half }]);
  await assertContent(object, { start: 0, end: half });
  await writeContent(object, { start: half, end: length }, 4096);
  await assertContent(object, { start: 0, end: length });
  await object.commit();
  await store.pin(objectName('film'), true);
  const other = await store.create(objectName('other'), representationOf(10), label, unheard);
  await writeContent(other, { start: 0, end: 10 });
  await object.close();
  await other.close();
  await store.close();
}

async function assertWhole(directory: string): Promise<void> {
  const store = await openDiskStore(directory, layout);
  const object = await store.find(objectName('film'), unheard);
  assert.deepEqual(object?.durable, [{ start: 0, end: length }]);
  await assertContent(object, { start: 0, end: length });
  await object.close();
  await store.close();
}

async function segmentOf(directory: string): Promise<string> {
  const files = await readdir(join(directory, 'objects'), { recursive: true });
  return join(directory, 'objects', files.find((file) => file.endsWith('/0')) ?? '');
}

test('a copy of links (cp -al) stays as it was, and so does every film', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeHalf(directory);
  const backup = join(await temporaryDirectory(t), 'backup');
  await linkAll(directory, backup);
  const before = await contentOf(backup);
  await useAll(directory);
  assert.deepEqual(await contentOf(backup), before);
  await assertWhole(directory);
  await useAll(backup);
  await assertWhole(backup);
  await assertWhole(directory);
});

test('a copy of links that was made of a killed store keeps what was in the log of its index', async (t) => {
  const killed = await temporaryDirectory(t);
  await cp(join(import.meta.dirname, '../fixtures/store-v2'), killed, { recursive: true });
  const directory = join(await temporaryDirectory(t), 'linked');
  await linkAll(killed, directory);
  const before = await contentOf(killed);
  const store = await openDiskStore(directory, layout);
  const object = await store.find(objectName('film'), unheard);
  assert.ok(object);
  await assertContent(object, { start: 0, end: 20_000 });
  await object.close();
  await store.close();
  assert.deepEqual(await contentOf(killed), before);
});

/** Whatever is opened for writing beside the index and the segments. */
const places = [
  ...['index.sqlite-wal', 'index.sqlite-shm', 'index.sqlite-journal'],
  ...['lock', 'lock-journal', 'lock-wal', 'lock-shm', 'owner', 'probe'],
];

/** A file of somebody else's work, of our own user. */
async function foreignFile(t: TestContext, content = 'the diary of somebody\n'): Promise<string> {
  const file = join(await temporaryDirectory(t), 'diary');
  await writeFile(file, content);
  await chmod(file, 0o644);
  return file;
}

describe('a foreign file that is linked into the cache directory', () => {
  for (const kind of ['hard', 'symbolic'] as const) {
    for (const content of ['the diary of somebody\n', '']) {
      const what = content === '' ? 'that is empty' : 'that holds something';
      test(`by a ${kind} link, in place of each that is written, is not changed (one ${what})`, async (t) => {
        const directory = await temporaryDirectory(t);
        await storeHalf(directory);
        const foreign = await foreignFile(t, content);
        const before = await contentOf(join(foreign, '..'));
        for (const name of places) {
          await rm(join(directory, name), { force: true });
          await (kind === 'hard' ? link : symlink)(foreign, join(directory, name));
        }
        await useAll(directory);
        assert.deepEqual(await contentOf(join(foreign, '..')), before);
        await assertWhole(directory);
      });
    }
  }

  test('as the index by a hard link is not changed, and is set aside', async (t) => {
    const directory = await temporaryDirectory(t);
    await storeHalf(directory);
    const foreign = await foreignFile(t);
    const before = await contentOf(join(foreign, '..'));
    await rm(join(directory, 'index.sqlite'));
    await link(foreign, join(directory, 'index.sqlite'));
    await (await openDiskStore(directory, layout)).close();
    assert.deepEqual(await contentOf(join(foreign, '..')), before);
  });

  for (const kind of ['hard', 'symbolic'] as const) {
    test(`as a segment by a ${kind} link is not changed, and what is lost is written anew`, async (t) => {
      const directory = await temporaryDirectory(t);
      await storeHalf(directory);
      const foreign = await foreignFile(t, 'x'.repeat(half));
      const before = await contentOf(join(foreign, '..'));
      const segment = await segmentOf(directory);
      await rm(segment);
      await (kind === 'hard' ? link : symlink)(foreign, segment);
      const store = await openDiskStore(directory, layout);
      const lost: number[] = [];
      const object = await store.find(objectName('film'), ({ start }) => lost.push(start));
      assert.ok(object);
      for (const start of [0, 4096]) {
        await assert.rejects(async () => object.read({ start, end: start + 1 }, never), { name: 'StoreError' });
      }
      assert.deepEqual(lost, [0, 4096]);
      await writeContent(object, { start: 0, end: length }, 4096);
      await object.commit();
      await assertContent(object, { start: 0, end: length });
      await object.close();
      await store.close();
      assert.deepEqual(await contentOf(join(foreign, '..')), before);
      await assertWhole(directory);
    });
  }

  test('as the copy of a segment that was not finished is not changed', async (t) => {
    const directory = await temporaryDirectory(t);
    await storeHalf(directory);
    const segment = await segmentOf(directory);
    const foreign = await foreignFile(t);
    const before = await contentOf(join(foreign, '..'));
    await link(foreign, `${segment}.copy`);
    await link(segment, join(await temporaryDirectory(t), 'backup'));
    await useAll(directory);
    assert.deepEqual(await contentOf(join(foreign, '..')), before);
    await assertWhole(directory);
  });
});

test('two stores can not own one directory, whatever other names its lock has', async (t) => {
  const directory = await temporaryDirectory(t);
  const store = await openDiskStore(directory, layout);
  await link(join(directory, 'lock'), join(await temporaryDirectory(t), 'lock'));
  await assert.rejects(openDiskStore(directory, layout), { code: 'EBUSY' });
  await store.close();
});

test('a lock that holds something is nothing of ours, and is refused as it is', async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'lock'), 'something');
  await assert.rejects(openDiskStore(directory, layout), { code: 'EPERM', message: /lock is not a lock of ours/ });
  assert.equal(await readFile(join(directory, 'lock'), 'utf8'), 'something');
});

test('a copy that a killed process has not finished is swept at the start', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeHalf(directory);
  const copy = `${await segmentOf(directory)}.copy`;
  await writeFile(copy, 'a part of it');
  const store = await openDiskStore(directory, layout);
  for (let turn = 0; turn < 100 && (await lstatIfThere(copy)) !== null; turn += 1) await diskTurns();
  assert.equal(await lstatIfThere(copy), null);
  await store.close();
  const next = await openDiskStore(directory, layout);
  const object = await next.find(objectName('film'), unheard);
  assert.deepEqual(object?.durable, [{ start: 0, end: half }]);
  await object.close();
  await next.close();
});
