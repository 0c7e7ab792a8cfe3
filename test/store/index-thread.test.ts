/** The thread of the index ends, as it does where the system has no memory for it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { DiskStoreOptions } from '../../src/store/disk/disk-store.ts';
import type { StoreError } from '../../src/store/store.ts';
import {
  assertContent,
  label,
  objectName,
  openAgain,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
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
const length = 300 * kibibyte;

/** A store, and the thread of its index. */
async function openWithThread(directory: string, options: Partial<DiskStoreOptions> = {}) {
  const started = once(process, 'worker');
  const store = await openDiskStore(directory, { ...layout, ...options });
  const [thread] = (await started) as [Worker];
  return { store, thread };
}

test('films are found again soon after the thread of the index has ended, though nothing is written', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const events: Told = listener();
  const { store, thread } = await openWithThread(directory, { clock, events, closedMemory: 0 });
  await keepWhole(store, objectName('film'), length);
  await thread.terminate();
  await untilTold(events, clock, 'storing');
  assert.deepEqual(events.told, ['passing EIO', 'storing']);
  const again = await openAgain(store, 'film');
  assert.deepEqual(again.durable, [{ start: 0, end: length }]);
  await assertContent(again, { start: 0, end: length });
  await again.close();
  await store.close();
});

test('what a damaged index had named is neither found nor counted once another has taken its place', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const events: Told = listener();
  const { store, thread } = await openWithThread(directory, { clock, events });
  for (const title of ['old', 'film']) {
    await keepWhole(store, objectName(title), length);
  }
  const lost: number[] = [];
  const film = await store.find(objectName('film'), ({ start }) => lost.push(start));
  assert.ok(film !== null);
  await thread.terminate();
  await writeFile(join(directory, 'index.sqlite'), Buffer.alloc(8192, 7));
  await untilTold(events, clock, 'storing');
  assert.deepEqual(lost.slice(0, 1), [0]);
  assert.equal(store.usage().bytes, 0);
  assert.equal(await store.find(objectName('old'), unheard), null);
  await writeContent(film, { start: 0, end: length });
  await film.close();
  await store.close();
  const again = await openDiskStore(directory, layout);
  await assertContent(await openAgain(again, 'film'), { start: 0, end: length });
  await again.close();
});

test('a store lets go of its directory also where its index can not be closed', async (t) => {
  const directory = await temporaryDirectory(t);
  const { store, thread } = await openWithThread(directory);
  const ended = thread.terminate();
  await store.close().catch(() => {});
  await ended;
  await (await openDiskStore(directory, layout)).close();
});

test('who waits for the disk to take more is told when it takes nothing, whatever has failed', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const events: Told = listener();
  const { store, thread } = await openWithThread(directory, { clock, events, boot: '' });
  // It can't be well again.
  await mkdir(join(directory, 'probe'));
  let wait: Promise<void> | undefined;
  for (let count = 0; wait === undefined; count += 1) {
    const film = await store.create(objectName(`${count}`), representationOf(null), label, unheard);
    wait = film.write(0, Buffer.alloc(900 * kibibyte));
  }
  let outcome = 'waits';
  const end = wait.then(
    () => {
      outcome = 'may go on';
    },
    ({ code }: StoreError) => {
      outcome = code;
    },
  );
  await thread.terminate();
  for (let turn = 0; outcome === 'waits' && turn < 50; turn += 1) {
    await clock.advance(1000);
    await diskTurns();
  }
  assert.equal(outcome, 'EIO');
  await end;
  await rmdir(join(directory, 'probe'));
  await store.close();
});
