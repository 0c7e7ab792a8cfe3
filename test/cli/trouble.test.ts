/** What a user reads where something is in the way: one sentence, which ends with the way out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { json, Stage } from './stage.ts';

/** An address that is free now. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

test('a second firstbyte on the same cache names the first one, and another directory', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  const { code, out, err } = await stage.run('serve', '--listen', '127.0.0.1:0');
  assert.deepEqual([code, out], [4, '']);
  const directory = stage.cacheDir.replaceAll('.', '\\.');
  assert.match(
    err,
    new RegExp(
      `^Another firstbyte \\(process \\d+\\) uses the cache directory ${directory}: stop it, or choose another directory with --cache-dir\\.\n$`,
    ),
  );
});

test('a port that another program uses, or an address of another machine, is named with another way to listen', async (t) => {
  const stage = await Stage.set(t);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const taken = await stage.run('serve', '--listen', address);
  assert.deepEqual(
    [taken.code, taken.err],
    [3, `Cannot listen on ${address}: another program uses it. Stop that, or choose another address with --listen.\n`],
  );
  const foreign = await stage.run('serve', '--listen', '192.0.2.1:0', '--allow-from', '192.0.2.0/24');
  assert.equal(foreign.code, 3);
  assert.match(foreign.err, /^Cannot listen on 192\.0\.2\.1: this machine has no such address\. Choose one/);
});

test('a cache directory that cannot be is told at once, with the way out', { timeout: 20_000 }, async (t) => {
  const stage = await Stage.set(t);
  const file = join(stage.directory, 'file');
  await writeFile(file, '');
  const flags = ['--origin', `films=${stage.originUrl}`, '--listen', '127.0.0.1:0'];
  for (const path of [file, join(file, 'below'), '/proc/firstbyte', '/dev/null/firstbyte']) {
    const { code, err } = await stage.startWith(flags, 'serve', '--cache-dir', path).ended;
    assert.deepEqual([code, err], [4, `${path} cannot be a directory: choose another directory with --cache-dir.\n`]);
  }
});

test('a cache directory that may not be written says who should be let', {
  skip: process.getuid?.() === 0 && 'root may write everywhere',
}, async (t) => {
  const stage = await Stage.set(t);
  const locked = join(stage.directory, 'locked');
  await mkdir(locked);
  await chmod(locked, 0o500);
  const flags = ['--origin', `films=${stage.originUrl}`, '--listen', '127.0.0.1:0'];
  const { code, err } = await stage.startWith(flags, 'serve', '--cache-dir', join(locked, 'cache')).ended;
  assert.equal(code, 4);
  assert.match(err, /^No permission to write the cache directory .*: give it to the user that runs firstbyte, or/);
});

test('a missing token and a wrong one are two sentences', async (t) => {
  const stage = await Stage.set(t);
  process.env.FIRSTBYTE_TOKEN = 'a-token-of-the-operator';
  t.after(() => delete process.env.FIRSTBYTE_TOKEN);
  const serving = stage.start('serve', '--listen', '127.0.0.1:0');
  await serving.prints(/ready on http:\S+/);
  const [, url = ''] = /ready on (http:\S+)/.exec(serving.out) ?? [];
  const ls = async (token: string) => {
    process.env.FIRSTBYTE_TOKEN = token;
    const { code, err } = await stage.startWith([], 'ls', '--url', url).ended;
    return [code, err];
  };
  assert.deepEqual(await ls('another-token-that-is-wrong'), [
    5,
    `This token is wrong: see FIRSTBYTE_TOKEN (${url}-/)\n`,
  ]);
  assert.deepEqual(await ls(''), [5, `This needs a token: set FIRSTBYTE_TOKEN (${url}-/)\n`]);
  serving.process.kill('SIGTERM');
  await serving.ended;
});

test('a socket in a folder that is not there says what it needs', async (t) => {
  const stage = await Stage.set(t);
  const path = join(stage.directory, 'none', 'firstbyte.sock');
  const { code, err } = await stage.run('serve', '--listen', `unix:${path}`);
  const said = 'its folder has to be there, and writable. Choose another path with --listen.';
  assert.deepEqual([code, err], [3, `Cannot listen on unix:${path}: ${said}\n`]);
});

test('one wrong name keeps warm from none of the others', async (t) => {
  const stage = await Stage.set(t);
  const { code, out, err } = await stage.run('warm', '/nobody/a.mkv', '/films/sub/d.mp4');
  assert.equal(code, 6);
  assert.match(out, /^warmed \/films\/sub\/d\.mp4: /);
  assert.match(err, /^"\/nobody\/a\.mkv" belongs to no origin\. Configured: \/films\/ /);
});

test('a name that is not served keeps warm from none of the others, and reaches no terminal as it is', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  const list = join(stage.directory, 'list.m3u');
  await writeFile(list, '#EXTM3U\n/films/../a.mkv\n/films/\x1b[2J.mkv\n\x1b[2Jb.mkv\n');
  const { code, out, err } = await stage.run('warm', '--list', list, '/films/sub/d.mp4');
  assert.equal(code, 2);
  assert.match(out, /^warmed \/films\/sub\/d\.mp4: .*\n$/);
  const why = 'is not served: no part of a path is "..", nor has it \\ or control characters';
  const [dots, clears, stranger] = err.split('\n');
  assert.deepEqual([dots, clears], [`"/films/../a.mkv" ${why}`, `"/films/\\u001b[2J.mkv" ${why}`]);
  assert.match(String(stranger), /^"\\u001b\[2Jb\.mkv" belongs to no origin\./);
});

test('an unknown variable is a warning, and the command does its work', async (t) => {
  const stage = await Stage.set(t);
  process.env.FIRSTBYTE_PORT = 'tcp://10.0.0.1:8787';
  t.after(() => delete process.env.FIRSTBYTE_PORT);
  const { code, err } = await stage.run('ls');
  assert.equal(code, 0);
  assert.match(err, /^Warning: the variable FIRSTBYTE_PORT is ignored: it is unknown\n$/);
});

test('play says why there was nothing to play', async (t) => {
  const stage = await Stage.set(t);
  const player = join(stage.directory, 'ffplay');
  await writeFile(player, '#!/bin/sh\nfor url; do :; done\nexec curl -sf -o /dev/null "$url"\n');
  await chmod(player, 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${stage.directory}:${PATH}`;
  t.after(() => {
    process.env.PATH = PATH;
  });
  const missing = await stage.run('play', '--player', 'ffplay', '/films/none.mkv');
  assert.notEqual(missing.code, 0);
  assert.match(missing.err, /Cannot play \/films\/none\.mkv: The origin answered 404\.\n$/);
  const away = `http://${await freeAddress()}/a.mkv`;
  const flags = ['--cache-dir', stage.cacheDir, '--first-byte-timeout', '1s'];
  const refused = await stage.startWith(flags, 'play', '--player', 'ffplay', away).ended;
  assert.match(refused.err, /Cannot play \/127-0-0-1\/a\.mkv: .*refused the connection\.\n$/);
});

test('a name with blanks, %, ? or # is found by doctor and by warm as ls prints it', async (t) => {
  const stage = await Stage.set(t);
  const blank = await stage.run('doctor', '--listen', '127.0.0.1:0', '--path', '/b c.mkv');
  assert.equal(blank.code, 0, blank.out);
  await stage.serve();
  await stage.run('warm', '/films/100%25%20wolf%3F.mkv');
  const { objects } = (await json(stage.run('ls', '--json'))) as { objects: { path: string }[] };
  const listed = (await stage.run('ls')).out.split('\t')[0] ?? '';
  assert.deepEqual([objects.length, listed], [1, '/films/100% wolf?.mkv']);
  const numbered = await stage.run('warm', '/films/no#1.mkv');
  assert.deepEqual([numbered.code, numbered.out.startsWith('warmed /films/no#1.mkv: 100 kB')], [0, true], numbered.out);
  const again = await stage.run('warm', listed);
  assert.deepEqual([again.code, again.out.startsWith(`warmed ${listed}: `)], [0, true], again.out);
});

test('serve names the page, and Ctrl-C says what it waits for', async (t) => {
  const stage = await Stage.set(t);
  stage.origin.always({ rate: 100_000 });
  const serving = stage.start('serve', '--listen', '127.0.0.1:0', '--drain-timeout', '1s');
  await serving.prints(/page: http:\/\/127\.0\.0\.1:\d+\/-\/\n/);
  const [, url = ''] = /ready on (http:\S+)/.exec(serving.out) ?? [];
  const root = await fetch(url, { redirect: 'manual' });
  assert.deepEqual([root.status, root.headers.get('location')], [302, '/-/']);
  const film = (await fetch(`${url}films/a.mkv`)).body?.getReader();
  await film?.read();
  serving.process.kill('SIGINT');
  await serving.reports(/Stopping: 1 reply may continue for 1 s\. Press Ctrl-C again to stop now\.\n/);
  assert.equal((await serving.ended).code, 0);
  await film?.cancel().catch(() => {});
});
