import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { StoreError } from '../../src/store/store.ts';
import { contentAt, label, objectName, representationOf, unheard, writeContent } from '../../src/testing/content.ts';
import { storeContract } from '../../src/testing/store-contract.ts';
import { evictionContract } from '../contract/eviction-contract.ts';
import { storeProperties } from '../contract/store-properties.ts';
import { never } from '../support/never.ts';

storeContract('the memory store', async () => createMemoryStore());

storeProperties('the memory store', async () => createMemoryStore());

evictionContract('the memory store', async (_, options) => createMemoryStore(options));

test('a read from memory is answered at once', async () => {
  const object = await createMemoryStore().create(objectName('film'), representationOf(100), label, unheard);
  await writeContent(object, { start: 0, end: 100 });
  const slice = object.read({ start: 20, end: 30 }, never);
  assert.ok('bytes' in slice);
  assert.deepEqual(slice.bytes, contentAt(20, 30));
});

test('a byte that is not there is refused, not made up', async () => {
  const object = await createMemoryStore().create(objectName('film'), representationOf(100), label, unheard);
  await writeContent(object, { start: 0, end: 10 });
  await assert.rejects(async () => object.read({ start: 10, end: 11 }, never), StoreError);
});
