/** Commands that look at a firstbyte that runs: top, stats, logs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { FillReport } from '../../src/control/answers.ts';
import { json, Stage } from './stage.ts';

test('top shows what is played, why it waits and how fast, and q ends it', async (t) => {
  const stage = await Stage.set(t);
  const url = await stage.serve();
  stage.origin.always({ rate: 20_000 });
  const film = (await fetch(`${url}films/a.mkv`)).body?.getReader();
  await film?.read();

  const top = stage.onTerminal('top');
  await top.prints(/PATH +CACHED +IN +OUT +READERS +AHEAD +STATE/);
  await top.prints(/\/films\/a\.mkv +\d+ %.* downloading/);
  await top.prints(/\/films\/ http:\S+: reached, 1 of 32 connections/);
  top.types('q');
  const { code, out } = await top.ended;
  assert.equal(code, 0);
  assert.ok(out.includes('\x1b[?1049h') && out.trimEnd().endsWith('\x1b[?25h\x1b[?1049l'), 'the screen is given back');

  const once = (await json(stage.run('top', '--once', '--json'))) as { fills: FillReport[] };
  assert.deepEqual(
    once.fills.map(({ path, phase, readers }) => [path, phase, readers.length]),
    [['/a.mkv', 'filling', 1]],
  );
  const plain = await stage.run('top');
  assert.match(plain.out, /downloading for/);
  assert.ok(!plain.out.includes('\x1b'), 'a pipe gets no colours');
  await film?.cancel();
});

test('stats tells the counts in words, and as JSON', async (t) => {
  const stage = await Stage.set(t);
  const url = await stage.serve();
  await (await fetch(`${url}films/sub/d.mp4`)).arrayBuffer();
  await (await fetch(`${url}films/sub/d.mp4`)).arrayBuffer();
  const { code, out } = await stage.run('stats');
  assert.equal(code, 0);
  assert.match(out, /^requests +2: 2 complete$/m);
  assert.match(out, /^downloaded +500 kB: 500 kB films$/m);
  const { bytesLanded } = (await json(stage.run('stats', '--json'))) as { bytesLanded: object };
  assert.deepEqual(bytesLanded, { films: 500_000 });
});

const at = '2026-11-24T20:15:00.000Z';
const done = {
  type: 'request-done',
  at,
  request: 1,
  origin: 'films',
  path: '/a%20b.mkv',
  method: 'GET',
  status: 206,
  outcome: 'served',
  cache: 'hit',
  range: { start: 1024 ** 2, end: 2 * 1024 ** 2 },
  bytes: 1024 ** 2,
  timeline: {
    acceptedAt: at,
    patienceAt: null,
    headOutAt: at,
    firstByteOutAt: '2026-11-24T20:15:00.012Z',
    doneAt: '2026-11-24T20:15:02.500Z',
  },
};
const state = { type: 'fill-state', at, fill: 1, origin: 'films', path: '/a.mkv', from: 'idle', to: 'queued' };
const evicted = { type: 'evicted', at, reason: 'size', origin: 'films', path: '/a.mkv', bytes: 16 * 1024 ** 2 };
const full = { type: 'store-state', at, from: 'storing', to: 'passing', code: 'ENOSPC' };
const lost = { type: 'block-lost', at, origin: 'films', path: '/a.mkv', cause: 'checksum', bytes: 256 * 1024 };
const strange = { type: 'comet', at, origin: 'films', tail: 'lo\u202eng' };

test('logs tells the events that are kept in words, and then ends', async (t) => {
  const url = await eventServer(t, [done, state, evicted, full, lost, strange]);
  const stage = await Stage.set(t);
  const { code, out, err } = await stage.run('logs', '--url', url);
  assert.equal(code, 0, err);
  assert.deepEqual(
    out.split('\n').map((line) => line.slice(10)),
    [
      'GET /films/a b.mkv from 1.05 MB → 206 complete in 2.5 s, 1.05 MB, cached, first byte 12 ms',
      '/films/a.mkv: 16.8 MB evicted (size)',
      'caching stopped (ENOSPC); playback continues without it',
      '/films/a.mkv: dropped 262 kB that were damaged on disk (checksum)',
      'comet origin=films tail=lo\\u202eng',
      '',
    ],
  );
  const all = await stage.run('logs', '--all', '--json', '--url', url);
  assert.deepEqual(
    all.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [done, state, evicted, full, lost, strange],
  );
});

test('logs reads what a running firstbyte keeps, and ends by itself', async (t) => {
  const stage = await Stage.set(t);
  const url = await stage.serve();
  const before = await stage.run('logs');
  assert.deepEqual([before.code, before.out], [0, '']);
  await (await fetch(`${url}films/sub/d.mp4`)).arrayBuffer();
  const { code, out } = await stage.run('logs');
  assert.equal(code, 0);
  assert.match(out, /^[\d:]{8} {2}\/films\/sub\/d\.mp4: downloaded 500 kB in /m);
  assert.match(
    out,
    /^[\d:]{8} {2}GET \/films\/sub\/d\.mp4 → 200 complete in .*, 500 kB, not cached before, first byte /m,
  );
});

test('an answer that breaks off, as where firstbyte is killed, is code 5 and one sentence', async (t) => {
  const server = createServer((request, response) => {
    const isStream = request.url?.startsWith('/-/events') === true;
    const part = isStream ? `event: x\nid: 1\ndata: ${JSON.stringify(done)}\n\n` : '{"requests":';
    response.writeHead(200, { 'content-length': 10_000 }).write(part, () => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/-/`;
  const stage = await Stage.set(t);
  for (const name of ['stats', 'ls', 'top', 'reload']) {
    const { code, err } = await stage.run(name, '--url', url);
    assert.deepEqual([code, err], [5, `The answer of firstbyte at ${url} breaks off: connection reset\n`], name);
  }
  const { code, err } = await stage.run('logs', '--follow', '--url', url);
  assert.deepEqual([code, err], [5, `The firstbyte at ${url} has ended.\n`]);
});

test('logs --follow goes on until a signal', async (t) => {
  const url = await eventServer(t, [done]);
  const stage = await Stage.set(t);
  const logs = stage.start('logs', '--follow', '--url', url);
  await logs.prints(/206 complete/);
  logs.process.kill('SIGINT');
  assert.equal((await logs.ended).code, 0);
});

/** What answers as `/-/events` does: those after an id, or at once a gap that names the newest; then silence. */
async function eventServer(t: TestContext, events: readonly object[]): Promise<string> {
  const answer: RequestListener = (request, response) => {
    const after = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('after'));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 2000\n\n');
    if (after > events.length) response.write(`id: ${events.length}\nevent: gap\ndata: {}\n\n`);
    for (const [index, event] of events.entries()) {
      if (index + 1 <= after) continue;
      const type = 'type' in event ? event.type : '';
      response.write(`id: ${index + 1}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
  };
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
