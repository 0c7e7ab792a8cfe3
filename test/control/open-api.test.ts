/** `openapi.json` is the contract: a stranger's validator takes it, and every path answers as it says. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { startSlowOrigin } from '../../demo/slow-origin.ts';
import { loadSettings } from '../../src/config.ts';
import { type Daemon, startDaemon } from '../../src/daemon.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

interface Operation {
  readonly responses: Record<string, { content?: Record<string, { schema?: object }> }>;
  readonly security?: object[];
  readonly requestBody?: { content: Record<string, { schema: object }> };
}

interface OpenApi {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

const token = 'the-token-of-the-operator';
const demo = join(import.meta.dirname, '../../demo');

let daemon: Daemon;
let base: string;
let document: OpenApi;
let ajv: Ajv2020;
const called = new Set<string>();
const endings: Array<() => Promise<unknown>> = [];

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-test-'));
  const origin = await startSlowOrigin({ folder: demo, silence: 0, rate: 1e9 });
  const slow = await startSlowOrigin({ folder: demo, silence: 0, rate: 10_000 });
  const origins = { films: { url: origin.url }, slow: { url: slow.url } };
  const flags = { listen: ['127.0.0.1:0'], origins, cacheDir: directory, token, logLevel: 'error' };
  const load = () => loadSettings({ flags, env: {} });
  const { settings, sources } = load();
  daemon = await startDaemon(settings, { log: () => {}, settingSources: sources, load });
  endings.push(
    () => daemon.stop(),
    () => origin.close(),
    () => slow.close(),
    () => rm(directory, { recursive: true }),
  );
  base = daemon.addresses[0] ?? '';
  const reply = await fetch(`${base}-/api/v1/openapi.json`, { headers: { authorization: `Bearer ${token}` } });
  document = (await reply.json()) as OpenApi;
  // The schemas of OpenAPI 3.1 are JSON Schema 2020-12; `example` is a word of its own.
  ajv = new Ajv2020({ strict: true, allowUnionTypes: true, keywords: ['components', 'example'] });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema({ $id: 'api', components: document.components });
});

after(async () => {
  for (const end of endings) await end();
});

/** Calls one operation of the document and holds the answer to it. */
async function call(method: string, path: string, at: string = path, content: unknown = {}): Promise<Answer> {
  called.add(`${method} ${path}`);
  const operation = document.paths[path]?.[method];
  assert.ok(operation, `the document has no ${method} ${path}`);
  const reply = await fetch(new URL(at, base), {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(method === 'get' ? {} : { body: JSON.stringify(content) }),
  });
  const type = reply.headers.get('content-type')?.split(';')[0] ?? '';
  const response = operation.responses[reply.status];
  assert.ok(response, `${method} ${path} answered ${reply.status}, which it does not describe`);
  const text = type === 'application/octet-stream' ? (await reply.arrayBuffer()).byteLength : await reply.text();
  if (response.content === undefined) {
    assert.equal(text, '');
    return { status: reply.status, type, body: null };
  }
  const schema = response.content[type]?.schema;
  assert.ok(schema, `${method} ${path} answered ${reply.status} with ${type}, which it does not describe`);
  const body = type.endsWith('json') ? JSON.parse(String(text)) : text;
  if (type.endsWith('json')) assertMatches(schema, body, `${method} ${path} ${reply.status}`);
  return { status: reply.status, type, body };
}

function assertMatches(schema: object, value: unknown, what: string): void {
  const placed = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/'));
  const validate = ajv.compile(placed);
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value).slice(0, 500)}`);
}

/** A field of an answer. */
function at(body: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((value, step) => Reflect.get(Object(value), step), body);
}

async function ended(id: unknown): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = daemon.events.subscribe((event) => {
    if (event.type === 'job-done' && event.job === id) resolve();
  });
  const { body } = await call('get', '/-/api/v1/jobs/{id}', `/-/api/v1/jobs/${id}`);
  if (at(body, 'state') === 'running') await promise;
  stop();
  return (await call('get', '/-/api/v1/jobs/{id}', `/-/api/v1/jobs/${id}`)).body;
}

const v1 = '/-/api/v1';

describe('the document of the control API', () => {
  it('is OpenAPI 3.1 for a validator of somebody else', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate({ ...document });
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, '3.1');
  });

  it('describes health, readiness, counts, settings and the store as they are answered', async () => {
    for (const path of ['/-/health', '/-/ready', '/-/metrics', `${v1}/stats`, `${v1}/config`, `${v1}/store`]) {
      assert.equal((await call('get', path)).status, 200, path);
    }
    const { body } = await call('get', `${v1}/config`);
    const settings = at(body, 'settings') as { key: string; value: string; source: string }[];
    const secret = settings.find(({ key }) => key === 'token');
    assert.deepEqual([secret?.value, secret?.source], ['***', 'flag']);
    assert.ok(!JSON.stringify(body).includes(token));
  });

  it('describes long work from its start to its end', async () => {
    const warm = { kind: 'warm', origin: 'films', target: '/film.mp4', whole: true };
    const started = await call('post', `${v1}/jobs`, `${v1}/jobs`, warm);
    assert.equal(started.status, 202);
    const job = await ended(at(started.body, 'id'));
    assert.deepEqual([at(job, 'state'), at(job, 'done')], ['done', at(job, 'total')]);
    const verified = await call('post', `${v1}/jobs`, `${v1}/jobs`, { kind: 'verify', repair: true });
    assert.equal(at(await ended(at(verified.body, 'id')), 'result', 'objects'), 1);
    assert.equal(at(verified.body, 'title'), null);
    const endless = { ...warm, origin: 'slow' };
    const { body } = await call('post', `${v1}/jobs`, `${v1}/jobs`, endless);
    const id = at(body, 'id');
    assert.deepEqual(at(body, 'title'), { origin: 'slow', path: '/film.mp4' });
    assert.equal(at((await call('delete', `${v1}/jobs/{id}`, `${v1}/jobs/${id}`)).body, 'state'), 'cancelled');
    assert.equal((await call('delete', `${v1}/jobs/{id}`, `${v1}/jobs/${id}`)).status, 409);
    assert.equal(at((await call('get', `${v1}/jobs`)).body, 'jobs', 'length'), 3);
    assert.equal((await call('get', `${v1}/jobs/{id}`, `${v1}/jobs/99`)).status, 404);
    for (const wrong of [{}, { kind: 'warm' }, { ...warm, head: 5 }, { ...warm, target: 'x' }, { kind: 'verify' }]) {
      assert.equal((await call('post', `${v1}/jobs`, `${v1}/jobs`, wrong)).status, 400);
    }
    assert.equal((await call('post', `${v1}/jobs`, `${v1}/jobs`, { ...warm, origin: 'none' })).status, 404);
  });

  it('describes what is held, and each thing that can be done with it', async () => {
    const page = await call('get', `${v1}/objects`, `${v1}/objects?q=film&origin=films&sort=-bytes&limit=1`);
    const id = at(page.body, 'objects', 0, 'id');
    assert.equal(at(page.body, 'objects', 0, 'state'), 'complete');
    const one = `${v1}/objects/${id}`;
    assert.equal((await call('get', `${v1}/objects/{id}`, one)).status, 200);
    assert.equal(at((await call('put', `${v1}/objects/{id}/pin`, `${one}/pin`)).body, 'pinned'), true);
    const pinned = await call('get', `${v1}/objects`, `${v1}/objects?pinned=true`);
    assert.equal(at(pinned.body, 'total'), 1);
    assert.equal(at((await call('delete', `${v1}/objects/{id}/pin`, `${one}/pin`)).body, 'pinned'), false);
    const { body: bytes } = await call('get', `${v1}/objects/{id}/content`, `${one}/content`);
    assert.equal(bytes, at(page.body, 'objects', 0, 'length'));
    assert.equal((await call('delete', `${v1}/objects/{id}`, one)).status, 204);
    for (const [method, path] of [
      ['get', ''],
      ['delete', ''],
      ['put', '/pin'],
      ['delete', '/pin'],
      ['get', '/content'],
    ] as const) {
      assert.equal((await call(method, `${v1}/objects/{id}${path}`, `${one}${path}`)).status, 404, method + path);
    }
    for (const wrong of ['?sort=x', '?limit=0', '?limit=1001', '?state=x', '?pinned=x', '?cursor=x']) {
      assert.equal((await call('get', `${v1}/objects`, `${v1}/objects${wrong}`)).status, 400, wrong);
    }
    for (const wrong of ['', '?origin=films', '?prefix=/', '?all=yes', '?all=true&origin=films']) {
      assert.equal((await call('delete', `${v1}/objects`, `${v1}/objects${wrong}`)).status, 400, wrong);
    }
    const prefix = await call('delete', `${v1}/objects`, `${v1}/objects?origin=films&prefix=/`);
    assert.deepEqual(prefix.body, { removed: 0, bytes: 0 });
  });

  it('describes fills, also while somebody reads', async () => {
    const playing = new AbortController();
    const film = await fetch(`${base}slow/film.mp4`, { signal: playing.signal });
    assert.equal(film.status, 200);
    const { body } = await call('get', `${v1}/fills`);
    const fill = (at(body, 'fills') as { id: number; origin: string }[]).find(({ origin }) => origin === 'slow');
    const one = `${v1}/fills/${fill?.id}`;
    assert.equal(at((await call('get', `${v1}/fills/{id}`, one)).body, 'readers', 'length'), 1);
    assert.equal((await call('post', `${v1}/fills/{id}/resume`, `${one}/resume`)).status, 409);
    assert.equal(at((await call('post', `${v1}/fills/{id}/pause`, `${one}/pause`)).body, 'phase'), 'paused');
    assert.equal((await call('post', `${v1}/fills/{id}/pause`, `${one}/pause`)).status, 409);
    const missing = await fetch(`${base}slow/film.mp4`, { headers: { range: 'bytes=-1' } });
    assert.equal(missing.status, 503);
    assert.match(await missing.text(), /paused/);
    const objectId = at(body, 'fills', 0, 'objectId');
    assert.equal((await call('get', `${v1}/objects/{id}/content`, `${v1}/objects/${objectId}/content`)).status, 409);
    assert.equal((await call('get', `${v1}/objects/{id}`, `${v1}/objects/${objectId}`)).status, 200);
    assert.equal((await call('post', `${v1}/fills/{id}/resume`, `${one}/resume`)).status, 200);
    const again = await fetch(`${base}slow/film.mp4`, { headers: { range: 'bytes=-1' } });
    assert.deepEqual([again.status, (await again.arrayBuffer()).byteLength], [206, 1]);
    for (const path of ['', '/pause', '/resume']) {
      const method = path === '' ? 'get' : 'post';
      assert.equal((await call(method, `${v1}/fills/{id}${path}`, `${v1}/fills/99${path}`)).status, 404);
    }
    playing.abort();
  });

  it('describes sources', async () => {
    const url = `${base}films/film.mp4`;
    const added = await call('post', `${v1}/sources`, `${v1}/sources`, { url, network: 'private', ttl: 60_000 });
    assert.equal(added.status, 201);
    const { body } = await call('get', `${v1}/sources`);
    assert.ok(!JSON.stringify(body).includes('films'), 'a URL is not shown');
    const id = at(body, 'sources', 0, 'id');
    assert.equal((await call('delete', `${v1}/sources/{id}`, `${v1}/sources/${id}`)).status, 204);
    assert.equal((await call('delete', `${v1}/sources/{id}`, `${v1}/sources/${id}`)).status, 404);
    assert.equal((await call('post', `${v1}/sources`, `${v1}/sources`, { url })).status, 403);
    for (const wrong of [{}, { url: 'x' }, { url, ttl: 0 }, { url, name: 'a/b' }, { url, headers: { range: 'x' } }]) {
      assert.equal((await call('post', `${v1}/sources`, `${v1}/sources`, wrong)).status, 400);
    }
  });

  it('describes the last hour, and what keeps anybody from following the events', async () => {
    assert.equal((await call('get', `${v1}/history`, `${v1}/history?minutes=5`)).status, 200);
    assert.equal((await call('get', `${v1}/history`, `${v1}/history?minutes=61`)).status, 400);
    assert.equal((await call('get', '/-/events', '/-/events?types=weather')).status, 400);
  });

  it('describes the files of a folder, and what has changed of the configuration', async () => {
    assert.equal((await call('get', `${v1}/files`, `${v1}/files?origin=films&folder=/`)).status, 404);
    assert.equal((await call('get', `${v1}/files`, `${v1}/files?origin=films&folder=x`)).status, 400);
    const reloaded = await call('post', `${v1}/reload`);
    assert.deepEqual([reloaded.status, at(reloaded.body, 'changed')], [200, []]);
  });

  it('describes origins and their limits', async () => {
    assert.equal(at((await call('get', `${v1}/origins`)).body, 'origins', 'length'), 2);
    const path = `${v1}/origins/{name}`;
    const changed = await call('patch', path, `${v1}/origins/films`, {
      maxConnections: 3,
      maxRate: 1e6,
      maxRequestRate: 9,
    });
    assert.deepEqual(at(changed.body, 'limits'), { maxConnections: 3, maxRate: 1e6, maxRequestRate: 9 });
    assert.equal((await call('patch', path, `${v1}/origins/films`, {})).status, 400);
    assert.equal((await call('patch', path, `${v1}/origins/films`, { maxRate: 1 })).status, 400);
    assert.equal((await call('patch', path, `${v1}/origins/none`, { maxRate: null })).status, 404);
  });

  it('names the title of long work, and nothing of its query', async () => {
    const warm = { kind: 'warm', origin: 'films', target: '/film.mp4?signature=secret', head: 1 };
    const { body } = await call('post', `${v1}/jobs`, `${v1}/jobs`, warm);
    assert.deepEqual(at(body, 'title'), { origin: 'films', path: '/film.mp4' });
    assert.ok(!JSON.stringify(await ended(at(body, 'id'))).includes('secret'));
  });

  it('is true for the session of the page', async () => {
    const given = await call('post', `${v1}/session`, `${v1}/session`, {});
    assert.equal(given.status, 204);
  });

  it('has nothing that was not called', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    assert.deepEqual(
      described.filter((operation) => !called.has(operation)),
      [],
    );
    assert.ok(described.length > 20);
  });

  it('has a sentence about each operation, and says which take a token and JSON', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        assert.ok('summary' in operation, `${method} ${path}`);
        if (method === 'get') continue;
        assert.ok(operation.requestBody, `${method} ${path} takes JSON`);
        assert.deepEqual(operation.security, [{ token: [] }], `${method} ${path} takes a token`);
      }
    }
  });
});
