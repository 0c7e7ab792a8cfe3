import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOnLocalFileSystem } from '../../src/store/disk/local-file-system.ts';

test('memory is local, and what is not known to be is not', async (t) => {
  if (process.platform !== 'linux') return t.skip('knows the numbers of Linux');
  assert.equal(await isOnLocalFileSystem('/dev/shm'), true);
  assert.equal(await isOnLocalFileSystem('/proc'), false);
});

test('one that does not tell is no reason not to start', async () => {
  assert.equal(await isOnLocalFileSystem('/nothing/is/here'), false);
});
