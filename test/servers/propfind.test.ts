/** A folder by WebDAV at another path than the mount's, listed and read by rclone through firstbyte. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../players/program.ts';
import { absent } from '../programs.ts';
import { film } from '../support/film.ts';
import { freePort, startServer } from './server.ts';
import { Stage } from './stage.ts';

test('rclone lists a folder, and copies from it', { skip: absent('rclone', 'rclone', 'version') }, async () => {
  await using stage = await Stage.open();
  const right = film(300_000);
  await stage.write('deep/a & ü.mp4', right.bytesAt(0, 300_000));
  await stage.write('deep/under/b.mp4', right.bytesAt(0, 1000));
  const port = await freePort();
  const served = ['serve', 'webdav', join(stage.folder, 'films'), '--addr', `127.0.0.1:${port}`, '--baseurl', '/dav'];
  stage.use(await startServer('rclone', served, port));
  await stage.serve(JSON.stringify({ origins: { films: { url: `http://127.0.0.1:${port}/dav/deep` } } }));
  const list = await run('rclone', ['lsf', '-R', '--config', '/dev/null', '--webdav-url', stage.url, ':webdav:']);
  assert.deepEqual(list.trim().split('\n').sort(), ['a & ü.mp4', 'under/', 'under/b.mp4']);
  const copied = await run('rclone', [
    'cat',
    '--config',
    '/dev/null',
    '--webdav-url',
    stage.url,
    ':webdav:under/b.mp4',
  ]);
  assert.equal(copied.length > 0, true);
  const whole = await fetch(stage.url, { method: 'PROPFIND', headers: { depth: 'infinity' } });
  assert.equal(whole.status, 403);
});
