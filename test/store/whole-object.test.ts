import assert from 'node:assert/strict';
import { readSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { DiskStoreOptions } from '../../src/store/disk/disk-store.ts';
import type { Store, WholeObject } from '../../src/store/store.ts';
import { findSystemCalls } from '../../src/system-calls.ts';
import {
  assertContent,
  contentAt,
  label,
  objectName,
  openAgain,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { openDiskStore, temporaryDirectory } from './disk-directory.ts';

const kibibyte = 1024;
const length = 600 * kibibyte;
const name = objectName('poster');

const { calls } = await findSystemCalls();

/** No time passes: a file that is closed is not one that nobody has used for a while. */
async function open(t: TestContext, directory: string, options: Partial<DiskStoreOptions> = {}) {
  const store = await openDiskStore(directory, {
    clock: new VirtualClock(),
    openCached: calls?.openCached,
    ...options,
  });
  t.after(() => store.close());
  return store;
}

/** Leaves an object in the store, closed, with its first `bytes`. */
async function keep(store: Store, bytes = length, title = 'poster'): Promise<void> {
  const object = await store.create(objectName(title), representationOf(length), label, unheard);
  await writeContent(object, { start: 0, end: bytes });
  await object.close();
}

function readFrom(object: WholeObject, start: number, end: number): Buffer | null {
  const bytes = Buffer.alloc(end - start);
  const used = object.useFile({ start, end }, ({ descriptor, offset, length: most }) =>
    readSync(descriptor, bytes, 0, Math.min(most, bytes.length), offset),
  );
  return used === null ? null : bytes.subarray(0, used);
}

/** The files of objects under `directory` that this process has open; of one that is removed, the path says so. */
async function openUnder(directory: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd');
  const targets = await Promise.all(descriptors.map((each) => readlink(`/proc/self/fd/${each}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(`${directory}/objects`));
}

describe('an object that is stored whole', { skip: calls === null ? 'no such calls here' : false }, () => {
  test('can be had without opening it, byte for byte, and is open for nobody', async (t) => {
    const store = await open(t, await temporaryDirectory(t));
    await keep(store);
    const object = store.findWhole?.(name) ?? null;
    assert.ok(object !== null);
    assert.deepEqual(object.representation, representationOf(length));
    assert.deepEqual(readFrom(object, 0, length), contentAt(0, length));
    assert.deepEqual(readFrom(object, 300_001, 300_011), contentAt(300_001, 300_011));
    assert.equal(store.loans?.().objects, 0);
  });

  test('is none where a byte is missing, or where nothing is stored', async (t) => {
    const store = await open(t, await temporaryDirectory(t));
    await keep(store, 512 * kibibyte);
    assert.equal(store.findWhole?.(name), null);
    assert.equal(store.findWhole?.(objectName('other')), null);
  });

  test('is that of whoever opens it, until it is closed again', async (t) => {
    const store = await open(t, await temporaryDirectory(t));
    await keep(store);
    const before = store.findWhole?.(name) ?? null;
    const opened = await openAgain(store, 'poster');
    assert.equal(store.findWhole?.(name), null);
    assert.equal(before && readFrom(before, 0, 10), null);
    await opened.close();
    assert.ok(store.findWhole?.(name));
  });

  test('of an earlier run is read and compared before it is given', async (t) => {
    const directory = await temporaryDirectory(t);
    const earlier = await openDiskStore(directory);
    await keep(earlier);
    await earlier.close();
    const store = await open(t, directory);
    assert.equal(store.findWhole?.(name), null);
    await (await openAgain(store, 'poster')).close();
    const unread = store.findWhole?.(name) ?? null;
    assert.ok(unread !== null);
    assert.equal(readFrom(unread, 0, 10), null);
    const opened = await openAgain(store, 'poster');
    await assertContent(opened, { start: 0, end: 256 * kibibyte });
    await opened.close();
    const half = store.findWhole?.(name) ?? null;
    assert.deepEqual(half && readFrom(half, 0, length), contentAt(0, 256 * kibibyte));
  });

  test('gives nothing more when it is removed, and its file is closed', async (t) => {
    const directory = await temporaryDirectory(t);
    const store = await open(t, directory);
    await keep(store);
    const object = store.findWhole?.(name) ?? null;
    assert.ok(object && readFrom(object, 0, 10));
    assert.equal((await openUnder(directory)).length, 1);
    await store.remove(name);
    assert.equal(readFrom(object, 0, 10), null);
    assert.equal(store.findWhole?.(name), null);
    while ((await openUnder(directory)).length > 0) await setImmediate();
  });

  test('has no file open when it was removed before the last has closed it', async (t) => {
    const directory = await temporaryDirectory(t);
    const store = await open(t, directory);
    await keep(store);
    const object = await store.find(name, () => {});
    await store.remove(name);
    assert.ok((await openUnder(directory)).length > 0);
    await object?.close();
    while ((await openUnder(directory)).length > 0) await setImmediate();
  });

  test('gives nothing more when it is evicted, and its file is closed', async (t) => {
    const directory = await temporaryDirectory(t);
    const store = await open(t, directory, { maxSize: { bytes: 1024 * kibibyte } });
    await keep(store);
    const object = store.findWhole?.(name) ?? null;
    // Its file is open, and nobody has watched it.
    assert.equal(
      object?.useFile({ start: 0, end: length }, () => 0),
      0,
    );
    const [file = '', ...others] = await openUnder(directory);
    assert.deepEqual(others, []);
    await keep(store, length, 'another');
    while (store.findWhole?.(name) !== null) await setImmediate();
    assert.equal(object && readFrom(object, 0, 10), null);
    while ((await openUnder(directory)).some((each) => each.startsWith(file))) await setImmediate();
  });
});
