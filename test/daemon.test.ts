import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { Agent, createServer as createHttpServer, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startSlowOrigin } from '../demo/slow-origin.ts';
import { loadSettings } from '../src/config.ts';
import { startDaemon } from '../src/daemon.ts';
import { controlUrl } from '../src/listen.ts';

const demo = join(import.meta.dirname, '../demo');

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'firstbyte-test-'));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function start(context: TestContext, listen: string[], more: Record<string, unknown> = {}) {
  const origin = await startSlowOrigin({ folder: demo, silence: 0, rate: 1e9 });
  context.after(() => origin.close());
  const flags = { listen, origins: { demo: { url: origin.url } }, store: 'memory', logLevel: 'error', ...more };
  const daemon = await startDaemon(loadSettings({ flags, env: {} }).settings, { log: () => {} });
  context.after(() => daemon.kill());
  return daemon;
}

async function get(where: string | RequestOptions): Promise<IncomingMessage> {
  const sent = typeof where === 'string' ? request(where) : request(where);
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return answer;
}

describe('a daemon listens', () => {
  it('on IPv4, IPv6 and a Unix socket at once, each with its real address', async (context) => {
    const path = join(await folder(context), 'player.sock');
    const daemon = await start(context, ['127.0.0.1:0', '[::1]:0', `unix:${path}`]);
    const [four = '', six = '', unix] = daemon.addresses;
    assert.match(four, /^http:\/\/127\.0\.0\.1:[1-9]\d+\/$/);
    assert.match(six, /^http:\/\/\[::1\]:[1-9]\d+\/$/);
    assert.equal(unix, `unix:${path}`);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    for (const base of [four, six]) {
      const answer = await get(`${base}demo/film.mp4`);
      assert.equal(answer.statusCode, 200);
      answer.resume();
    }
    const answer = await get({ socketPath: path, path: '/demo/film.mp4', headers: { host: 'localhost' } });
    assert.equal(answer.statusCode, 200);
    answer.resume();
    await daemon.stop();
    await assert.rejects(get(four), { code: 'ECONNREFUSED' });
  });

  it('without a store, and lets every byte pass', async (context) => {
    const daemon = await start(context, ['127.0.0.1:0'], { store: 'none' });
    const [base = ''] = daemon.addresses;
    const film = await stat(join(demo, 'film.mp4'));
    for (let visit = 0; visit < 2; visit += 1) {
      const answer = await get(`${base}demo/film.mp4`);
      let bytes = 0;
      for await (const piece of answer) bytes += piece.length;
      assert.deepEqual([answer.statusCode, bytes], [200, film.size]);
    }
    await daemon.stop();
  });

  it('where a killed process has left its socket, and not where a living one has its own', async (context) => {
    const path = join(await folder(context), 'player.sock');
    const other = createServer().listen(path);
    await once(other, 'listening');
    await assert.rejects(start(context, [`unix:${path}`]), { code: 'EADDRINUSE' });
    // What a process that is killed leaves behind: the name, and nobody who accepts.
    await rename(path, `${path}.kept`);
    other.close();
    await once(other, 'close');
    await rename(`${path}.kept`, path);
    const daemon = await start(context, [`unix:${path}`]);
    const answer = await get({ socketPath: path, path: '/-/health', headers: { host: 'localhost' } });
    assert.equal(answer.statusCode, 200);
    answer.resume();
    await daemon.stop();
  });

  it('nowhere that holds a file: that stays what it is', async (context) => {
    const path = join(await folder(context), 'film.mkv');
    await writeFile(path, 'a film');
    await assert.rejects(start(context, [`unix:${path}`]), { code: 'EADDRINUSE' });
    assert.equal(await readFile(path, 'utf8'), 'a film');
  });

  it('on a Unix socket, where no end of a connection tells whether content is whole: such content needs HTTP/1.1', async (context) => {
    const path = join(await folder(context), 'player.sock');
    const origin = createHttpServer((request, response) => {
      const head = request.url === '/known' ? { 'content-length': '5' } : {};
      response.writeHead(200, head).end('whole');
    }).listen(0, '127.0.0.1');
    context.after(() => origin.close());
    await once(origin, 'listening');
    const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
    const daemon = await start(context, [`unix:${path}`], { origins: { films: { url } } });
    const answers = [
      ['/films/unknown', '1.0', /^HTTP\/1\.1 505 .*proxy_http_version/s],
      ['/films/known', '1.0', /^HTTP\/1\.1 200 .*whole$/s],
      ['/films/other', '1.1', /^HTTP\/1\.1 200 .*5\r\nwhole\r\n0\r\n\r\n$/s],
    ] as const;
    for (const [target, version, expected] of answers) {
      const socket = connect(path);
      socket.write(`GET ${target} HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      assert.match(Buffer.concat(await socket.toArray()).toString(), expected);
    }
    await daemon.stop();
  });

  it('nowhere if one of its addresses is taken', async (context) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    context.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    await assert.rejects(start(context, ['127.0.0.1:0', `127.0.0.1:${port}`]), {
      code: 'EADDRINUSE',
      syscall: 'listen',
    });
  });
});

describe('a daemon says how it is steered', () => {
  const owner = async (directory: string) => JSON.parse(await readFile(join(directory, 'owner'), 'utf8'));

  it('in the file owner of its cache directory, with its real port, while it runs', async (context) => {
    const cacheDir = join(await folder(context), 'cache');
    const daemon = await start(context, ['127.0.0.1:0'], { store: 'disk', cacheDir });
    assert.equal((await stat(join(cacheDir, 'owner'))).mode & 0o777, 0o600);
    const told = await owner(cacheDir);
    assert.deepEqual(told, { pid: process.pid, control: `${daemon.addresses[0]}-/`, token: daemon.control?.token });
    const change = (token: string) =>
      fetch(`${told.control}api/v1/objects?all=true`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{}',
      });
    assert.equal((await change(String(told.token))).status, 200);
    assert.equal((await change('another')).status, 401);
    await daemon.stop();
    assert.deepEqual(await owner(cacheDir), { pid: process.pid });
    const next = await start(context, ['127.0.0.1:0'], { store: 'disk', cacheDir });
    assert.notEqual(next.control?.token, told.token);
    await next.stop();
  });

  it('by its Unix socket, where it has no other address', async (context) => {
    const directory = await folder(context);
    const cacheDir = join(directory, 'cache');
    const socket = `unix:${join(directory, 'player.sock')}`;
    const daemon = await start(context, [socket], { store: 'disk', cacheDir });
    assert.equal((await owner(cacheDir)).control, socket);
    await daemon.stop();
  });

  it('by loopback, where it listens everywhere', () => {
    assert.equal(controlUrl('http://0.0.0.0:8787/'), 'http://127.0.0.1:8787/-/');
    assert.equal(controlUrl('http://[::]:8787/'), 'http://[::1]:8787/-/');
    assert.equal(controlUrl('http://192.168.1.5:8787/'), 'http://192.168.1.5:8787/-/');
  });

  it('and whose the directory is, to whoever is refused it', async (context) => {
    const cacheDir = join(await folder(context), 'cache');
    const daemon = await start(context, ['127.0.0.1:0'], { store: 'disk', cacheDir });
    await assert.rejects(start(context, ['127.0.0.1:0'], { store: 'disk', cacheDir }), {
      code: 'EBUSY',
      message: new RegExp(`in use by process ${process.pid}\\.$`),
    });
    await daemon.stop();
  });
});

describe('a daemon that reads its configuration again', () => {
  it('says of each setting that counts from the next start, also of secrets, and keeps the old ones in force', async (context) => {
    const origins = { films: { url: 'http://127.0.0.1:1', headers: { 'x-token': 'one' } } };
    const first = { listen: ['127.0.0.1:0'], store: 'memory', logLevel: 'error', token: 'a'.repeat(16), origins };
    let flags: Record<string, unknown> = first;
    const load = () => loadSettings({ flags, env: {} });
    const { settings, sources: settingSources } = load();
    const daemon = await startDaemon(settings, { load, settingSources, log: () => {} });
    context.after(() => daemon.stop());
    const reloaded = async (more: object) => {
      flags = { ...first, ...more };
      const { changed, restart } = await daemon.reload();
      return [changed, restart];
    };
    assert.deepEqual(await reloaded({}), [[], []]);
    assert.deepEqual(await reloaded({ token: 'b'.repeat(16), maxRate: '1M' }), [[], ['token', 'maxRate']]);
    assert.deepEqual(await reloaded({ secretPath: 'c'.repeat(16) }), [[], ['secretPath']]);
    const other = { films: { ...origins.films, headers: { 'x-token': 'two' } } };
    assert.deepEqual(await reloaded({ origins: other }), [['films'], []]);
    await assert.rejects(reloaded({ origins, readAhead: 'much' }), { name: 'ConfigError' });
    assert.deepEqual(await reloaded({ origins: other }), [[], []]);
  });
});

describe('a daemon that stops', () => {
  it('finishes what it has begun, and takes nothing more, on a connection that is open neither', async (context) => {
    const daemon = await start(context, ['127.0.0.1:0']);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    context.after(() => agent.destroy());
    const base = daemon.addresses[0] ?? '';
    const idle = await get({ ...options(base, '/-/health'), agent });
    idle.resume();
    await once(idle, 'end');
    const film = await get(`${base}demo/film.mp4`);
    const stopped = daemon.stop();
    await assert.rejects(get({ ...options(base, '/demo/film.mp4'), agent }), { code: /^ECONN(REFUSED|RESET)$/ });
    let received = 0;
    for await (const bytes of film) received += bytes.length;
    assert.equal(received, (await stat(join(demo, 'film.mp4'))).size);
    await stopped;
  });
});

function options(base: string, path: string): RequestOptions {
  const { hostname, port } = new URL(base);
  return { host: hostname, port, path };
}
