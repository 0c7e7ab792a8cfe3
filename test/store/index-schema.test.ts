import assert from 'node:assert/strict';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { StoredObject } from '../../src/store/store.ts';
import { assertContent, objectName, representationOf, unheard } from '../contract/store-contract.ts';
import { openDiskStore, temporaryDirectory } from './disk-directory.ts';

/** A cache as the first version of the schema left it: one film of 20,000 bytes. */
const firstVersion = join(import.meta.dirname, '../fixtures/store-v1');
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
    assert.equal(userVersion(directory), 2);
    assert.ok(!(await readdir(directory)).includes('aside'));
  }
});

test('a cache of a newer version is set aside, and left as it was', async (t) => {
  const directory = await temporaryDirectory(t);
  await cp(firstVersion, directory, { recursive: true });
  const database = new DatabaseSync(join(directory, 'index.sqlite'));
  database.exec('PRAGMA user_version = 3');
  database.close();
  const store = await openDiskStore(directory, layout);
  assert.equal(await store.find(objectName('film'), unheard), null);
  await store.close();
  assert.equal(userVersion(join(directory, 'aside')), 3);
  assert.equal(userVersion(directory), 2);
});
