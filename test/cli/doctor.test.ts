/** The doctor, sent to origins that are well and that are not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { Finding } from '../../src/cli/finding.ts';
import { findSystemCalls } from '../../src/system-calls.ts';
import { json, Stage } from './stage.ts';

test('where all is well, every line is ok: code 0', async (t) => {
  const stage = await Stage.set(t);
  const { code, out, err } = await stage.run('doctor', '--listen', '127.0.0.1:0', '--path', '/a.mkv');
  assert.equal(code, 0, out + err);
  assert.match(out, /^ok {4}Node: v24/m);
  assert.match(out, /^ok .*: supports ranges \(file of 3 MB\)$/m);
  assert.match(out, /^ok .*: has a strong ETag$/m);
  assert.match(out, /^ok .*: \S+ \S+\/s over 4 connections$/m);
  assert.ok(!/^fail/m.test(out), out);
});

test('an origin that falls silent after its first answer keeps nobody waiting', async (t) => {
  const stage = await Stage.set(t);
  stage.origin.always(({ fields }) =>
    fields.some(([name]) => name.toLowerCase() === 'range') ? { status: 416 } : { headAfter: Number.POSITIVE_INFINITY },
  );
  const flags = ['--listen', '127.0.0.1:0', '--first-byte-timeout', '1s', '--path', '/a.mkv'];
  const { code, out } = await stage.run('doctor', ...flags);
  assert.equal(code, 7);
  assert.match(out, /^fail .*: answers with 416 to \/a\.mkv$/m);
});

test('what an origin lacks is a warning that says what to change', async (t) => {
  const stage = await Stage.set(t);
  const old = new Date(Date.now() - 3_600_000).toUTCString();
  stage.origin.always({ ignoreRange: true, fields: { etag: null, 'last-modified': null, date: old } });
  const { findings } = (await json(stage.run('doctor', '--listen', '127.0.0.1:0', '--path', '/a.mkv', '--json'))) as {
    findings: Finding[];
  };
  const warned = findings.filter(({ level, about }) => level === 'warn' && about.startsWith('/films/'));
  assert.deepEqual(
    warned.map(({ said }) => said.replace(/1 h( \d min)?/, 'an hour')),
    [
      'clock differs from ours by an hour',
      'ignores ranges, sends whole files only',
      'sends neither ETag nor Last-Modified',
    ],
  );
  for (const { change } of warned) assert.ok(change);
});

test('what an origin does not take of requests is a warning', async (t) => {
  const stage = await Stage.set(t);
  const warnings = async () => {
    const run = stage.run('doctor', '--listen', '127.0.0.1:0', '--path', '/a.mkv', '--json');
    const { findings } = (await json(run)) as { findings: Finding[] };
    return findings.filter(({ level, about }) => level !== 'ok' && about.startsWith('/films/')).map(({ said }) => said);
  };
  const has = (fields: ReadonlyArray<readonly [string, string]>, name: string) => fields.some(([own]) => own === name);
  stage.origin.always(({ fields }) => (has(fields, 'range') ? { status: 416 } : {}));
  assert.deepEqual(await warnings(), ['refuses ranges (416), sends whole files only']);
  stage.origin.always(({ fields }) => (has(fields, 'if-range') ? { ignoreRange: true } : {}));
  assert.deepEqual(await warnings(), ['ignores If-Range (answers 200)']);
});

test('an origin out of reach, a wrong path and a port in use are failures: code 7', async (t) => {
  const stage = await Stage.set(t);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const wrong = await stage.run('doctor', 'films', '--listen', `127.0.0.1:${port}`, '--path', '/none.mkv');
  assert.equal(wrong.code, 7);
  assert.match(wrong.out, new RegExp(`^fail {2}listening: 127\\.0\\.0\\.1:${port}: another program uses it`, 'm'));
  assert.match(wrong.out, /^fail .*: answers with 404 to \/none\.mkv\n {6}check --path/m);
  stage.origin.close();
  const away = await stage.run('doctor', '--listen', '127.0.0.1:0');
  assert.equal(away.code, 7);
  assert.match(away.out, /^fail .*: cannot be reached: /m);
});

test('only configured origins are asked', async (t) => {
  const stage = await Stage.set(t);
  const stranger = await stage.run('doctor', 'elsewhere.example');
  assert.equal(stranger.code, 6);
  assert.match(stranger.err, /^Unknown origin "elsewhere\.example"\. Configured: \/films\//);
  assert.equal(stage.origin.requests.length, 0);
});

test('how bodies are sent is said: by the system, and which share of them; or why they are not', async (t) => {
  const stage = await Stage.set(t);
  const sending = async (...args: readonly string[]) => {
    const { findings } = (await json(stage.run('doctor', '--listen', '127.0.0.1:0', '--json', ...args))) as {
      findings: Finding[];
    };
    return findings.find(({ about }) => about === 'sending');
  };
  assert.match((await sending('--sendfile', 'off'))?.said ?? '', /reads and writes every byte: sendfile is off$/);
  assert.match((await sending('--store', 'memory'))?.said ?? '', /reads and writes every byte: nothing is on disk$/);
  const { calls } = await findSystemCalls();
  if (calls === null) return;
  assert.equal((await sending())?.said, 'sendfile sends what is in the page cache');
  const url = await stage.serve();
  for (let plays = 0; plays < 2; plays += 1) await (await fetch(`${url}films/a.mkv`)).arrayBuffer();
  assert.match((await sending())?.said ?? '', /page cache: [\d.]+ % of all bytes so far$/);
});
