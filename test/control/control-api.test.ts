import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Folders } from '../../src/admin/folders.ts';
import { Holdings } from '../../src/admin/holdings.ts';
import { Sources } from '../../src/admin/sources.ts';
import { Cache } from '../../src/cache/cache.ts';
import { fillLine } from '../../src/cli/fill-words.ts';
import { nextTurn } from '../../src/clock.ts';
import { createControl } from '../../src/control/control-api.ts';
import type { ControlOptions } from '../../src/control/control-options.ts';
import { noClients } from '../../src/control/gauges.ts';
import type { SummaryLine } from '../../src/control/summary.ts';
import { type DomainEvent, EventBus } from '../../src/events.ts';
import type { FillView } from '../../src/fill/view.ts';
import { nothingLent } from '../../src/lent.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { defaultPolicy } from '../fill/policy.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import * as sample from './sample-events.ts';

const localToken = 'the local token of this start';
const bearing = { authorization: `Bearer ${localToken}` };
const json = { 'content-type': 'application/json' };

/** As they were before any test ran. */
const { Request, Response } = globalThis;

interface Answer {
  status: number;
  fields: IncomingHttpHeaders;
  body: string;
}

interface Served {
  clock: VirtualClock;
  events: EventBus;
  seen: DomainEvent[];
  port: number;
  stop(): void;
  get(path: string, options?: { method?: string; fields?: Record<string, string>; body?: string }): Promise<Answer>;
}

/** The control API on a loopback port of its own. */
async function serve(
  context: TestContext,
  options: Partial<ControlOptions> = {},
  localAddress?: string,
): Promise<Served> {
  const clock = new VirtualClock();
  const events = new EventBus();
  const seen: DomainEvent[] = [];
  events.subscribe((event) => seen.push(event));
  const store = createMemoryStore({ clock });
  const parts = { mounts: new Map(), mediaFreshness: 0, policy: defaultPolicy, random: () => 0.5 };
  const cache = new Cache({ ...parts, store, clock, events });
  const open = () => assert.fail('nobody hands in a source here');
  const control = createControl({
    fills: cache,
    holdings: new Holdings({ cache, store, events, clock }),
    sources: new Sources({ cache, clock, isPrivateHost: () => false, open }),
    folders: new Folders(cache, clock),
    origins: () => [],
    settings: () => [],
    unready: () => null,
    clients: () => noClients,
    lent: () => nothingLent,
    events,
    clock,
    ...options,
  });
  const server: Server = createServer((incoming, response) => {
    if (localAddress !== undefined) Object.defineProperty(incoming.socket, 'localAddress', { value: localAddress });
    control.listener(incoming, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    control.stop();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const get: Served['get'] = (path, { method = 'GET', fields = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      // Node frames the content of a DELETE by nothing of its own.
      const headers = body === undefined ? fields : { ...fields, 'content-length': Buffer.byteLength(body) };
      const outgoing = request({ host: '127.0.0.1', port, path, method, headers }, async (incoming) => {
        const parts: Buffer[] = [];
        for await (const part of incoming) parts.push(part);
        resolve({ status: incoming.statusCode ?? 0, fields: incoming.headers, body: Buffer.concat(parts).toString() });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  return { clock, events, seen, port, stop: control.stop, get };
}

function assertProblem({ status, fields, body }: Answer, expected: number): void {
  assert.equal(status, expected);
  assert.equal(fields['content-type'], 'application/problem+json');
  const problem = JSON.parse(body);
  assert.deepEqual(Object.keys(problem), ['type', 'title', 'status', 'detail']);
  assert.equal(problem.status, expected);
  assertSecured(fields);
}

function assertSecured(fields: IncomingHttpHeaders): void {
  assert.equal(fields['x-content-type-options'], 'nosniff');
  assert.equal(fields['cache-control'], 'no-store');
  assert.match(String(fields['content-security-policy']), /^default-src 'none'/);
  assert.equal(fields['cross-origin-resource-policy'], 'same-origin');
}

test('health says ok while the process answers', async (context) => {
  const { get } = await serve(context);
  const { status, fields, body } = await get('/-/health');
  assert.equal(status, 200);
  assert.match(String(fields['content-type']), /^application\/json/);
  assert.deepEqual(JSON.parse(body), { status: 'ok' });
});

test('every path carries the security fields', async (context) => {
  const { get } = await serve(context);
  for (const path of [
    '/-/health',
    '/-/api/v1/fills',
    '/-/api/v1/origins',
    '/-/api/v1/stats',
    '/-/metrics',
    '/-/none',
  ]) {
    assertSecured((await get(path)).fields);
  }
});

test('origins appear with their reachability, connections and measures', async (context) => {
  const reachability = {
    state: { phase: 'open', contact: 'failing', since: 0, nextProbeAt: 9000, cause: 'connection_refused' },
  } as const;
  const slots = { used: 0, queued: 2, limit: 1, allowed: 1, isSerial: false };
  const throttle = { rate: null };
  const requests = { rate: null };
  const origins = [{ name: 'films', base: 'https://media.example/', reachability, slots, throttle, requests }];
  const { events, get } = await serve(context, { origins: () => origins });
  events.emit(sample.bytesLanded(10));
  const [films, ...others] = JSON.parse((await get('/-/api/v1/origins')).body).origins;
  assert.deepEqual(others, []);
  assert.deepEqual([films.contact, films.breaker.state], ['out of reach', 'open']);
  assert.deepEqual(films.connections, { used: 0, queued: 2, limit: 1 });
  assert.equal(films.bytesIn, 10);
});

test('HEAD is answered like GET, without the body', async (context) => {
  const { get } = await serve(context);
  const { status, body } = await get('/-/health', { method: 'HEAD' });
  assert.deepEqual([status, body], [200, '']);
});

test('a fill tells whether its line is fast enough, and what lies ahead of a player in seconds of film', async (context) => {
  const words = 'this line gives 2.6 Mbit/s, the film needs 6.0 Mbit/s: it will stall';
  const view: FillView = {
    id: 1,
    objectId: 'ab'.repeat(32),
    origin: 'films',
    path: '/a.mkv',
    state: { phase: 'filling', since: 0, stalled: null },
    length: 10_000_000,
    present: [{ start: 0, end: 3_000_000 }],
    durable: [],
    fetches: [],
    readers: [{ position: 1_500_000, end: null, speed: 5_000_000, wait: null }],
    waiters: 0,
    line: { needs: 750_000.4, gives: 325_000.4, outcome: 'will stall', words },
  };
  const { get } = await serve(context, { fills: { fills: () => [view] } });
  const [fill] = JSON.parse((await get('/-/api/v1/fills')).body).fills;
  assert.deepEqual(fill.line, { needs: 750_000, gives: 325_000, outcome: 'will stall', words });
  assert.equal(fill.readers[0].secondsAhead, 2);
  assert.match(fillLine(fill), /2 s ahead · this line gives 2\.6 Mbit\/s, the film needs 6\.0 Mbit\/s: it will stall$/);
});

test('fills appear with their phase, its reason in words, and who writes and reads', async (context) => {
  const view: FillView = {
    id: 7,
    objectId: 'ab'.repeat(32),
    origin: 'films',
    path: '/a.mkv',
    state: { phase: 'starting', wait: { since: 0, until: 30_000 }, attempt: 1, lastFailure: null },
    length: 1_000,
    present: [
      { start: 0, end: 100 },
      { start: 900, end: 1_000 },
    ],
    durable: [],
    fetches: [
      {
        position: 100,
        until: null,
        speed: null,
        state: 'retrying',
        attempt: 2,
        lastFailure: 'The origin answered 503.',
        retryAt: 13_000,
      },
      { position: 900, until: 1000, speed: 12.4, state: 'starting', attempt: 1, lastFailure: null, retryAt: null },
    ],
    readers: [
      { position: 100, end: null, speed: 0, wait: { since: 0, until: 30_000 } },
      { position: 40, end: null, speed: 20, wait: null },
    ],
    waiters: 1,
    line: null,
  };
  const { clock, events, get } = await serve(context, { fills: { fills: () => [view] } });
  events.emit({ ...sample.fillState('idle', 'queued'), fill: 7 });
  events.emit(sample.retry({ fill: 7, kind: 'heal', cause: 'stall' }));
  await clock.advance(12_400);
  const [fill] = JSON.parse((await get('/-/api/v1/fills')).body).fills;
  assert.deepEqual([fill.id, fill.objectId, fill.path, fill.phase], [7, view.objectId, '/a.mkv', 'starting']);
  assert.equal(fill.reason, 'waiting for the origin: 12.4 s of 30 s, attempt 1');
  assert.deepEqual(
    [fill.presentBytes, fill.present],
    [
      200,
      [
        [0, 100],
        [900, 1000],
      ],
    ],
  );
  assert.deepEqual(
    fill.cursors.map((cursor: Record<string, unknown>) => [cursor.state, cursor.nextTryIn, cursor.speed, cursor.until]),
    [
      ['retrying', 600, null, null],
      ['starting', null, 12, 1000],
    ],
  );
  assert.deepEqual(fill.readers, [
    { position: 100, speed: 0, ahead: 0, secondsAhead: null, waiting: true, waitedMs: 12_400, waitLeftMs: 17_600 },
    { position: 40, speed: 20, ahead: 60, secondsAhead: 3, waiting: false, waitedMs: null, waitLeftMs: null },
  ]);
  assert.deepEqual([fill.timeline.heals, fill.timeline.retries], [1, 0]);
  assert.equal(fill.lastError.message, 'The origin was asked again: it fell silent in the middle.');
});

test('stats give the counts since the start', async (context) => {
  const { events, get } = await serve(context);
  events.emit(sample.requestDone());
  events.emit(sample.ownError());
  const stats = JSON.parse((await get('/-/api/v1/stats')).body);
  assert.equal(stats.requests.byOutcome.served, 1);
  assert.equal(stats.ownErrors.count, 1);
  assert.equal(stats.ownErrors.last[0].message, 'The origin said nothing for 30 s.');
});

test('metrics come in the Prometheus text format', async (context) => {
  const { events, get } = await serve(context);
  events.emit(sample.bytesLanded(7));
  const { fields, body } = await get('/-/metrics');
  assert.equal(fields['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(body, /^firstbyte_landed_bytes_total\{origin="films"\} 7$/m);
});

test('the summary line is written at its interval', async (context) => {
  const lines: SummaryLine[] = [];
  const { clock, events } = await serve(context, { summary: { interval: 30_000, write: (line) => lines.push(line) } });
  events.emit(sample.requestDone());
  await clock.advance(30_000);
  assert.deepEqual(lines, [{ uptimeSeconds: 30, requests: { served: 1 }, cache: { miss: 1 } }]);
});

test('after stop nothing is counted, kept or summed up', async (context) => {
  const lines: SummaryLine[] = [];
  const { clock, events, get, stop } = await serve(context, {
    summary: { interval: 1, write: (line) => lines.push(line) },
  });
  stop();
  events.emit(sample.ownError());
  await clock.advance(10);
  const { ownErrors } = JSON.parse((await get('/-/api/v1/stats')).body);
  assert.deepEqual([lines, ownErrors], [[], { count: 0, by: [], last: [] }]);
});

test('an unknown path is 404', async (context) => {
  const { get } = await serve(context);
  assertProblem(await get('/-/api/v1/none'), 404);
});

test('the page of another site gets 403, told by Origin', async (context) => {
  const { get } = await serve(context);
  assertProblem(await get('/-/api/v1/fills', { fields: { origin: 'https://evil.example' } }), 403);
});

test('the page of another site gets 403, told by Sec-Fetch-Site', async (context) => {
  const { get } = await serve(context);
  assertProblem(await get('/-/api/v1/fills', { fields: { 'sec-fetch-site': 'cross-site' } }), 403);
});

test('a page served from here may ask', async (context) => {
  const { get, port } = await serve(context);
  const fields = { origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' };
  assert.equal((await get('/-/api/v1/fills', { fields })).status, 200);
});

test('a form POST is 415, also with the token', async (context) => {
  const { get } = await serve(context, { localToken });
  const fields = { ...bearing, 'content-type': 'application/x-www-form-urlencoded' };
  assertProblem(await get('/-/api/v1/jobs', { method: 'POST', fields, body: 'kind=verify' }), 415);
});

for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
  test(`${method} without the token is 401 with a challenge`, async (context) => {
    const { get } = await serve(context, { localToken });
    const answer = await get('/-/api/v1/objects?all=true', { method, fields: json, body: '{}' });
    assertProblem(answer, 401);
    assert.match(String(answer.fields['www-authenticate']), /^Bearer/);
  });
}

test('a method that a path does not know is 405 and says what is allowed', async (context) => {
  const { get } = await serve(context, { localToken });
  const answer = await get('/-/api/v1/objects', { method: 'POST', fields: { ...bearing, ...json }, body: '{}' });
  assertProblem(answer, 405);
  assert.equal(answer.fields.allow, 'GET, HEAD, DELETE');
  assert.equal((await get('/-/api/v1/fills', { method: 'OPTIONS' })).fields.allow, 'GET, HEAD');
});

test('a job may name a hundred thousand objects', async (context) => {
  const { get } = await serve(context, { localToken });
  const ids = Array.from({ length: 100_000 }, (_, number) => String(number).padStart(64, '0'));
  const body = JSON.stringify({ kind: 'verify', repair: false, ids });
  const { status } = await get('/-/api/v1/jobs', { method: 'POST', fields: { ...json, ...bearing }, body });
  assert.equal(status, 202);
});

test('a path that is not percent-encoded, and a name that is no text, are 400 and told', async (context) => {
  const { get, seen } = await serve(context, { localToken });
  const fields = { ...json, ...bearing };
  for (const target of ['/a b', '/ü', '/a\nb']) {
    const body = JSON.stringify({ kind: 'warm', origin: 'films', target, whole: true });
    const answer = await get('/-/api/v1/jobs', { method: 'POST', fields, body });
    assertProblem(answer, 400);
    assert.match(
      JSON.parse(answer.body).detail,
      /"target" in the content \(.*\): a path with its query, percent-encoded/,
    );
  }
  const body = JSON.stringify({ kind: 'warm', origin: 'films', whole: true });
  const nameless = await get('/-/api/v1/jobs', { method: 'POST', fields, body });
  assertProblem(nameless, 400);
  assert.equal(JSON.parse(nameless.body).detail, '"target" in the content is missing.');
  const folder = await get('/-/api/v1/files?origin=films&folder=/a%20b/');
  assertProblem(folder, 400);
  assert.match(JSON.parse(folder.body).detail, /"folder" in the query \("\/a b\/"\): a path, percent-encoded/);
  const source = JSON.stringify({ url: 'https://media.example/a', name: '\ud800.mkv' });
  assertProblem(await get('/-/api/v1/sources', { method: 'POST', fields, body: source }), 400);
  assert.deepEqual(seen, []);
});

test('content that is no JSON is 400, and content without end 413', async (context) => {
  const { get } = await serve(context, { localToken });
  const fields = { ...bearing, ...json };
  assertProblem(await get('/-/api/v1/jobs', { method: 'POST', fields, body: '{bad' }), 400);
  assertProblem(await get('/-/api/v1/jobs', { method: 'POST', fields }), 400);
  assertProblem(await get('/-/api/v1/jobs', { method: 'POST', fields, body: `"${'x'.repeat(8_388_608)}"` }), 413);
});

/** Sends these bytes to the API, and resolves with what comes until it ends the connection. */
async function exchanged(port: number, ...sent: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  for (const bytes of sent) socket.write(bytes);
  return (await socket.toArray()).join('');
}

test('content means the same however it is framed, and none is told how to be sent', async (context) => {
  const { port } = await serve(context, { localToken });
  const framings = [
    ['by its length', (body: string) => `Content-Length: ${body.length}\r\n\r\n${body}`],
    [
      'in chunks',
      (body: string) =>
        `Transfer-Encoding: chunked\r\n\r\n1\r\n${body[0]}\r\n${(body.length - 1).toString(16)}\r\n${body.slice(1)}\r\n0\r\n\r\n`,
    ],
    ['by nothing', () => '\r\n'],
  ] as const;
  const requests = [
    ['POST /-/api/v1/jobs', { kind: 'warm', origin: 'none', target: '/a', whole: true }, '404'],
    ['DELETE /-/api/v1/objects/none', {}, '404'],
    ['PUT /-/api/v1/objects/none/pin', {}, '404'],
  ] as const;
  for (const [line, body, status] of requests) {
    for (const [how, framed] of framings) {
      const head = `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: ${bearing.authorization}\r\n`;
      const answer = await exchanged(port, head + framed(JSON.stringify(body)));
      const expected = how === 'by nothing' ? '400' : status;
      assert.equal(answer.slice(9, 12), expected, `${line}, ${how}: ${answer}`);
    }
  }
});

test('content that does not come is not waited for for ever', async (context) => {
  const { port, clock } = await serve(context, { localToken });
  const head = `POST /-/api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: ${bearing.authorization}\r\nContent-Length: 2\r\n\r\n`;
  const answer = exchanged(port, `${head}{`);
  while (clock.pending === 0) await nextTurn();
  await clock.advance(10_000);
  assert.match(await answer, /^HTTP\/1\.1 408 .*did not come within 10 s/s);
});

test('no page of another site is ever let in by CORS', async (context) => {
  const { get } = await serve(context);
  const fields = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  for (const method of ['GET', 'OPTIONS']) {
    const answer = await get('/-/api/v1/fills', { method, fields });
    assertProblem(answer, 403);
    assert.deepEqual(
      Object.keys(answer.fields).filter((name) => name.startsWith('access-control')),
      [],
    );
  }
});

test('ready is 503 and says why while no requests are taken', async (context) => {
  let why: string | null = 'It is shutting down.';
  const { get } = await serve(context, { unready: () => why });
  const answer = await get('/-/ready');
  assertProblem(answer, 503);
  assert.equal(JSON.parse(answer.body).detail, why);
  why = null;
  assert.equal((await get('/-/ready')).status, 200);
});

test('the store says how many reads wait for memory', async (context) => {
  const usage = () => ({ bytes: 5, objects: 1, limit: null, free: null, trouble: null });
  const holdings = { usage, nextToGo: () => [], starved: 3, tryRead: async () => {} };
  const { get } = await serve(context, { holdings: holdings as unknown as Holdings });
  const { starved, bytes } = JSON.parse((await get('/-/api/v1/store')).body);
  assert.deepEqual([starved, bytes], [3, 5]);
});

test('a connection beyond loopback without a configured token is 401', async (context) => {
  const { get } = await serve(context, {}, '192.0.2.1');
  assertProblem(await get('/-/health'), 401);
});

test('with a configured token a request without it is 401 with a challenge, and with it is answered', async (context) => {
  const { get } = await serve(context, { token: 'open sesame' }, '192.0.2.1');
  const refused = await get('/-/health');
  assertProblem(refused, 401);
  assert.match(String(refused.fields['www-authenticate']), /^Bearer/);
  assertProblem(await get('/-/health', { fields: { authorization: 'Bearer open' } }), 401);
  assert.equal((await get('/-/health', { fields: { authorization: 'Bearer open sesame' } })).status, 200);
});

for (const thrown of [new Error('a secret of the inside'), 'a secret of the inside']) {
  test(`${typeof thrown} thrown inside is a bug event and a 500 that tells nothing of it`, async (context) => {
    const fills = () => {
      throw thrown;
    };
    const { get, seen } = await serve(context, { fills: { fills } });
    const answer = await get('/-/api/v1/fills');
    assertProblem(answer, 500);
    assert.doesNotMatch(answer.body, /secret/);
    const bugs = seen.map((event) => (event.type === 'bug' ? event.message : event.type));
    assert.deepEqual(bugs, [String(thrown)]);
  });
}

test('metrics come as OpenMetrics to who asks for that, and as Prometheus text to everyone else', async (context) => {
  const { events, get } = await serve(context);
  events.emit(sample.bug());
  const prometheus = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';
  const open = await get('/-/metrics', { fields: { accept: prometheus } });
  assert.equal(open.fields['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.match(open.body, /\n# TYPE firstbyte_bugs counter\nfirstbyte_bugs_total 1\n/);
  assert.match(open.body, /\n# EOF\n$/);
  assert.doesNotMatch(open.body, /\n\n/);
  for (const accept of ['*/*', 'text/plain', 'application/openmetrics-text;q=0.1,text/plain']) {
    const plain = await get('/-/metrics', { fields: { accept } });
    assert.equal(plain.fields['content-type'], 'text/plain; version=0.0.4; charset=utf-8', accept);
    assert.match(plain.body, /\n# TYPE firstbyte_bugs_total counter\nfirstbyte_bugs_total 1\n/);
    assert.doesNotMatch(plain.body, /# EOF/);
  }
});

for (const minutes of ['0', '61', '-1', '1.5', 'all']) {
  test(`a history of ${minutes} minutes is refused with what would be right`, async (context) => {
    const { get } = await serve(context);
    const answer = await get(`/-/api/v1/history?minutes=${minutes}`);
    assertProblem(answer, 400);
    assert.ok(JSON.parse(answer.body).detail.includes(`"${minutes}"`));
    assert.match(answer.body, /1 to 60/);
  });
}

test('the events go on after the last id of the field, which is newer than that of the query', async (context) => {
  const { clock, events, port } = await serve(context);
  for (let request = 1; request <= 3; request += 1) events.emit(sample.requestDone({ request }));
  const first = clock.wallTime();
  const path = `/-/events?after=${first}`;
  const fields = { 'last-event-id': `${first + 1}` };
  const outgoing = request({ host: '127.0.0.1', port, path, headers: fields }).end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of incoming) {
    text += part;
    if (text.includes('"request":3')) break;
  }
  assert.equal(incoming.headers['content-type'], 'text/event-stream');
  assertSecured(incoming.headers);
  assert.doesNotMatch(text, /"request":[12],/);
});

test('a type of event that does not exist is a problem that names it', async (context) => {
  const { get } = await serve(context);
  const answer = await get('/-/events?types=bugs');
  assertProblem(answer, 400);
  assert.match(JSON.parse(answer.body).detail, /"bugs"/);
});

test("the process's own Request and Response stay what they are", async (context) => {
  await serve(context);
  assert.ok(globalThis.Request === Request && globalThis.Response === Response);
});

test('a token that is given once is stood for by a cookie, where the page asks and nobody else', async (context) => {
  const token = 'correct-horse-battery-staple';
  const { get, port, clock } = await serve(context, { token, localToken });
  const given = await get('/-/api/v1/session', {
    method: 'POST',
    fields: { ...json, authorization: `Bearer ${token}` },
    body: '{}',
  });
  assert.equal(given.status, 204);
  const [cookie = ''] = given.fields['set-cookie'] ?? [];
  assert.match(cookie, new RegExp(`^firstbyte-${port}=`));
  const borne = { cookie: cookie.split(';', 1)[0] ?? '' };
  const page = { ...borne, 'firstbyte-page': '1' };
  const status = async (fields: Record<string, string>) => (await get('/-/api/v1/stats', { fields })).status;
  assert.deepEqual(
    [
      await status(page),
      await status({ ...page, 'sec-fetch-site': 'same-origin' }),
      await status(borne),
      await status({}),
    ],
    [200, 200, 401, 401],
  );
  assert.deepEqual(
    [await status({ ...page, 'sec-fetch-site': 'cross-site' }), await status({ ...page, origin: 'null' })],
    [401, 403],
  );
  const change = (fields: Record<string, string>) =>
    get('/-/api/v1/jobs', { method: 'POST', fields: { ...json, ...fields }, body: '{"kind":"verify","repair":false}' });
  assert.equal((await change(page)).status, 202);
  assert.equal((await change(borne)).status, 401);
  assert.equal(
    (await get('/-/api/v1/session', { method: 'POST', fields: { ...json, ...borne }, body: '{}' })).status,
    401,
  );
  await clock.advance(7 * 86_400_000);
  assert.equal(await status(page), 401);
});

test('a wrong token gets no cookie', async (context) => {
  const { get } = await serve(context, { localToken });
  const fields = { ...json, authorization: 'Bearer wrong' };
  const given = await get('/-/api/v1/session', { method: 'POST', fields, body: '{}' });
  assert.deepEqual([given.status, given.fields['set-cookie']], [401, undefined]);
});
