/** What is cached, from the command line: the same with a firstbyte that runs and without. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findObjects } from '../../src/cli/objects.ts';
import { systemClock } from '../../src/clock.ts';
import type { ObjectReport } from '../../src/control/answers.ts';
import { film } from '../support/film.ts';
import { HttpOriginServer } from '../support/http-origin-server.ts';
import { films, json, Stage } from './stage.ts';

for (const running of [false, true]) {
  describe(running ? 'while a firstbyte owns the cache' : 'with no firstbyte running', () => {
    test('a film is warmed, listed, pinned, verified, exported and removed', async (t) => {
      const stage = await Stage.set(t);
      if (running) await stage.serve();

      const warmed = await stage.run('warm', '/films/a.mkv', 'films/b c.mkv', `${stage.originUrl}/sub/d.mp4`);
      assert.equal(warmed.code, 0, warmed.err);
      assert.match(warmed.out, /^warmed \/films\/a\.mkv: 3 MB cached, in .*\nwarmed \/films\/b c\.mkv: 700 kB/);
      assert.equal(stage.origin.fetchedTwice('/a.mkv').length, 0);

      const pinned = await stage.run('pin', '/films/a.mkv');
      assert.deepEqual([pinned.code, pinned.out], [0, 'pinned /films/a.mkv\n']);
      const listed = await stage.run('ls', '--sort', 'size');
      assert.deepEqual(
        listed.out.split('\n').map((line) => line.split('\t').slice(0, 5)),
        [
          ['/films/a.mkv', '3 MB', '100 %', 'complete', 'pinned'],
          ['/films/b c.mkv', '700 kB', '100 %', 'complete', ''],
          ['/films/sub/d.mp4', '500 kB', '100 %', 'complete', ''],
          [''],
        ],
      );
      const unpinned = await stage.run('unpin', 'a.mkv');
      assert.deepEqual([unpinned.code, unpinned.out], [0, 'unpinned /films/a.mkv\n']);

      const verified = await stage.run('verify');
      assert.deepEqual([verified.code, verified.out], [0, 'checked 3 files, 4.2 MB: all correct\n']);

      const exported = await stage.run('export', '/films/b c.mkv', stage.directory);
      assert.equal(exported.code, 0, exported.err);
      films['/b%20c.mkv']?.assertBytes(0, await readFile(join(stage.directory, 'b c.mkv')));

      const removed = await stage.run('rm', '*.mkv');
      assert.deepEqual(
        [removed.code, removed.out],
        [0, 'removed /films/a.mkv\nremoved /films/b c.mkv\nremoved 2 files, 3.7 MB\n'],
      );
      const { objects } = (await json(stage.run('ls', '--json'))) as { objects: ObjectReport[] };
      assert.deepEqual(
        objects.map(({ path }) => path),
        ['/sub/d.mp4'],
      );
    });
  });
}

test('what nothing matches is code 6, and is named', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  for (const name of ['ls', 'rm', 'pin', 'unpin', 'verify']) {
    const { code, out, err } = await stage.run(name, 'nothing*');
    assert.deepEqual([code, out, err], [6, '', 'No cached file matches "nothing*"\n'], name);
  }
  const foreign = await stage.run('warm', 'http://elsewhere.example/a.mkv');
  assert.equal(foreign.code, 6);
  assert.equal(
    foreign.err,
    `"http://elsewhere.example/a.mkv" belongs to no origin. Configured: /films/ (${stage.originUrl}/)\n`,
  );
});

test('warm takes what firstbyte itself calls a film, such as the lines of its own playlists', async (t) => {
  const stage = await Stage.set(t);
  const url = await stage.serve();
  const port = new URL(url).port;
  const list = join(stage.directory, 'own.m3u');
  await writeFile(list, `#EXTM3U\n${url}films/a.mkv\nhttp://media.home.arpa:${port}/films/b%20c.mkv\n`);
  const { code, out, err } = await stage.run('warm', '--list', list);
  assert.equal(code, 0, out + err);
  const { objects } = (await json(stage.run('ls', '--json'))) as { objects: { path: string }[] };
  assert.deepEqual(objects.map(({ path }) => path).sort(), ['/a.mkv', '/b%20c.mkv']);
  const foreign = await stage.run('warm', `http://media.home.arpa:${port}/nobody/a.mkv`);
  assert.equal(foreign.code, 6);
});

test('a file that exists is replaced with --force alone, and - is standard output', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  await stage.run('warm', '/films/sub/d.mp4');
  const path = join(stage.directory, 'mine.mp4');
  await writeFile(path, 'mine');
  const refused = await stage.run('export', 'd.mp4', path);
  assert.deepEqual([refused.code, refused.err], [1, `${path} exists already: add --force to replace it\n`]);
  assert.equal(await readFile(path, 'utf8'), 'mine');
  assert.equal((await stage.run('export', '--force', 'd.mp4', path)).code, 0);
  films['/sub/d.mp4']?.assertBytes(0, await readFile(path));

  const piped = stage.start('export', 'd.mp4', '-');
  const parts: Buffer[] = [];
  piped.process.stdout?.setEncoding('latin1').on('data', (text: string) => parts.push(Buffer.from(text, 'latin1')));
  assert.equal((await piped.ended).code, 0);
  films['/sub/d.mp4']?.assertBytes(0, Buffer.concat(parts));
});

test('a file is exported under a name that is as long as names may be, and what is longer is named', async (t) => {
  const stage = await Stage.set(t);
  const names = [250, 260].map((length) => `${'n'.repeat(length)}.mkv`);
  const long = film(1000, 9);
  const paths = Object.fromEntries(names.map((name) => [`/${name}`, long]));
  const origin = new HttpOriginServer({ clock: systemClock, films: paths });
  const flags = ['--origin', `long=http://127.0.0.1:${await origin.listen()}`, '--cache-dir', stage.cacheDir];
  t.after(() => origin.close());
  const run = (...args: readonly string[]) => stage.startWith(flags, args[0] ?? '', ...args.slice(1)).ended;
  assert.equal((await run('warm', ...names.map((name) => `/long/${name}`))).code, 0);
  const [fits = '', tooLong = ''] = names;
  assert.equal((await run('export', fits, stage.directory)).code, 0);
  long.assertBytes(0, await readFile(join(stage.directory, fits)));
  const { code, err } = await run('export', tooLong, stage.directory);
  assert.deepEqual([code, err], [1, `${join(stage.directory, tooLong)} cannot be written: the name is too long\n`]);
  assert.deepEqual((await readdir(stage.directory)).toSorted(), ['cache', fits]);
});

test('what somebody else removes meanwhile keeps rm from none of the others', async (t) => {
  const [gone = '', there = ''] = ['a', 'b'].map((digit) => digit.repeat(64));
  const objects = [gone, there].map((id) => ({ id, origin: 'films', path: `/${id[0]}.mkv`, bytes: 1000 }));
  const server = createServer((request, response) => {
    if (request.method === 'GET') return response.end(JSON.stringify({ objects, next: null }));
    return response.writeHead(request.url?.endsWith(gone) ? 404 : 204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { code, out, err } = await (await Stage.set(t)).run('rm', '/films/', '--url', url);
  assert.deepEqual([code, out, err], [0, 'removed /films/b.mkv\nremoved 1 file, 1 kB\n', '']);
});

test('a pattern means a path with and without encoding, an id, a name, and all below', async () => {
  const object = { id: 'ab'.repeat(32), origin: 'films', path: '/x/b%20c%20[1].mkv' } as ObjectReport;
  const meant = [
    '/films/x/b c [1].mkv',
    'films/x/b%20c%20[1].mkv',
    'abababab',
    '*.mkv',
    'b?c*',
    '/films/',
    '/films/x/*',
  ];
  const control = { get: <T>() => Promise.resolve({ objects: [object], next: null } as T) };
  for (const pattern of meant) assert.deepEqual(await findObjects(control, [pattern]), [object], pattern);
  const others = ['/films/x', 'b c', 'ababab', 'x/*', '*.mp4', '/film/', '.*', '/films/x/b c 1.mkv'];
  for (const pattern of others) {
    await assert.rejects(findObjects(control, [pattern]), { reason: 'unmatched' }, pattern);
  }
});
