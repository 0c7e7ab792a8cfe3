import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import {
  assertContent,
  label,
  objectName,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { diskTurns, openDiskStore, temporaryDirectory } from './disk-directory.ts';

const mebibyte = 1024 * 1024;
const layout = { blockSize: 64 * 1024, segmentSize: mebibyte };

/** What a process that is killed now leaves behind in `directory`, as a store finds it in that run of the machine. */
async function foundIn(t: TestContext, directory: string, boot: string): Promise<readonly ByteRange[]> {
  const copy = join(await temporaryDirectory(t), 'cache');
  await cp(directory, copy, { recursive: true });
  const store = await openDiskStore(copy, { ...layout, boot });
  const object = await store.find(objectName('film'), unheard);
  const found = object?.durable ?? [];
  for (const range of found) if (object !== null) await assertContent(object, range);
  await object?.close();
  await store.close();
  await rm(copy, { recursive: true });
  return found;
}

test('what was written a moment before a kill is found again in the same run of the machine, and only there', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const store = await openDiskStore(directory, { ...layout, clock, boot: 'monday' });
  const object = await store.create(objectName('film'), representationOf(10 * mebibyte), label, unheard);
  await writeContent(object, { start: 0, end: 2 * mebibyte + 100_000 });
  await clock.advance(250);
  const whole = 2 * mebibyte + 65_536;
  let found: readonly ByteRange[] = [];
  for (let look = 0; look < 20 && found.length === 0; look += 1) {
    await diskTurns();
    found = await foundIn(t, directory, 'monday');
  }
  assert.deepEqual(found, [{ start: 0, end: whole }]);
  assert.deepEqual(await foundIn(t, directory, 'tuesday'), []);
  assert.deepEqual(await foundIn(t, directory, ''), []);
  await object.commit();
  assert.deepEqual(await foundIn(t, directory, 'tuesday'), [{ start: 0, end: whole }]);
  await store.close();
});

test('early blocks that were found are made durable, and outlive the next start of the machine', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const store = await openDiskStore(directory, { ...layout, clock, boot: 'monday' });
  const object = await store.create(objectName('film'), representationOf(mebibyte), label, unheard);
  await writeContent(object, { start: 0, end: mebibyte });
  await clock.advance(250);
  const copy = join(await temporaryDirectory(t), 'cache');
  for (let look = 0, size = 0; size === 0 && look < 20; look += 1) {
    await diskTurns();
    size = (await foundIn(t, directory, 'monday')).length;
  }
  await cp(directory, copy, { recursive: true });
  const next = await openDiskStore(copy, { ...layout, boot: 'monday' });
  const again = await next.find(objectName('film'), unheard);
  await again?.close();
  await next.close();
  const last = await openDiskStore(copy, { ...layout, boot: 'tuesday' });
  assert.deepEqual((await last.find(objectName('film'), unheard))?.durable, [{ start: 0, end: mebibyte }]);
  await last.close();
  await store.close();
});
