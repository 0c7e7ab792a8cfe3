/** Folders at another path than the mount's: by WebDAV, listed and read by rclone, and as pages of nginx. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../players/program.ts';
import { absent } from '../programs.ts';
import { film } from '../support/film.ts';
import { startNginx } from './nginx.ts';
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

test('rclone writes, moves and removes where the operator lets it', {
  skip: absent('rclone', 'rclone', 'version') || absent('curl', 'curl', '--version'),
}, async () => {
  await using stage = await Stage.open();
  const right = film(3_000_000);
  await stage.write('deep/a.mp4', right.bytesAt(0, 1000));
  const port = await freePort();
  const served = ['serve', 'webdav', join(stage.folder, 'films'), '--addr', `127.0.0.1:${port}`, '--baseurl', '/dav'];
  stage.use(await startServer('rclone', served, port));
  const methods = ['PUT', 'DELETE', 'MKCOL', 'MOVE', 'COPY'];
  await stage.serve(JSON.stringify({ origins: { films: { url: `http://127.0.0.1:${port}/dav/deep`, methods } } }));
  const local = join(stage.folder, 'new.mp4');
  await writeFile(local, right.bytesAt(0, 3_000_000));
  const remote = ['--config', '/dev/null', '--webdav-url', stage.url];
  await run('rclone', ['copyto', ...remote, local, ':webdav:under/b.mp4']);
  const read = async (path: string) => Buffer.from(await (await fetch(`${stage.url}${path}`)).arrayBuffer());
  assert.ok((await read('under/b.mp4')).equals(right.bytesAt(0, 3_000_000)));
  await run('rclone', ['moveto', ...remote, ':webdav:under/b.mp4', ':webdav:under/c.mp4']);
  assert.ok((await read('under/c.mp4')).equals(right.bytesAt(0, 3_000_000)));
  assert.equal((await fetch(`${stage.url}under/b.mp4`)).status, 404);
  await run('rclone', ['deletefile', ...remote, ':webdav:a.mp4']);
  assert.equal((await fetch(`${stage.url}a.mp4`)).status, 404);
  const uploaded = ['-s', '-S', '-f', '-T', local, '-H', 'Expect: 100-continue', `${stage.url}under/d.mp4`];
  await run('curl', uploaded);
  assert.ok((await read('under/d.mp4')).equals(right.bytesAt(0, 3_000_000)));
});

test('a folder without its slash ends where its links lead into it', {
  skip: absent('nginx', 'nginx', '-v'),
}, async () => {
  await using stage = await Stage.open();
  await stage.write('deep/under/b.mp4', film(1000).bytesAt(0, 1000));
  const nginx = stage.use(await startNginx(stage.folder));
  await stage.serve(JSON.stringify({ origins: { films: { url: `${nginx.url}/films/deep` } } }));
  const page = await fetch(`${stage.url}under?x=1`);
  assert.deepEqual([page.status, page.url, page.redirected], [200, `${stage.url}under/?x=1`, true]);
  const [, link = ''] = /href="(b[^"]*)"/.exec(await page.text()) ?? [];
  const linked = await fetch(new URL(link, page.url));
  assert.deepEqual([linked.status, (await linked.arrayBuffer()).byteLength], [200, 1000]);
});
