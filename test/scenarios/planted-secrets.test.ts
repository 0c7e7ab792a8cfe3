/**
 * Secrets are planted wherever a request, a setting, a source or an answer of an origin can hold one; then everything
 * that firstbyte tells and writes down is looked through for them.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { loadSettings } from '../../src/config.ts';
import { type Daemon, startDaemon } from '../../src/daemon.ts';
import type { DomainEvent } from '../../src/events.ts';
import { Film } from '../support/film.ts';
import { HttpOriginServer } from '../support/http-origin-server.ts';

const secret = 'S3CRET';
const token = 'the-token-of-the-operator';
const film = new Film(300_000, 5);

interface Reply {
  readonly status: number;
  readonly body: Buffer;
  /** Head and body, as they came. */
  readonly told: string;
}

async function send(
  base: string,
  path: string,
  { method = 'GET', fields = {}, body }: { method?: string; fields?: Record<string, string>; body?: object } = {},
): Promise<Reply> {
  const { hostname, port } = new URL(base);
  const content = body === undefined ? {} : { 'content-type': 'application/json' };
  const sent = request({ hostname, port, path, method, headers: { ...content, ...fields } });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = await once(sent, 'response');
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part);
  const whole = Buffer.concat(parts);
  return {
    status: answer.statusCode,
    body: whole,
    told: `${answer.rawHeaders.join('\n')}\n${whole.toString('latin1')}`,
  };
}

/** What an origin says to one client alone. */
const fieldsOfAnswers = {
  'set-cookie': `session=${secret}; HttpOnly`,
  'set-cookie2': `session=${secret}`,
  'authentication-info': `nextnonce="${secret}"`,
  'www-authenticate': `Digest nonce="${secret}"`,
  'x-auth-token': secret,
  'content-location': `/elsewhere.mp4?sig=${secret}`,
  link: `</poster.jpg;sig=${secret}>; rel=icon`,
};

/** A hook that knows where everything is, and gives secrets to go there with. */
async function startHook(context: TestContext, origin: string): Promise<string> {
  const hook = createServer((asked, response) => {
    const place = { url: `${origin}/hooked.mp4;t=${secret}?sig=${secret}`, fields: { 'x-key': secret }, expiresIn: 60 };
    asked.resume().on('end', () => response.end(JSON.stringify(place)));
  });
  await once(hook.listen(0, '127.0.0.1'), 'listening');
  context.after(() => hook.close());
  return `http://user:${secret}@127.0.0.1:${(hook.address() as AddressInfo).port}/hook;t=${secret}?key=${secret}`;
}

async function start(context: TestContext) {
  const origin = new HttpOriginServer({ clock: systemClock, films: film });
  const url = `http://127.0.0.1:${await origin.listen()}`;
  context.after(() => origin.close());
  origin.always(({ target }) => {
    if (target.startsWith('/moved')) return { status: 302, fields: { location: `/signed;t=${secret}?sig=${secret}` } };
    if (target.startsWith('/refused')) return { status: 403, fields: fieldsOfAnswers };
    if (target.startsWith('/cut')) return { hangUp: 'reset' };
    return { fields: fieldsOfAnswers };
  });
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-secrets-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const endpoint = await startHook(context, url);
  const origins = {
    films: { url, keyHeaders: ['cookie'], firstByteTimeout: '300ms' },
    own: { url: `${url.replace('://', `://user:${secret}@`)}/base;t=${secret}`, headers: { 'x-key': secret } },
    hooked: { url, refresh: { endpoint } },
  };
  const flags = { listen: ['127.0.0.1:0'], origins, cacheDir: directory, logLevel: 'debug', summaryInterval: '1s' };
  const { settings, sources } = loadSettings({ flags, env: { FIRSTBYTE_TOKEN: token } });
  const log: string[] = [];
  const daemon = await startDaemon(settings, { log: (line) => log.push(line), settingSources: sources });
  context.after(() => daemon.kill());
  const events: DomainEvent[] = [];
  daemon.events.subscribe((event) => events.push(event));
  return { daemon, directory, events, log, url };
}

/** Targets with a secret in each part that can have one. */
const targets = [
  `/films/query.mp4?token=${secret}`,
  `/films/path.mp4;jsessionid=${secret}`,
  `/films/folder;a=1;b=${secret}/path.mp4`,
  `/films/encoded.mp4%3Btoken%3D${secret}`,
  `/films/http://user:${secret}@host/url.mp4`,
  `/films/moved.mp4;t=${secret}`,
  `/films/refused.mp4;t=${secret}`,
  `/films/cut.mp4;t=${secret}?x=${secret}`,
  `/films/..;t=${secret}/refused.mp4`,
  `/own/query.mp4?token=${secret}`,
  `/hooked/query.mp4;t=${secret}?token=${secret}`,
  `/nowhere;t=${secret}/query.mp4`,
];

const fieldsOfClients = {
  authorization: `Bearer ${secret}`,
  cookie: `session=${secret}`,
  referer: `http://host/${secret}`,
  'user-agent': secret,
  'x-plex-token': secret,
};

const control = { authorization: `Bearer ${token}` };

/** Everything that the control API tells of itself, and of each object, fill and job. */
async function tellAll(base: string, daemon: Daemon): Promise<Map<string, string>> {
  const { body } = await send(base, '/-/api/v1/openapi.json', { fields: control });
  const paths = Object.entries(JSON.parse(body.toString()).paths as Record<string, object>);
  const shown = paths.filter(([path, methods]) => 'get' in methods && path !== '/-/events').map(([path]) => path);
  const page = await daemon.holdings.page();
  assert.ok(typeof page === 'object' && page.objects.length >= 6, 'there is something to tell of');
  const ids = [...page.objects.map(({ id }) => id), '1', '2'];
  const told = new Map<string, string>();
  for (const path of shown) {
    for (const id of path.includes('{id}') ? ids : ['']) {
      // The bytes of a film are not what is looked through.
      if (path.endsWith('/content')) continue;
      const name = path.replace('{id}', id);
      told.set(name, (await send(base, name, { fields: control })).told);
    }
  }
  told.set('/-/', (await send(base, '/-/', { fields: control })).told);
  return told;
}

async function stream(base: string): Promise<{ readonly text: () => string; end(): void }> {
  const { hostname, port } = new URL(base);
  const sent = request({ hostname, port, path: '/-/events?after=0', headers: control });
  sent.on('error', () => {});
  sent.end();
  const [answer] = await once(sent, 'response');
  let text = '';
  answer.setEncoding('utf8').on('data', (part: string) => (text += part));
  answer.on('error', () => {});
  return { text: () => text, end: () => sent.destroy() };
}

test('a planted secret is told by nothing, and written down nowhere', async (context) => {
  const { daemon, directory, events, log, url } = await start(context);
  const [base = ''] = daemon.addresses;
  const statuses: number[] = [];
  const replies: string[] = [];
  for (const target of targets) {
    for (const fields of [{}, fieldsOfClients]) {
      const reply = await send(base, target, { fields });
      statuses.push(reply.status);
      if (reply.status === 200) assert.ok(reply.body.equals(film.bytesAt(0, film.size)), target);
      if (reply.status === 200 || reply.status === 206) replies.push(reply.told.slice(0, 2000));
    }
  }
  assert.deepEqual(
    [200, 400, 403, 404].filter((status) => !statuses.includes(status)),
    [],
    'each kind of answer',
  );
  assert.ok(
    statuses.some((status) => status >= 500),
    'an error of our own too',
  );

  const source = {
    url: `${url.replace('://', `://user:${secret}@`)}/film.mp4;t=${secret}?sig=${secret}`,
    network: 'private',
  };
  const api = { method: 'POST', fields: control };
  const added = await send(base, '/-/api/v1/sources', { ...api, body: { ...source, headers: { 'x-key': secret } } });
  assert.equal(added.status, 201);
  assert.equal((await send(base, JSON.parse(added.body.toString()).play)).status, 200);
  for (const target of [
    `/warm.mp4;t=${secret}?token=${secret}`,
    `/../warm.mp4?token=${secret}`,
    `warm?token=${secret}`,
  ]) {
    const warmed = await send(base, '/-/api/v1/jobs', {
      ...api,
      body: { kind: 'warm', origin: 'films', target, whole: true },
    });
    replies.push(warmed.told);
  }
  const followed = await stream(base);
  const told = await tellAll(base, daemon);
  while (!followed.text().includes('request-done')) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.match(followed.text(), /query\.mp4/);
  followed.end();
  await daemon.stop();

  told.set('replies', replies.join('\n'));
  told.set('events', JSON.stringify(events));
  told.set('the stream of events', followed.text());
  told.set('the log', log.join(''));
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries.map(({ parentPath, name }) => join(parentPath, name));
  told.set('names of files', names.join('\n'));
  for (const { parentPath, name } of entries.filter((entry) => entry.isFile() && entry.parentPath === directory)) {
    told.set(name, await readFile(join(parentPath, name), 'latin1'));
  }
  assert.ok(told.get('index.sqlite')?.includes('query.mp4'), 'the index holds what is looked for around the secrets');
  for (const [what, text] of told) {
    const at = text.indexOf(secret);
    assert.equal(at, -1, `${what}: …${text.slice(Math.max(0, at - 200), at + 100)}…`);
  }
});
