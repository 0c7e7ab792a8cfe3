/** Which firstbyte a command talks to, and what it says where there is none. */
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startFirstbyte } from '../players/firstbyte.ts';
import { json, Stage } from './stage.ts';

test('the owner of the cache is asked, and the directory stays its own', async (t) => {
  const stage = await Stage.set(t);
  const url = await stage.serve();
  const owner = await readFile(join(stage.cacheDir, 'owner'), 'utf8');
  const { url: page } = (await json(stage.run('page', '--json'))) as { url: string };
  assert.equal(page, `${url}-/#token=${JSON.parse(owner).token}`);
  assert.equal(await readFile(join(stage.cacheDir, 'owner'), 'utf8'), owner);
});

test('a dead owner is in nobody’s way', async (t) => {
  const stage = await Stage.set(t);
  assert.equal((await stage.run('ls')).code, 0);
  const dead = { pid: 2 ** 22 + 1, control: 'http://127.0.0.1:1/-/', token: 'x'.repeat(20) };
  await writeFile(join(stage.cacheDir, 'owner'), JSON.stringify(dead));
  const { code, err } = await stage.run('ls');
  assert.deepEqual([code, err], [0, '']);
});

test('one that listens on a Unix socket alone is asked there, but no player can be', async (t) => {
  const stage = await Stage.set(t);
  const socket = join(stage.directory, 'firstbyte.sock');
  const serving = stage.start('serve', '--listen', `unix:${socket}`);
  await serving.prints(/ready on unix:/);
  assert.equal((await stage.run('warm', '/films/sub/d.mp4')).code, 0);
  assert.match((await stage.run('ls', '--url', `unix:${socket}`)).out, /^\/films\/sub\/d\.mp4\t/);
  const played = await stage.run('play', '--player', 'none', '/films/sub/d.mp4');
  assert.equal(played.code, 1);
  assert.match(played.err, /listens on a Unix socket only, .* --listen HOST:PORT/);
  serving.process.kill('SIGTERM');
  await serving.ended;
});

test('--url names another, whose token comes from FIRSTBYTE_TOKEN', async (t) => {
  const stage = await Stage.set(t);
  const secret = 'a-token-of-the-operator';
  process.env.FIRSTBYTE_TOKEN = secret;
  t.after(() => delete process.env.FIRSTBYTE_TOKEN);
  await using firstbyte = await startFirstbyte(stage.cacheDir, '--origin', `films=${stage.originUrl}`);
  const known = await stage.startWith([], 'warm', '/films/sub/d.mp4', '--url', firstbyte.url).ended;
  assert.equal(known.code, 0, known.err);
  process.env.FIRSTBYTE_TOKEN = 'another-token-that-is-wrong';
  const unknown = await stage.startWith([], 'ls', '--url', firstbyte.url).ended;
  assert.equal(unknown.code, 5);
  assert.match(unknown.err, /^This token is wrong: see FIRSTBYTE_TOKEN/);
});

test('what looks at one that runs says where there is none: code 5', async (t) => {
  const stage = await Stage.set(t);
  for (const name of ['top', 'stats', 'logs', 'page']) {
    const { code, out, err } = await stage.run(name);
    assert.deepEqual([code, out], [5, ''], name);
    assert.match(err, new RegExp(`^No firstbyte is running on ${stage.cacheDir}: start one with firstbyte serve`));
  }
  await assert.rejects(stat(stage.cacheDir), { code: 'ENOENT' });
  const nobody = await stage.run('ls', '--url', 'http://127.0.0.1:1');
  assert.deepEqual(
    [nobody.code, nobody.err],
    [5, 'No answer from firstbyte at http://127.0.0.1:1/-/: connection refused\n'],
  );
  const wrong = await stage.run('ls', '--url', 'nas');
  assert.deepEqual([wrong.code, wrong.err], [2, '--url: "nas" is not a URL such as http://nas.local:8787/\n']);
});
