import assert from 'node:assert/strict';
import { rm, stat } from 'node:fs/promises';
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
