import assert from 'node:assert/strict';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { StoredObject } from '../../src/store/store.ts';
import { assertContent, objectName, representationOf, unheard } from '../../src/testing/content.ts';
import { keepWhole, openDiskStore, temporaryDirectory } from './disk-directory.ts';

/** A cache as the first version of the schema left it: one film of 20,000 bytes. */
const firstVersion = join(import.meta.dirname, '../fixtures/store-v1');
/**
 * One as the second version left it when it was killed: a film of 20,000 bytes that is pinned, and what was deleted
 * before. Fields and paths of all of them hold secrets, in the database and in its log.
 */
const secondVersion = join(import.meta.dirname, '../fixtures/store-v2');
const secret = 'S3CRET';
const layout = { blockSize: 4096, segmentSize: 16_384 };

function userVersion(directory: string): unknown {
  const database = new DatabaseSync(join(directory, 'index.sqlite'));
  try {
    return database.prepare('PRAGMA user_version').get()?.user_version;
  } finally {
    database.close();
  }
}

test('a cache of version 1 is migrated in place, with every byte', async (t) => {
  const directory = await temporaryDirectory(t);
  await cp(firstVersion, directory, { recursive: true });
  assert.equal(userVersion(directory), 1);
  for (let opening = 0; opening < 2; opening += 1) {
    const store = await openDiskStore(directory, layout);
    const listed: StoredObject[] = [];
    for await (const object of store.list()) listed.push(object);
    assert.deepEqual(
      listed.map(({ used: _, ...object }) => object),
      [
        {
          name: objectName('film'),
          label: { origin: '', path: '' },
          representation: representationOf(20_000),
          bytes: 20_000,
          pinned: opening === 1,
        },
      ],
    );
    const object = await store.find(objectName('film'), unheard);
    assert.ok(object);
    assert.deepEqual(object.durable, [{ start: 0, end: 20_000 }]);
    await assertContent(object, { start: 0, end: 20_000 });
    await store.pin(objectName('film'), true);
    await store.close();
    assert.equal(userVersion(directory), 4);
    assert.ok(!(await readdir(directory)).includes('aside'));
  }
});

test('a cache of a newer version is set aside, and left as it was', async (t) => {
  const directory = await temporaryDirectory(t);
  await cp(firstVersion, directory, { recursive: true });
  const database = new DatabaseSync(join(directory, 'index.sqlite'));
  database.exec('PRAGMA user_version = 5');
  database.close();
  const store = await openDiskStore(directory, layout);
  assert.equal(await store.find(objectName('film'), unheard), null);
  await store.close();
  assert.equal(userVersion(join(directory, 'aside')), 5);
  assert.equal(userVersion(directory), 4);
});

/** Every file of a cache directory that is not of the objects, whole. */
async function rawBytes(directory: string): Promise<Buffer> {
  const entries = await readdir(directory, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Buffer.concat(await Promise.all(files.map(({ name }) => readFile(join(directory, name)))));
}

test('no secret is left in a cache of version 2, not even of what was deleted, and its film is there', async (t) => {
  const directory = await temporaryDirectory(t);
  await cp(secondVersion, directory, { recursive: true });
  assert.ok((await rawBytes(directory)).includes(secret));
  const store = await openDiskStore(directory, layout);
  // While it is open too, and its log is there.
  assert.ok(!(await rawBytes(directory)).includes(secret));
  const listed: StoredObject[] = [];
  for await (const object of store.list()) listed.push(object);
  assert.deepEqual(
    listed.map(({ used: _, ...object }) => object),
    [
      {
        name: objectName('film'),
        label: { origin: 'films', path: '/a/film.mp4' },
        representation: representationOf(20_000, [
          ['content-type', 'video/mp4'],
          ['x-other', 'kept'],
        ]),
        bytes: 20_000,
        pinned: true,
      },
    ],
  );
  const object = await store.find(objectName('film'), unheard);
  assert.ok(object);
  await assertContent(object, { start: 0, end: 20_000 });
  await store.close();
  assert.ok(!(await rawBytes(directory)).includes(secret));
  assert.equal(userVersion(directory), 4);
});

test('a cache that was migrated and could not be wiped is wiped when it is opened next', async (t) => {
  const directory = await temporaryDirectory(t);
  await (await openDiskStore(directory, layout)).close();
  const database = new DatabaseSync(join(directory, 'index.sqlite'));
  database.exec(`PRAGMA secure_delete = OFF; CREATE TABLE left (it TEXT); INSERT INTO left VALUES ('${secret}');`);
  database.exec('DROP TABLE left; PRAGMA user_version = 3');
  database.close();
  assert.ok((await rawBytes(directory)).includes(secret));
  await (await openDiskStore(directory, layout)).close();
  assert.ok(!(await rawBytes(directory)).includes(secret));
  assert.equal(userVersion(directory), 4);
});

test('of a cache of version 2 what is pinned stays when room is needed', async (t) => {
  const directory = await temporaryDirectory(t);
  await cp(secondVersion, directory, { recursive: true });
  const store = await openDiskStore(directory, { ...layout, maxSize: { bytes: 80_000 } });
  for (const title of ['one', 'other']) {
    await keepWhole(store, objectName(title), 48_000);
  }
  const film = await store.find(objectName('film'), unheard);
  assert.ok(film);
  assert.deepEqual(film.durable, [{ start: 0, end: 20_000 }]);
  await assertContent(film, { start: 0, end: 20_000 });
  assert.ok(store.usage().bytes <= 80_000);
  await store.close();
});
