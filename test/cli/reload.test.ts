/** A new configuration and a new certificate, while fifty people watch: no reply is cut. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { films, json, Stage } from './stage.ts';

const viewers = 50;
const tls = join(import.meta.dirname, '../fixtures/tls');

/** Reads a film to its end; resolves with its bytes, and with how many had come when it began to be read. */
function watch(url: string): { readonly begun: Promise<void>; readonly film: Promise<Buffer> } {
  const begun = Promise.withResolvers<void>();
  const film = new Promise<Buffer>((resolve, reject) => {
    const asked = (url.startsWith('https:') ? getSecurely : get)(url, { rejectUnauthorized: false, agent: false });
    asked.on('error', reject).on('response', (reply) => {
      const parts: Buffer[] = [];
      reply.on('error', reject).on('end', () => resolve(Buffer.concat(parts)));
      reply.on('data', (part: Buffer) => {
        parts.push(part);
        begun.resolve();
      });
    });
  });
  return { begun: begun.promise, film };
}

/** All have begun, and none has ended. */
async function watchers(url: string) {
  const all = Array.from({ length: viewers }, () => watch(url));
  await Promise.all(all.map(({ begun }) => begun));
  return {
    async allSawAll() {
      for (const film of await Promise.all(all.map((each) => each.film))) films['/a.mkv']?.assertBytes(0, film);
    },
  };
}

test('origins are added, changed and removed by firstbyte reload and by SIGHUP, and nobody who watches is cut', async (t) => {
  const stage = await Stage.set(t);
  const file = join(stage.directory, 'firstbyte.json');
  const write = (origins: object, more = '') =>
    writeFile(file, `{ // By hand.\n  "listen": "127.0.0.1:0", ${more} "origins": ${JSON.stringify(origins)}, }`);
  await write({ films: { url: stage.originUrl }, old: stage.originUrl });
  const flags = ['--config', file, '--cache-dir', stage.cacheDir];
  const serving = stage.startWith(flags, 'serve');
  await serving.prints(/page: http/);
  const [, url = ''] = /ready on (http:\S+)/.exec(serving.out) ?? [];
  stage.origin.always({ rate: 3_000_000 });
  const watching = await watchers(`${url}films/a.mkv`);

  await write({ films: { url: stage.originUrl, maxConnections: 7 }, tv: stage.originUrl }, '"readAhead": "32M",');
  const reload = () => stage.startWith(flags, 'reload').ended;
  const { code, out } = await reload();
  assert.deepEqual(
    [code, out],
    [0, 'reloaded: added /tv/, changed /films/, removed /old/, restart firstbyte for readAhead\n'],
  );
  const statuses = async () =>
    Promise.all(['films', 'tv', 'old'].map(async (name) => (await fetch(`${url}${name}/sub/d.mp4`)).status));
  assert.deepEqual(await statuses(), [200, 200, 404]);
  const { origins } = (await json(
    fetch(`${url}-/api/v1/origins`).then(async (reply) => ({ code: 0, out: await reply.text(), err: '' })),
  )) as { origins: { name: string; limits: { maxConnections: number } }[] };
  assert.deepEqual(
    origins.map(({ name, limits }) => [name, limits.maxConnections]),
    [
      ['films', 7],
      ['tv', 32],
    ],
  );

  await writeFile(file, '{ "origins": 7 }');
  assert.equal((await reload()).code, 2);
  serving.process.kill('SIGHUP');
  await serving.reports(/Not reloaded: origins/);
  assert.deepEqual(await statuses(), [200, 200, 404]);

  await write({ films: { url: stage.originUrl, maxConnections: 7 } });
  serving.process.kill('SIGHUP');
  await serving.reports(/configuration reloaded removed=tv\n/);
  assert.deepEqual(await statuses(), [200, 404, 404]);
  await watching.allSawAll();
  serving.process.kill('SIGTERM');
  await serving.ended;
});

test('a certificate that is renewed is shown to whoever comes, and nobody who watches is cut', async (t) => {
  const stage = await Stage.set(t);
  const [cert, key] = [join(stage.directory, 'cert.pem'), join(stage.directory, 'key.pem')];
  await copyFile(join(tls, 'expired.pem'), cert);
  await copyFile(join(tls, 'origin.key.pem'), key);
  const serving = stage.start('serve', '--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key);
  await serving.prints(/page: https/);
  const [, url = ''] = /ready on (https:\S+)/.exec(serving.out) ?? [];
  const shown = async () => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { valid_to: until } = socket.getPeerCertificate();
    socket.destroy();
    return new Date(until).getUTCFullYear();
  };
  assert.equal(await shown(), 2001);
  stage.origin.always({ rate: 3_000_000 });
  const watching = await watchers(`${url}films/a.mkv`);

  await writeFile(cert, 'half of a certificate');
  await serving.reports(/the certificate stays the old one/);
  assert.equal(await shown(), 2001);
  await copyFile(join(tls, 'origin.pem'), cert);
  await serving.reports(/the certificate is a new one/);
  assert.equal(await shown(), 2120);
  const listed = await stage.run('stats');
  assert.deepEqual([listed.code, listed.err], [0, ''], 'a command trusts the certificate of the owner of the cache');
  await watching.allSawAll();
  serving.process.kill('SIGTERM');
  await serving.ended;
});

test('a certificate without its key, or that is none, is told by name', async (t) => {
  const stage = await Stage.set(t);
  const cert = join(tls, 'origin.pem');
  const alone = await stage.run('serve', '--listen', '127.0.0.1:0', '--tls-cert', cert);
  assert.deepEqual([alone.code, /tlsCert needs tlsKey: give both, or neither/.test(alone.err)], [2, true]);
  const none = await stage.run('serve', '--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', cert);
  assert.deepEqual([none.code, /are no certificate with its key/.test(none.err)], [2, true]);
});
