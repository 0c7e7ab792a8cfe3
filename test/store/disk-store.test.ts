import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Store, StoreError, StoreObject } from '../../src/store/store.ts';
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
import { VirtualClock } from '../support/virtual-clock.ts';
import { diskTurns, keepWhole, listener, openDiskStore, temporaryDirectory } from './disk-directory.ts';

const kibibyte = 1024;
const block = 256 * kibibyte;

/** Every path under `directory`. */
async function tree(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.map((entry) => join(entry.parentPath, entry.name));
}

/** The segment files of every object. */
async function segmentFiles(directory: string): Promise<string[]> {
  const paths = await tree(join(directory, 'objects'));
  return paths.filter((path) => /\.[0-9a-f]{16}\/\d+$/.test(path)).sort();
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function objectDirectories(directory: string): Promise<string[]> {
  const paths = await tree(join(directory, 'objects'));
  return paths.filter((path) => /\.[0-9a-f]{16}$/.test(path));
}

/** Leaves a closed store with one object of `length` bytes in `directory`, and returns its first segment file. */
async function storeFilm(directory: string, length: number): Promise<string> {
  const store = await openDiskStore(directory);
  await keepWhole(store, objectName('film'), length);
  await store.close();
  const [file = ''] = await segmentFiles(directory);
  return file;
}

async function findFilm(store: Store): Promise<StoreObject> {
  const object = await store.find(objectName('film'), unheard);
  assert.ok(object);
  return object;
}

/** Starts a process that writes; it is killed with the test at the latest. */
async function startWriter(t: TestContext, directory: string, title: string, length: number): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'crash-writer.ts');
  const child = spawn(process.execPath, [script, directory, title, String(length)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function readLines(child: ChildProcess, count: number): Promise<void> {
  assert.ok(child.stdout);
  let lines = 0;
  for await (const _ of createInterface({ input: child.stdout })) {
    lines += 1;
    if (lines === count) return;
  }
  assert.fail(`the process ended after ${lines} lines`);
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

test('a reopened store finds whole blocks only', async (t) => {
  const directory = await temporaryDirectory(t);
  const first = await openDiskStore(directory);
  const written = await first.create(objectName('film'), representationOf(10 * block), label, unheard);
  await writeContent(written, { start: 100, end: 3 * block + 100 });
  await writeContent(written, { start: 9 * block, end: 10 * block });
  await written.close();
  await first.close();

  const store = await openDiskStore(directory);
  const object = await findFilm(store);
  assert.deepEqual(object.durable, [
    { start: block, end: 3 * block },
    { start: 9 * block, end: 10 * block },
  ]);
  for (const range of object.durable) await assertContent(object, range);
  await store.close();
});

test('the place where somebody left an object is there when the store is opened again', async (t) => {
  const directory = await temporaryDirectory(t);
  const store = await openDiskStore(directory);
  const object = await store.create(objectName('film'), representationOf(block), label, unheard);
  assert.equal(object.place, null);
  await writeContent(object, { start: 0, end: block });
  object.leaveAt?.(12_345);
  await store.close();
  const again = await openDiskStore(directory);
  assert.equal((await again.find(objectName('film'), unheard))?.place, 12_345);
  await again.close();
});

test('a whole block becomes durable within a second, without a commit', async (t) => {
  const clock = new VirtualClock();
  const store = await openDiskStore(await temporaryDirectory(t), { clock });
  const object = await store.create(objectName('film'), representationOf(2 * block), label, unheard);
  await writeContent(object, { start: 0, end: block + 1000 });
  await clock.advance(1000);
  for (let durable = 0; durable < block; durable = (await findFilm(store)).durable[0]?.end ?? 0) await setImmediate();
  await store.close();
});

test('whoever writes faster than the disk is asked to wait', async (t) => {
  const store = await openDiskStore(await temporaryDirectory(t));
  const object = await store.create(objectName('film'), representationOf(null), label, unheard);
  const waits: (Promise<void> | undefined)[] = [];
  for (let megabyte = 0; megabyte < 5; megabyte += 1) {
    waits.push(
      object.write(megabyte * 1024 * kibibyte, contentAt(megabyte * 1024 * kibibyte, (megabyte + 1) * 1024 * kibibyte)),
    );
  }
  assert.deepEqual(waits.slice(0, 4), [undefined, undefined, undefined, undefined]);
  assert.ok(waits[4] instanceof Promise);
  await waits[4];
  await store.close();
});

test('whoever brings more small objects than the disk takes is asked to wait', async (t) => {
  const clock = new VirtualClock();
  const store = await openDiskStore(await temporaryDirectory(t), { clock });
  const size = 64 * kibibyte;
  const poster = contentAt(0, size);
  const waits: (Promise<void> | undefined)[] = [];
  for (let number = 0; number <= 512; number += 1) {
    const object = await store.create(objectName(`poster ${number}`), representationOf(size), label, unheard);
    waits.push(object.write(0, poster));
  }
  assert.ok(waits.slice(0, 512).every((wait) => wait === undefined));
  assert.ok(waits[512] instanceof Promise);
  await clock.advance(1000);
  await waits[512];
  await store.close();
});

test('a flipped byte on disk is never served, and its block is not found again', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = await storeFilm(directory, 3 * block);
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(block + 77) ^ 1, block + 77);
  await writeFile(file, bytes);

  const store = await openDiskStore(directory);
  const object = await findFilm(store);
  await assertContent(object, { start: 0, end: block });
  await assert.rejects(async () => object.read({ start: block, end: block + 1 }, never), {
    name: 'StoreError',
    code: 'CORRUPT',
  });
  await assert.rejects(async () => object.read({ start: block + 9, end: 2 * block }, never), { code: 'CORRUPT' });
  await assertContent(object, { start: 2 * block, end: 3 * block });
  await object.close();
  const again = await findFilm(store);
  const sound = [
    { start: 0, end: block },
    { start: 2 * block, end: 3 * block },
  ];
  assert.deepEqual(again.durable, sound);
  await writeContent(again, { start: block, end: 2 * block });
  await store.close();

  const healed = await openDiskStore(directory);
  const whole = await findFilm(healed);
  assert.deepEqual(whole.durable, [{ start: 0, end: 3 * block }]);
  await assertContent(whole, { start: 0, end: 3 * block });
  await healed.close();
});

test('of many who ask for a damaged block at once, nobody gets a byte of it', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = await storeFilm(directory, block);
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(5) ^ 255, 5);
  await writeFile(file, bytes);

  const store = await openDiskStore(directory, { bufferMemory: 2 * block });
  const object = await findFilm(store);
  const reads = await Promise.allSettled(Array.from({ length: 6 }, () => object.read({ start: 0, end: block }, never)));
  assert.deepEqual(
    reads.map((read) => read.status),
    Array.from({ length: 6 }, () => 'rejected'),
  );
  await store.close();
});

for (const [loss, damage] of [
  ['truncated', (file: string) => truncate(file, block + 5)],
  ['missing', (file: string) => rm(file)],
] as const) {
  test(`bytes of a ${loss} segment file are refused`, async (t) => {
    const directory = await temporaryDirectory(t);
    await damage(await storeFilm(directory, 2 * block));
    const store = await openDiskStore(directory);
    const object = await findFilm(store);
    await assert.rejects(async () => object.read({ start: block, end: 2 * block }, never), { name: 'StoreError' });
    await store.close();
  });
}

test('verify finds a block that is not what was written, and drops it alone', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = await storeFilm(directory, 3 * block);
  const content = await readFile(file);
  content[block + 7] = (content[block + 7] ?? 0) ^ 1;
  await writeFile(file, content);
  const events = listener();
  const store = await openDiskStore(directory, { events });
  const lost: [number, number][] = [];
  const object = await store.find(objectName('film'), ({ start, end }) => lost.push([start, end]));
  const verified = await store.verify(objectName('film'), () => {}, new AbortController().signal);
  const bad = { start: block, end: 2 * block };
  assert.deepEqual(verified, { checked: 3 * block, bad: [bad] });
  assert.deepEqual(lost, [[block, 2 * block]]);
  assert.deepEqual(events.told, [`lost /film.mp4 checksum ${block}`]);
  assert.ok(object);
  await writeContent(object, bad);
  await object.close();
  assert.deepEqual(await store.verify(objectName('film'), () => {}, new AbortController().signal), {
    checked: 3 * block,
    bad: [],
  });
  await store.close();
});

test('the owner says how it can be reached, to its own user only', async (t) => {
  const directory = await temporaryDirectory(t);
  const store = await openDiskStore(directory);
  const owner = async () => JSON.parse(await readFile(join(directory, 'owner'), 'utf8'));
  assert.deepEqual(await owner(), { pid: process.pid });
  await store.describeOwner({ control: 'http://127.0.0.1:8787/-/', token: 'secret' });
  assert.deepEqual(await owner(), { pid: process.pid, control: 'http://127.0.0.1:8787/-/', token: 'secret' });
  assert.equal((await lstat(join(directory, 'owner'))).mode & 0o777, 0o600);
  await store.close();
});

test('a new version of a pinned film is pinned', async (t) => {
  const store = await openDiskStore(await temporaryDirectory(t));
  const old = await store.create(objectName('film'), representationOf(1), label, unheard);
  await store.pin(objectName('film'), true);
  const next = await store.create(objectName('film'), representationOf(2), label, unheard);
  await next.commit();
  const pinned: boolean[] = [];
  for await (const object of store.list()) pinned.push(object.pinned);
  assert.deepEqual(pinned, [true]);
  await old.close();
  await next.close();
  await store.close();
});

test('a link in the place of a segment file is not followed', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = await storeFilm(directory, 1000);
  await rename(file, join(directory, 'elsewhere'));
  await symlink(join(directory, 'elsewhere'), file);
  const store = await openDiskStore(directory);
  const object = await findFilm(store);
  await assert.rejects(async () => object.read({ start: 0, end: 1 }, never), { name: 'StoreError', code: 'ELOOP' });
  await store.close();
});

test('a link in the place of a directory is not written through', async (t) => {
  const directory = await temporaryDirectory(t);
  const elsewhere = await temporaryDirectory(t);
  const events = listener();
  const store = await openDiskStore(directory, { events });
  await symlink(elsewhere, join(directory, 'objects', objectName('film').slice(0, 2)));
  const object = await store.create(objectName('film'), representationOf(1000), label, unheard);
  await writeContent(object, { start: 0, end: 1000 });
  await object.commit();
  assert.deepEqual(events.told, ['passing EPERM']);
  await assert.rejects(async () => object.write(1000, contentAt(1000, 1001)), { code: 'EPERM' });
  await assertContent(object, { start: 0, end: 1000 });
  await store.close();
  assert.deepEqual(await readdir(elsewhere), []);
});

for (const umask of [0o000, 0o022, 0o277]) {
  test(`everything is private under the umask ${umask.toString(8)}`, async (t) => {
    const directory = join(await temporaryDirectory(t), 'cache');
    const before = process.umask(umask);
    try {
      await storeFilm(directory, 1000);
      const store = await openDiskStore(directory);
      const paths = [directory, ...(await tree(directory))];
      assert.ok(paths.length > 6);
      for (const path of paths) {
        const stats = await lstat(path);
        const mode = (stats.mode & 0o777).toString(8);
        assert.equal(mode, stats.isDirectory() ? '700' : '600', path);
      }
      await store.close();
    } finally {
      process.umask(before);
    }
  });
}

test('a directory that is open to others and holds files of theirs is refused and not changed', async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'letter'), 'private');
  await chmod(directory, 0o755);
  await assert.rejects(openDiskStore(directory), { name: 'StoreError', code: 'EPERM', message: /letter/ });
  assert.equal((await lstat(directory)).mode & 0o777, 0o755);
  assert.deepEqual(await readdir(directory), ['letter']);
});

test('a second owner is refused, told who the first is, and let in when it has gone', async (t) => {
  const directory = await temporaryDirectory(t);
  const store = await openDiskStore(directory);
  await assert.rejects(openDiskStore(directory), (error: StoreError) => {
    assert.equal(error.code, 'EBUSY');
    assert.match(error.message, new RegExp(`${process.pid}`));
    assert.ok(error.message.includes(directory));
    return true;
  });
  const object = await store.create(objectName('film'), representationOf(1), label, unheard);
  await writeContent(object, { start: 0, end: 1 });
  await store.close();
  const next = await openDiskStore(directory);
  await assertContent(await findFilm(next), { start: 0, end: 1 });
  await next.close();
});

test('another process is refused, also after a refusal in this one; a killed owner is not in the way', async (t) => {
  const directory = await temporaryDirectory(t);
  const child = await startWriter(t, directory, 'film', 1000);
  await readLines(child, 1);
  const refusal = { code: 'EBUSY', message: new RegExp(`process ${child.pid}`) };
  await assert.rejects(openDiskStore(directory), refusal);
  await assert.rejects(openDiskStore(directory), refusal);
  await kill(child);
  const store = await openDiskStore(directory);
  await store.close();
});

test('after kill -9 in mid-write, every byte that is found is right', async (t) => {
  const directory = await temporaryDirectory(t);
  let durable = 0;
  for (const [round, lines] of [3, 20, 60, 110, 160].entries()) {
    const child = await startWriter(t, directory, `film ${round % 2}`, 3_000_017);
    await readLines(child, lines);
    await kill(child);
    const store = await openDiskStore(directory, { blockSize: 16_384, segmentSize: 131_072 });
    for await (const { name, bytes } of store.list()) {
      const object = await store.find(name, unheard);
      assert.ok(object);
      for (const range of object.durable) await assertContent(object, range);
      durable += bytes;
    }
    await store.close();
    const kept = await objectDirectories(directory);
    assert.ok(kept.length <= 2, 'what was replaced is gone from disk');
  }
  assert.ok(durable > 0, 'something was durable before a kill');
});

test('directories that no row names are swept at the start, and nothing else', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, 1000);
  const orphan = join(directory, 'objects', 'ab', `${'ab'.repeat(32)}.${'0'.repeat(16)}`);
  await mkdir(orphan, { recursive: true });
  await writeFile(join(orphan, '0'), 'left behind');
  await writeFile(join(directory, 'objects', 'ab', 'notes'), 'not ours');
  const store = await openDiskStore(directory);
  while (await isThere(orphan)) await setImmediate();
  await assertContent(await findFilm(store), { start: 0, end: 1000 });
  assert.equal(await readFile(join(directory, 'objects', 'ab', 'notes'), 'utf8'), 'not ours');
  await store.close();
});

test('of titles of which nothing is stored, those stay that were used last, and all that is pinned or stored', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const store = await openDiskStore(directory, { clock, maxEmpty: 20 });
  const make = async (title: string, length: number, stored: number) => {
    const object = await store.create(objectName(title), representationOf(length), label, unheard);
    await writeContent(object, { start: 0, end: stored });
    await object.close();
    await clock.advance(10);
  };
  await make('film', 1000, 1000);
  await make('pinned', 0, 0);
  await store.pin(objectName('pinned'), true);
  for (let number = 0; number < 100; number += 1) await make(`asked ${number}`, 1000, number % 2);
  const left = async () => {
    const names = new Set<string>();
    for await (const { name } of store.list()) names.add(name);
    return names;
  };
  for (let turn = 0; turn < 100 && store.usage().objects > 24; turn += 1) await diskTurns();
  assert.ok(store.usage().objects <= 24, `${store.usage().objects}`);
  const names = await left();
  for (const title of ['film', 'pinned', 'asked 99', 'asked 80']) assert.ok(names.has(objectName(title)), title);
  assert.ok(!names.has(objectName('asked 0')));
  await store.close();
});

test('what was more than that is gone after a start', async (t) => {
  const directory = await temporaryDirectory(t);
  const before = await openDiskStore(directory);
  for (let number = 0; number < 8; number += 1) {
    await (await before.create(objectName(`${number}`), representationOf(0), label, unheard)).close();
  }
  await before.close();
  const store = await openDiskStore(directory, { maxEmpty: 5 });
  for (let turn = 0; turn < 100 && store.usage().objects > 5; turn += 1) await diskTurns();
  assert.equal(store.usage().objects, 5);
  await store.close();
});

test('the files of a replaced object go when its last reader closes', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, 2 * block);
  const store = await openDiskStore(directory);
  const reader = await findFilm(store);
  const next = await store.create(objectName('film'), representationOf(5), label, unheard);
  await writeContent(next, { start: 0, end: 5 });
  await next.commit();
  assert.equal((await objectDirectories(directory)).length, 2);
  await assertContent(reader, { start: 0, end: 2 * block });
  await reader.close();
  assert.equal((await objectDirectories(directory)).length, 1);
  await assertContent(next, { start: 0, end: 5 });
  await next.close();
  const kept = await findFilm(store);
  assert.deepEqual(kept.durable, [{ start: 0, end: 5 }]);
  await kept.close();
  await store.remove(objectName('film'));
  await store.close();
  assert.deepEqual(await objectDirectories(directory), []);
});

for (const [reason, damage] of [
  ['overwritten', (index: string) => writeFile(index, 'not a database, and long enough to look like one')],
  [
    'of an unknown schema',
    async (index: string) => {
      const database = new DatabaseSync(index);
      database.exec('PRAGMA user_version = 999');
      database.close();
    },
  ],
  [
    'damaged inside',
    async (index: string) => {
      const bytes = await readFile(index);
      await writeFile(index, bytes.fill(0xa5, 4096));
    },
  ],
] as const) {
  test(`an index ${reason} is set aside with its objects, and the store begins empty`, async (t) => {
    const directory = await temporaryDirectory(t);
    await storeFilm(directory, 1000);
    await damage(join(directory, 'index.sqlite'));
    const store = await openDiskStore(directory);
    assert.equal(await store.find(objectName('film'), unheard), null);
    assert.equal((await objectDirectories(directory)).length, 0);
    assert.deepEqual((await readdir(join(directory, 'aside'))).sort(), ['index.sqlite', 'objects']);
    const object = await store.create(objectName('film'), representationOf(5), label, unheard);
    await writeContent(object, { start: 0, end: 5 });
    await store.close();
    const again = await openDiskStore(directory);
    await assertContent(await findFilm(again), { start: 0, end: 5 });
    await again.close();
  });
}

test('objects of another block size are set aside', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, 1000);
  const store = await openDiskStore(directory, { blockSize: 4096 });
  assert.equal(await store.find(objectName('film'), unheard), null);
  await store.close();
});

test('a trial read goes through the index, the memory and the files, and waits no longer than it is let', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, 3 * block);
  const store = await openDiskStore(directory, { bufferMemory: block });
  await store.tryRead?.(never);
  const object = await findFilm(store);
  const slice = await object.read({ start: 0, end: 10 }, never);
  const late = new AbortController();
  const trial = store.tryRead?.(late.signal);
  while (store.loans?.().starved !== 1) await setImmediate();
  late.abort();
  await assert.rejects(async () => trial, { name: 'StoreError', code: 'ENOBUFS' });
  slice.cede?.();
  await store.tryRead?.(never);
  assert.deepEqual(store.loans?.(), { objects: 1, buffers: 0, starved: 0, descriptors: 0 });
  await store.close();
});

test('a read of the disk is given up by its signal, and its buffer comes back when the system is done', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, 3 * block);
  const store = await openDiskStore(directory, { bufferMemory: block });
  const object = await findFilm(store);
  for (let round = 0; round < 20; round += 1) {
    const gone = new AbortController();
    const reads = [0, 1, 2].map(async (at) => object.read({ start: at * block, end: at * block + 10 }, gone.signal));
    if (round % 2 === 0) await setImmediate();
    gone.abort();
    const given = (await Promise.allSettled(reads)).flatMap((read) =>
      read.status === 'fulfilled' ? [read.value] : [],
    );
    for (const slice of given) slice.release();
    assert.ok(given.length < 3, 'they were given up');
    await assertContent(object, { start: 0, end: 3 * block });
  }
  assert.deepEqual(store.loans?.(), { objects: 1, buffers: 0, starved: 0, descriptors: 0 });
  await store.close();
});

test('all buffers come back when their slices are released', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, 3 * block);
  const store = await openDiskStore(directory, { bufferMemory: block });
  const object = await findFilm(store);
  const first = await object.read({ start: 0, end: 10 }, never);
  const second = object.read({ start: block, end: block + 10 }, never);
  assert.ok(second instanceof Promise);
  first.release();
  (await second).release();
  await assertContent(object, { start: 0, end: 3 * block });
  await store.close();
});

test('whoever gives a call up at any moment of it leaves no object open', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, 3 * block);
  const store = await openDiskStore(directory);
  for (let moments = 0; moments < 40; moments += 1) {
    const gone = new AbortController();
    const { signal } = gone;
    const calls = [
      store.find(objectName('film'), unheard, signal),
      store.create(objectName(`new ${moments}`), representationOf(10), label, unheard, signal),
      store.verify(objectName('film'), () => {}, signal),
    ];
    // Microtasks at first; then turns, in which the index answers.
    for (let waited = 0; waited < moments; waited += 1) {
      await (waited < 30 ? undefined : setImmediate());
    }
    gone.abort(new Error('gone'));
    for (const ended of await Promise.allSettled(calls)) {
      if (ended.status === 'rejected') assert.equal(ended.reason.message, 'gone');
      else if (ended.value !== null && 'close' in ended.value) await ended.value.close();
    }
  }
  while (store.loans?.().objects !== 0) await setImmediate();
  await assertContent(await findFilm(store), { start: 0, end: 3 * block });
  await store.close();
});

test('a film that was never here is known to be absent without asking the index', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, block);
  const store = await openDiskStore(directory);
  const answered: string[] = [];
  const film = findFilm(store).then(() => answered.push('the film'));
  assert.equal(store.find(objectName('other film'), unheard), null);
  answered.push('the other');
  await film;
  assert.deepEqual(answered, ['the other', 'the film']);
  await store.close();
});

test('what was closed a moment ago is opened at once, and so is what it was described as since', async (t) => {
  const directory = await temporaryDirectory(t);
  await storeFilm(directory, 2 * block);
  const store = await openDiskStore(directory);
  const film = await findFilm(store);
  const described = { ...film.representation, validatedAt: 77 };
  film.describe(described);
  film.leaveAt?.(5);
  await film.close();
  const again = store.find(objectName('film'), unheard);
  assert.ok(again !== null && !('then' in again));
  assert.deepEqual([again.durable, again.representation, again.place], [[{ start: 0, end: 2 * block }], described, 5]);
  await assertContent(again, { start: 0, end: 2 * block });
  await again.close();
  await store.close();
  const next = await openDiskStore(directory);
  const found = await findFilm(next);
  assert.deepEqual([found.representation, found.place], [described, 5]);
  await next.close();
});

test('what of it is evicted while nobody has it open is not there any more', async (t) => {
  const mebibyte = 1024 * kibibyte;
  const limits = { blockSize: 64 * kibibyte, segmentSize: mebibyte, maxSize: { bytes: 4 * mebibyte } };
  const store = await openDiskStore(await temporaryDirectory(t), limits);
  await keepWhole(store, objectName('film'), 3 * mebibyte);
  const other = await store.create(objectName('other'), representationOf(2 * mebibyte), label, unheard);
  await writeContent(other, { start: 0, end: 2 * mebibyte });
  await other.commit();
  const found = await findFilm(store);
  const left = found.durable.reduce((sum, { start, end }) => sum + end - start, 0);
  assert.ok(left < 3 * mebibyte, `${left}`);
  for (const range of found.durable) await assertContent(found, range);
  await store.close();
});

test('when an object was used last is known after a restart, though nothing else of it has changed', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  await (await openDiskStore(directory, { clock })).close();
  await storeFilm(directory, block);
  const usedIn = async (store: Store) => {
    for await (const { used } of store.list()) return used;
    return null;
  };
  const store = await openDiskStore(directory, { clock });
  const at = Date.now() + 3_600_000;
  await clock.advance(at - clock.wallTime());
  await (await findFilm(store)).close();
  assert.equal(await usedIn(store), at);
  await store.close();
  const next = await openDiskStore(directory, { clock });
  assert.equal(await usedIn(next), at);
  await next.close();
});

/** The segments that the index names, as a process killed now would leave it. */
async function namedOnDisk(t: TestContext, directory: string): Promise<number[]> {
  const copy = await temporaryDirectory(t);
  for (const name of ['index.sqlite', 'index.sqlite-wal']) await copyFile(join(directory, name), join(copy, name));
  const index = new DatabaseSync(join(copy, 'index.sqlite'));
  const rows = index
    .prepare('SELECT number FROM segments JOIN objects ON id = object WHERE name = ?')
    .all(objectName('film'));
  index.close();
  return rows.map(({ number }) => Number(number));
}

for (const state of ['open', 'closed']) {
  test(`once the file of an evicted segment is gone no row names it, of an object that is ${state}`, async (t) => {
    const mebibyte = 1024 * kibibyte;
    const directory = await temporaryDirectory(t);
    const limits = { blockSize: 64 * kibibyte, segmentSize: mebibyte, maxSize: { bytes: 4 * mebibyte } };
    const store = await openDiskStore(directory, { ...limits, clock: new VirtualClock() });
    const film = await store.create(objectName('film'), representationOf(3 * mebibyte), label, unheard);
    await writeContent(film, { start: 0, end: 3 * mebibyte });
    await film.commit();
    if (state === 'closed') await film.close();
    const files = await segmentFiles(directory);
    const other = await store.create(objectName('other'), representationOf(2 * mebibyte), label, unheard);
    await writeContent(other, { start: 0, end: 2 * mebibyte });
    while ((await Promise.all(files.map(isThere))).every((there) => there)) await setImmediate();
    const named = await namedOnDisk(t, directory);
    for (const file of files)
      if (!(await isThere(file))) assert.ok(!named.includes(Number(basename(file))), `${file} is named`);
    await store.close();
  });
}

test('a clock that was set back for a while makes nothing older than it was', async (t) => {
  const directory = await temporaryDirectory(t);
  const now = Date.UTC(2026, 5, 1);
  const open = (at: number) => openDiskStore(directory, { clock: new VirtualClock(at), maxAge: 86_400_000 });
  const first = await open(now);
  const film = await first.create(objectName('film'), representationOf(1000), label, unheard);
  await writeContent(film, { start: 0, end: 1000 });
  await film.close();
  await first.close();
  const back = await open(Date.UTC(2025, 5, 1));
  const found = await findFilm(back);
  await assertContent(found, { start: 0, end: 1000 });
  await found.close();
  await back.close();
  const again = await open(now + 60_000);
  await (await findFilm(again)).close();
  await again.close();
});
