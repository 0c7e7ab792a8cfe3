/** What an operator, or a program that tidies up, removes from the cache directory while a store has it open. */
import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import {
  assertContent,
  label,
  objectName,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { diskTurns, openDiskStore, temporaryDirectory } from './disk-directory.ts';

const kibibyte = 1024;
const layout = { blockSize: 16 * kibibyte, segmentSize: 256 * kibibyte };
const length = 768 * kibibyte;

/** The paths of all segment files. */
async function segmentFiles(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, 'objects'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

test('a segment file that somebody removes is never read as if it were there, however it comes back', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const store = await openDiskStore(directory, { ...layout, clock });
  const lost: ByteRange[] = [];
  const film = await store.create(objectName('film'), representationOf(length), label, (range) => lost.push(range));
  await writeContent(film, { start: 0, end: 64 * kibibyte });
  await film.commit();
  await clock.advance(60_000);
  await diskTurns();
  for (const path of await segmentFiles(directory)) await rm(path);
  // Later bytes of the same file.
  await writeContent(film, { start: 128 * kibibyte, end: 192 * kibibyte });
  await film.commit();
  assert.deepEqual(lost, [{ start: 0, end: 64 * kibibyte }]);
  await assert.rejects(async () => film.read({ start: 0, end: 64 * kibibyte }, never), { name: 'StoreError' });
  assert.deepEqual(film.durable, [{ start: 128 * kibibyte, end: 192 * kibibyte }]);
  await assertContent(film, { start: 128 * kibibyte, end: 192 * kibibyte });
  await film.close();
  await store.close();
});

test('where one file of a film is removed before it is synced, the others stay, and count', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const store = await openDiskStore(directory, { ...layout, clock, boot: 'monday' });
  const film = await store.create(objectName('film'), representationOf(length), label, unheard);
  await writeContent(film, { start: 0, end: 512 * kibibyte });
  await film.commit();
  await writeContent(film, { start: 512 * kibibyte, end: length });
  await clock.advance(250);
  const last = async () => (await segmentFiles(directory)).find((path) => path.endsWith('/2'));
  while ((await last()) === undefined) await diskTurns();
  await rm((await last()) ?? '');
  await film.commit();
  assert.deepEqual(film.durable, [{ start: 0, end: 512 * kibibyte }]);
  assert.equal(store.usage().bytes, 512 * kibibyte);
  await assertContent(film, { start: 0, end: 512 * kibibyte });
  await store.close();
});
