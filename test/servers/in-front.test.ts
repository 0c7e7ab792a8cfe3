/** contrib/nginx.conf and contrib/Caddyfile in front of firstbyte, under a public name, as they are shown. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { startSlowOrigin } from '../../demo/slow-origin.ts';
import { loadSettings } from '../../src/config.ts';
import { startDaemon } from '../../src/daemon.ts';
import { absent } from '../programs.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { freePort, startServer } from './server.ts';

const root = join(import.meta.dirname, '../..');
const name = 'media.example.org';

/** A file of contrib/ with real places in place of those that it shows, each of which it must name. */
async function shown(file: string, places: Readonly<Record<string, string>>): Promise<string> {
  let text = await readFile(join(root, 'contrib', file), 'utf8');
  for (const [there, here] of Object.entries(places)) {
    assert.ok(text.includes(there), `${file} names ${there}`);
    text = text.replaceAll(there, here);
  }
  return text;
}

interface InFront {
  readonly program: string;
  readonly skip: string | false;
  /** Starts it on `port` in front of `upstream`. */
  start(folder: string, port: number, upstream: string): Promise<AsyncDisposable>;
}

const servers: readonly InFront[] = [
  {
    program: 'nginx',
    skip: absent('nginx', 'nginx', '-v'),
    async start(folder, port, upstream) {
      const own = join(folder, 'nginx');
      await mkdir(own);
      const server = await shown('nginx.conf', {
        'listen 443 ssl;': `listen 127.0.0.1:${port};`,
        '    ssl_certificate     /etc/ssl/media.example.org.pem;\n': '',
        '    ssl_certificate_key /etc/ssl/media.example.org.key;\n': '',
        'http://127.0.0.1:8787': `http://${upstream}`,
      });
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (of) => `${of}_temp_path ${own}/${of};`,
      );
      const user = userInfo().uid === 0 ? `user ${userInfo().username};` : '';
      const file = join(own, 'nginx.conf');
      const around = `${user} daemon off; worker_processes 1; pid ${own}/pid; events {}`;
      await writeFile(file, `${around} http { access_log off; ${temporary.join(' ')}\n${server}\n}`);
      return startServer('nginx', ['-e', 'stderr', '-p', own, '-c', file], port);
    },
  },
  {
    program: 'Caddy',
    skip: absent('Caddy', 'caddy', 'version'),
    async start(folder, port, upstream) {
      const file = join(folder, 'Caddyfile');
      const site = await shown('Caddyfile', {
        'media.example.org {': `http://media.example.org:${port} {\n\tbind 127.0.0.1`,
        '127.0.0.1:8787': upstream,
      });
      await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`);
      return startServer('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], port);
    },
  },
];

/** A request under a name that no name server here knows. */
function ask(port: number, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers: { host: name, ...headers } }, resolve).on('error', reject);
  });
}

async function contentOf(reply: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of reply) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function started(t: TestContext, server: InFront, more: Record<string, unknown>, rate = 1e9) {
  const folder = await temporaryDirectory(t);
  const origin = await startSlowOrigin({ folder: join(root, 'demo'), silence: 0, rate });
  t.after(() => origin.close());
  const flags = { listen: '127.0.0.1:0', store: 'memory', logLevel: 'error', origins: { demo: origin.url }, ...more };
  const daemon = await startDaemon(loadSettings({ flags, env: {} }).settings, { log: () => {} });
  t.after(() => daemon.stop());
  const port = await freePort();
  const running = await server.start(folder, port, new URL(daemon.addresses[0] ?? '').host);
  t.after(() => running[Symbol.asyncDispose]());
  return { daemon, port };
}

for (const server of servers) {
  describe(`${server.program} in front`, { skip: server.skip }, () => {
    test('gives films under a public name that firstbyte knows, whole and in parts', async (t) => {
      const { port } = await started(t, server, { allowHosts: [name], trustedProxies: ['127.0.0.1'] });
      const film = await readFile(join(root, 'demo/film.mp4'));
      const whole = await ask(port, '/demo/film.mp4');
      assert.equal(whole.statusCode, 200);
      assert.ok((await contentOf(whole)).equals(film));
      const part = await ask(port, '/demo/film.mp4', { range: 'bytes=1000-1999' });
      assert.equal(part.statusCode, 206);
      assert.ok((await contentOf(part)).equals(film.subarray(1000, 2000)));
    });

    test('is refused under a public name that firstbyte does not know', async (t) => {
      const { port } = await started(t, server, {});
      const reply = await ask(port, '/demo/film.mp4');
      assert.equal(reply.statusCode, 421);
      assert.match((await contentOf(reply)).toString(), /media\.example\.org.*allowHosts/);
    });

    // Caddy believes nobody who says for whom he asks: every client is on loopback here.
    if (server.program === 'Caddy') return;
    test('has each client behind it bounded by itself', async (t) => {
      const bounded = { allowHosts: [name], trustedProxies: ['127.0.0.1'], requestsPerClient: '1' };
      const { daemon, port } = await started(t, server, bounded, 100_000);
      const bound = Promise.withResolvers<string>();
      daemon.events.subscribe((event) => event.type === 'client-bound' && bound.resolve(event.client));
      const of = (client: string) => ask(port, '/demo/film.mp4', { 'x-forwarded-for': client });
      const first = await of('203.0.113.7');
      const second = of('203.0.113.7');
      assert.equal(await bound.promise, '203.0.113.7');
      const other = await of('203.0.113.8');
      assert.deepEqual([first.statusCode, other.statusCode], [200, 200]);
      for (const reply of [first, other]) reply.destroy();
      (await second).destroy();
    });
  });
}
