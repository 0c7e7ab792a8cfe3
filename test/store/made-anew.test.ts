/** A store whose directory, or something in it, was removed or is in the way: it begins anew as soon as it can. */
import assert from 'node:assert/strict';
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { label, objectName, representationOf, unheard, writeContent } from '../../src/testing/content.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import {
  diskTurns,
  keepWhole,
  listener,
  openDiskStore,
  type Told,
  temporaryDirectory,
  untilTold,
} from './disk-directory.ts';

const kibibyte = 1024;
const layout = { blockSize: 16 * kibibyte, segmentSize: 256 * kibibyte };
const length = 768 * kibibyte;

test('a cache whose objects alone were removed stores again, and lists nothing of them', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const events: Told = listener();
  const store = await openDiskStore(directory, { ...layout, clock, events });
  await keepWhole(store, objectName('old'), length);
  const film = await store.create(objectName('film'), representationOf(length), label, unheard);
  await writeContent(film, { start: 0, end: 256 * kibibyte });
  await film.commit();
  await rm(join(directory, 'objects'), { recursive: true });
  await writeContent(film, { start: 256 * kibibyte, end: 300 * kibibyte });
  await film.commit();
  await untilTold(events, clock, 'storing');
  assert.deepEqual(events.told, ['passing ENOENT', 'storing']);
  await writeContent(film, { start: 0, end: 256 * kibibyte });
  await film.commit();
  const listed: string[] = [];
  for await (const { name } of store.list()) listed.push(name);
  assert.deepEqual(listed, [film.name]);
  assert.equal(await store.find(objectName('old'), unheard), null);
  await film.close();
  await store.close();
});

test('a cache that can not be made anew at first is made anew later', async (t) => {
  const directory = join(await temporaryDirectory(t), 'cache');
  const clock = new VirtualClock();
  const events: Told = listener();
  const store = await openDiskStore(directory, { ...layout, clock, events });
  const film = await store.create(objectName('film'), representationOf(length), label, unheard);
  await rm(directory, { recursive: true });
  await mkdir(directory, { mode: 0o700 });
  const inTheWay = join(directory, 'owner');
  await mkdir(inTheWay);
  await writeContent(film, { start: 0, end: length });
  await film.commit();
  for (let waited = 0; waited < 5; waited += 1) {
    await clock.advance(1000);
    await diskTurns();
  }
  assert.ok(!events.told.includes('storing'));
  await rmdir(inTheWay);
  await untilTold(events, clock, 'storing');
  await film.commit();
  assert.deepEqual(film.durable, [{ start: 0, end: length }]);
  await store.close();
});

test('a directory that could not be opened can be opened later, in the same process', async (t) => {
  const directory = await temporaryDirectory(t);
  const inTheWay = join(directory, 'objects');
  await writeFile(inTheWay, '');
  await assert.rejects(openDiskStore(directory, layout), { code: 'EPERM' });
  await rm(inTheWay);
  await (await openDiskStore(directory, layout)).close();
});
