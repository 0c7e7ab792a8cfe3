import assert from 'node:assert/strict';
import { closeSync, readSync } from 'node:fs';
import { chmod, link, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { SegmentFiles } from '../../src/store/disk/segment-files.ts';
import { findSystemCalls } from '../../src/system-calls.ts';
import { contentAt } from '../../src/testing/content.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { temporaryDirectory } from './disk-directory.ts';

/** How many descriptors of this process are open under `directory`; Linux only. */
async function openUnder(directory: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd');
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(directory)).length;
}

test('bytes land at their position, and reading stops at the end of the file', async (t) => {
  const path = join(await temporaryDirectory(t), '0');
  const files = new SegmentFiles(4, systemClock);
  await files.write(path, [contentAt(5, 9), contentAt(9, 20)], 5);
  await files.write(path, [contentAt(0, 5)], 0);
  await files.sync(path, () => {});
  const buffer = Buffer.alloc(30);
  assert.equal(await files.read(path, buffer, 3), 17);
  assert.deepEqual(buffer.subarray(0, 17), contentAt(3, 20));
  assert.deepEqual(await readFile(path), contentAt(0, 20));
  await files.close();
});

test('more buffers than one system call takes are all written', async (t) => {
  const path = join(await temporaryDirectory(t), '0');
  const files = new SegmentFiles(4, systemClock);
  const single = Array.from({ length: 5000 }, (_, offset) => contentAt(offset, offset + 1));
  await files.write(path, single, 0);
  assert.deepEqual(await readFile(path), contentAt(0, 5000));
  await files.close();
});

test('descriptors stay within their bound, and all are closed at the end', async (t) => {
  if (process.platform !== 'linux') return t.skip('counts descriptors in /proc');
  const directory = await temporaryDirectory(t);
  const files = new SegmentFiles(4, systemClock);
  for (let number = 0; number < 20; number += 1) {
    await files.write(join(directory, String(number)), [contentAt(0, 10)], 0);
    const open = await openUnder(directory);
    assert.ok(open >= 1 && open <= 5, `${open} are open`);
  }
  const buffer = Buffer.alloc(10);
  for (let number = 0; number < 20; number += 1) {
    assert.equal(await files.read(join(directory, String(number)), buffer, 0), 10);
    assert.deepEqual(buffer, contentAt(0, 10));
  }
  await files.forget(join(directory, '19'));
  await files.close();
  assert.equal(await openUnder(directory), 0);
});

test('a file that was forgotten while it was read is closed after the read', async (t) => {
  if (process.platform !== 'linux') return t.skip('counts descriptors in /proc');
  const directory = await temporaryDirectory(t);
  const path = join(directory, '0');
  const files = new SegmentFiles(4, systemClock);
  await files.write(path, [contentAt(0, 1000)], 0);
  const buffer = Buffer.alloc(1000);
  const reading = files.read(path, buffer, 0);
  await files.forget(path);
  assert.equal(await reading, 1000);
  assert.equal(await openUnder(directory), 0);
});

test('a file that is not there can be asked for again', async (t) => {
  const path = join(await temporaryDirectory(t), '0');
  const files = new SegmentFiles(4, systemClock);
  await assert.rejects(files.read(path, Buffer.alloc(1), 0), { code: 'ENOENT' });
  await files.write(path, [contentAt(0, 1)], 0);
  assert.equal(await files.read(path, Buffer.alloc(1), 0), 1);
  await files.close();
});

test('a file that is not there is not made by a sync', async (t) => {
  const directory = await temporaryDirectory(t);
  const files = new SegmentFiles(4, systemClock);
  await assert.rejects(
    files.sync(join(directory, '0'), () => {}),
    { code: 'ENOENT' },
  );
  assert.deepEqual(await readdir(directory), []);
  await files.close();
});

/** The first ten bytes of a file whose descriptor is to be had at once; `null` where it is not. */
function tenBytes(files: SegmentFiles, path: string): Buffer | null {
  const descriptor = files.descriptorOf(path);
  const bytes = Buffer.alloc(10);
  return descriptor === null || readSync(descriptor, bytes, 0, 10, 0) < 10 ? null : bytes;
}

test('a file that the system knows is opened at once, within the bound, and closed when it is removed', async (t) => {
  const { calls } = await findSystemCalls();
  if (calls === null) return t.skip('needs openat2');
  const directory = await temporaryDirectory(t);
  const writer = new SegmentFiles(4, systemClock);
  const paths = Array.from({ length: 12 }, (_, number) => join(directory, String(number)));
  for (const [number, path] of paths.entries()) await writer.write(path, [contentAt(number, number + 10)], 0);
  await writer.close();
  const files = new SegmentFiles(4, systemClock, calls.openCached);
  if (tenBytes(files, paths[0] ?? '') === null) return t.skip('this kernel knows no RESOLVE_CACHED');
  for (const [number, path] of paths.entries()) {
    assert.deepEqual(tenBytes(files, path), contentAt(number, number + 10));
    assert.deepEqual(tenBytes(files, path), contentAt(number, number + 10));
    // What is over the bound is closed by a thread.
    for (let looks = 0; looks < 1000 && (await openUnder(directory)) > 4; looks += 1);
    assert.ok((await openUnder(directory)) <= 4);
  }
  const last = paths.at(-1) ?? '';
  const removal = files.remove(last);
  assert.equal(files.descriptorOf(last), null, 'it is being unlinked');
  await removal;
  assert.equal(files.descriptorOf(last), null);
  assert.equal(await openUnder(last), 0);
  const buffer = Buffer.alloc(10);
  assert.equal(await files.read(paths[3] ?? '', buffer, 0), 10);
  assert.deepEqual(buffer, contentAt(3, 13));
  await files.close();
  assert.equal(await openUnder(directory), 0);
});

test('what is no file of ours, or calls for more than a look, is not opened at once', async (t) => {
  const { calls } = await findSystemCalls();
  if (calls === null) return t.skip('needs openat2');
  const directory = await temporaryDirectory(t);
  const path = join(directory, '0');
  const writer = new SegmentFiles(4, systemClock);
  await writer.write(path, [contentAt(0, 10)], 0);
  await writer.close();
  const files = new SegmentFiles(4, systemClock, calls.openCached);
  await symlink(path, join(directory, '1'));
  assert.equal(files.descriptorOf(join(directory, '1')), null, 'a link to elsewhere');
  assert.equal(files.descriptorOf(directory), null, 'a directory');
  assert.equal(files.descriptorOf(join(directory, '2')), null, 'nothing');
  await chmod(path, 0o644);
  assert.equal(files.descriptorOf(path), null, 'others may read it');
  await link(path, join(directory, '3'));
  assert.notEqual(files.descriptorOf(path), null, 'a file with a second name is read as it is');
  await files.close();
  assert.equal(await openUnder(directory), 0);
});

test('a file that is written to is read from where it is written', async (t) => {
  const { calls } = await findSystemCalls();
  if (calls === null) return t.skip('needs openat2');
  const directory = await temporaryDirectory(t);
  const path = join(directory, '0');
  const files = new SegmentFiles(4, systemClock, calls.openCached);
  await files.write(path, [contentAt(0, 10)], 0);
  await link(path, join(directory, 'copy'));
  await files.forget(path);
  tenBytes(files, path);
  // It has a second name: what is written goes to a copy, which takes its place.
  await files.write(path, [contentAt(100, 110)], 0);
  assert.deepEqual(tenBytes(files, path), contentAt(100, 110));
  assert.deepEqual(await readFile(join(directory, 'copy')), contentAt(0, 10));
  await files.close();
  assert.equal(await openUnder(directory), 0);
});

test('a file that nobody has used for half a minute is closed, by one timer', async (t) => {
  if (process.platform !== 'linux') return t.skip('counts descriptors in /proc');
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const files = new SegmentFiles(4, clock);
  const paths = ['0', '1'].map((name) => join(directory, name));
  for (const path of paths) await files.write(path, [contentAt(0, 10)], 0);
  await clock.advance(15_000);
  assert.equal(await openUnder(directory), 2);
  await files.read(paths[1] ?? '', Buffer.alloc(10), 0);
  await clock.advance(15_000);
  while ((await openUnder(directory)) > 1) await setImmediate();
  assert.equal(clock.pending, 1);
  await clock.advance(30_000);
  while ((await openUnder(directory)) > 0) await setImmediate();
  assert.equal(clock.pending, 0);
  assert.equal(await files.read(paths[0] ?? '', Buffer.alloc(10), 0), 10);
  await files.close();
  assert.deepEqual([await openUnder(directory), clock.pending], [0, 0]);
});

test('a file that can not be closed keeps nothing from being removed, and is no bug', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  const files = new SegmentFiles(4, clock);
  for (const name of ['removed', 'unused']) {
    const path = join(directory, name);
    await files.write(path, [contentAt(0, 10)], 0);
    // Closed by somebody else: to close it again fails.
    closeSync(files.descriptorOf(path) ?? -1);
  }
  await files.remove(join(directory, 'removed'));
  assert.deepEqual(await readdir(directory), ['unused']);
  await clock.advance(60_000);
  await files.close();
});
