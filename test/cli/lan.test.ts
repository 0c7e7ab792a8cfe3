/** firstbyte for other devices of the network: seen from an address of this machine that is not loopback. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { films, json, Stage } from './stage.ts';

const [near] = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses)
  .filter(({ internal, family }) => !internal && family === 'IPv4');
const skip = near === undefined && 'this machine has loopback alone';

const secret = 'a-secret-part-of-the-path';

/** A firstbyte at every address; resolves with its URL for other devices. */
async function serving(t: TestContext, stage: Stage, ...flags: readonly string[]) {
  const running = stage.start('serve', '--listen', ':0', ...flags);
  t.after(() => running.process.kill('SIGKILL'));
  await running.prints(/page on other devices: .*\n/);
  const [, url = ''] = new RegExp(`  on other devices: (http://${near?.address}:\\d+/)`).exec(running.out) ?? [];
  assert.notEqual(url, '', running.out);
  return { running, url };
}

/** As the page asks. */
function ask(url: string, path: string, fields: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  const headers = { 'firstbyte-page': '1', 'content-type': 'application/json', ...fields };
  return fetch(`${url}-/api/v1/${path}`, { method, headers, ...(method !== 'GET' && { body: '{}' }) });
}

test('the page asks other devices for a password, once, which firstbyte page shows and a restart keeps', {
  skip,
}, async (t) => {
  const stage = await Stage.set(t);
  const first = await serving(t, stage, '--allow-from', `${near?.address}`);
  const { running, url } = first;
  assert.equal((await fetch(`${url}-/`)).status, 200, 'the files of the page hold no secret');
  assert.equal((await ask(url, 'stats')).status, 401);
  const shown = (await json(stage.run('page', '--json'))) as { password: string; elsewhere: string[] };
  assert.match(shown.password, /^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
  assert.ok(shown.elsewhere.includes(`${url}-/`));
  const said = await stage.run('page');
  assert.match(said.out, /^http:\/\/127\.0\.0\.1:\d+\/-\/#token=\S+\n$/);
  assert.ok(said.err.includes(`Password: ${shown.password}\n`));

  const wrong = await ask(url, 'session', { authorization: 'Bearer aaaaa-aaaaa-aaaaa-aaaaa' }, 'POST');
  assert.deepEqual([wrong.status, /This token is wrong/.test(await wrong.text())], [401, true]);
  const right = await ask(url, 'session', { authorization: `Bearer ${shown.password}` }, 'POST');
  const cookie = right.headers.get('set-cookie') ?? '';
  assert.match(cookie, /; Path=\/-\/; HttpOnly; SameSite=Strict; Max-Age=15724800$/);
  const [pair = ''] = cookie.split(';');
  assert.equal((await ask(url, 'stats', { cookie: pair })).status, 200);
  assert.equal((await ask(url, 'reload', { cookie: pair }, 'POST')).status, 200, 'it may change things, too');
  assert.equal((await fetch(`${url}-/api/v1/stats`, { headers: { cookie: pair } })).status, 401, 'only for the page');

  running.process.kill('SIGTERM');
  await running.ended;
  await serving(t, stage, '--allow-from', `${near?.address}`);
  const later = (await json(stage.run('page', '--json'))) as { password: string };
  assert.equal(later.password, shown.password);
});

test('the page shows its views without the password where the operator allows, and changes nothing', {
  skip,
}, async (t) => {
  const stage = await Stage.set(t);
  const { url } = await serving(t, stage, '--allow-from', `${near?.address}`, '--read-only-page', 'on');
  assert.equal((await ask(url, 'stats')).status, 200);
  assert.equal((await ask(url, 'reload', {}, 'POST')).status, 401);
});

test('media plays by a secret part of the path from any network, and nothing else does', { skip }, async (t) => {
  const stage = await Stage.set(t);
  process.env.FIRSTBYTE_SECRET_PATH = secret;
  t.after(() => delete process.env.FIRSTBYTE_SECRET_PATH);
  const { running, url } = await serving(t, stage);
  const status = async (path: string) => (await fetch(url + path, { redirect: 'manual' })).status;
  const film = await fetch(`${url}${secret}/films/a.mkv`);
  films['/a.mkv']?.assertBytes(0, Buffer.from(await film.arrayBuffer()));
  assert.equal(
    (await fetch(`${url}${secret}/films`, { redirect: 'manual' })).headers.get('location'),
    `/${secret}/films/`,
  );
  assert.deepEqual(
    await Promise.all(
      ['films/a.mkv', `another-part/films/a.mkv`, `${secret}/-/api/v1/stats`, `${secret}/`].map(status),
    ),
    [403, 403, 404, 404],
  );
  assert.ok(!(running.out + running.err).includes(secret), 'no line tells the secret');
});

test('one that listens at an address of the network alone is asked by the commands of its own machine', {
  skip,
}, async (t) => {
  const stage = await Stage.set(t);
  const running = stage.start('serve', '--listen', `${near?.address}:0`, '--allow-from', `${near?.address}`);
  await running.prints(/page on other devices: .*\n/);
  assert.equal((await stage.run('warm', '/films/sub/d.mp4')).code, 0);
  assert.match((await stage.run('ls')).out, /^\/films\/sub\/d\.mp4\t/);
  assert.match((await stage.run('page')).err, /^Password: /m);
  running.process.kill('SIGTERM');
  assert.equal((await running.ended).code, 0);
});
