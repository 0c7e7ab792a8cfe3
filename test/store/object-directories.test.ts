import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { readdir, readlink, rm, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ObjectDirectories } from '../../src/store/disk/object-directories.ts';
import { temporaryDirectory } from './disk-directory.ts';

test('the directory of an object is made with the one above it, for our user alone', async (t) => {
  const root = await temporaryDirectory(t);
  const directories = new ObjectDirectories();
  const paths = ['aa/aa1', 'aa/aa2', 'bb/bb1', 'aa/aa1'].map((name) => join(root, name));
  await Promise.all(paths.map((path) => directories.make(path)));
  for (const path of [...paths, join(root, 'aa')]) assert.equal((await stat(path)).mode & 0o777, 0o700);
  await Promise.all(paths.map((path) => directories.sync(path)));
});

test('a directory whose path the system knows is opened at once, any other one by a thread', async (t) => {
  const root = await temporaryDirectory(t);
  const known = join(root, 'aa/aa1');
  const opened: string[] = [];
  const directories = new ObjectDirectories((path, flags) => {
    if (path !== known) return -constants.errno.EAGAIN;
    opened.push(path);
    return openSync(path, flags);
  });
  await directories.make(known);
  await directories.sync(known);
  assert.deepEqual(opened, [known]);
  if (process.platform === 'linux') {
    const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
    assert.ok(
      (await Promise.all(links)).every((path) => !path.startsWith(root)),
      'closed again',
    );
  }
});

test('directories that somebody else has removed are made again', async (t) => {
  const root = await temporaryDirectory(t);
  const directories = new ObjectDirectories();
  const path = join(root, 'aa/aa1');
  await directories.make(path);
  await directories.sync(path);
  await rm(join(root, 'aa'), { recursive: true });
  await assert.rejects(directories.sync(path), { code: 'ENOENT' });
  await directories.make(path);
  await directories.sync(path);
  assert.ok((await stat(path)).isDirectory());
});
