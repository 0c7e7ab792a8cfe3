import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { ProxyError } from '../../src/errors.ts';
import type { RefreshQuestion } from '../../src/origin/refresh.ts';
import { endpointRefresh } from '../../src/origin/refresh-endpoint.ts';
import { RawServer } from './raw-server.ts';

const question: RefreshQuestion = { origin: 'films', target: '/a.mkv?x=1', reason: 'expired' };
const dialing = { clock: systemClock, connectTimeout: 10_000 };
const free = new AbortController().signal;

function reply(body: string, status = '200 OK', fields = ''): string {
  return `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const at = (port: number, credentials = '') => new URL(`http://${credentials}127.0.0.1:${port}/hook?key=secret`);

function isUnanswered(why: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof ProxyError &&
    error.type === 'destination_unavailable' &&
    why.test(error.message) &&
    !error.message.includes('secret');
}

test('an endpoint is POSTed the question, and its answer taken', async () => {
  await using server = await RawServer.listen();
  const answer = endpointRefresh(at(server.port, 'me:p%40ss@'), 'private', dialing)(question, free);
  const connection = await server.next();
  const head = await connection.request();
  assert.match(head, /^POST \/hook\?key=secret HTTP\/1\.1\r\n/);
  assert.match(head, /\r\ncontent-type: application\/json\r\n/i);
  assert.match(head, new RegExp(`\r\nauthorization: Basic ${btoa('me:p@ss')}\r\n`, 'i'));
  assert.match(head, new RegExp(`\r\ncontent-length: ${JSON.stringify(question).length}\r\n`, 'i'));
  await connection.write(reply('{"expiresIn": 60}'));
  assert.deepEqual(await answer, { expiresIn: 60 });
});

for (const [what, text, why] of [
  ['another status', reply('{}', '503 No'), /its endpoint answered 503\.$/],
  ['a redirect', reply('', '302 Found', 'Location: http://127.0.0.1:1/secret\r\n'), /its endpoint answered 302\.$/],
  ['no JSON', reply('secret'), /its endpoint answered no JSON\.$/],
  ['too much', reply(`"${'x'.repeat(70_000)}"`), /its endpoint said too much\.$/],
] as const) {
  test(`an endpoint that answers with ${what} has not answered`, async () => {
    await using server = await RawServer.answering(() => text);
    await assert.rejects(endpointRefresh(at(server.port), 'private', dialing)(question, free), isUnanswered(why));
  });
}

test('an endpoint that is down has not answered', async () => {
  const server = await RawServer.listen();
  const { port } = server;
  await server[Symbol.asyncDispose]();
  await assert.rejects(
    endpointRefresh(at(port), 'private', dialing)(question, free),
    isUnanswered(/its endpoint could not be asked \(ECONNREFUSED\)\.$/),
  );
});

test('an endpoint that hangs up in the middle has not answered', async () => {
  await using server = await RawServer.listen();
  const answer = endpointRefresh(at(server.port), 'private', dialing)(question, free);
  const connection = await server.next();
  await connection.request();
  await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{');
  connection.reset();
  await assert.rejects(answer, isUnanswered(/its endpoint could not be asked \(\w+\)\.$/));
});

test('an endpoint that nobody waits for any more is left, and its connection closed', async () => {
  await using server = await RawServer.listen();
  const abort = new AbortController();
  const answer = endpointRefresh(at(server.port), 'private', dialing)(question, abort.signal);
  const connection = await server.next();
  await connection.request();
  abort.abort(new Error('its time is over'));
  await assert.rejects(answer, /its time is over/);
  await connection.closed;
});

test('an endpoint that must be public is not asked where its name has another address', async () => {
  await using server = await RawServer.answering(() => reply('{}'));
  const hook = new URL(`http://localhost:${server.port}/hook`);
  await assert.rejects(
    endpointRefresh(hook, 'public', dialing)(question, free),
    (error) => error instanceof ProxyError && error.type === 'destination_ip_prohibited',
  );
  assert.deepEqual(await endpointRefresh(hook, 'private', dialing)(question, free), {});
});

for (const [what, text] of [
  ['has answered', reply('{}')],
  ['goes on after its answer was refused', `HTTP/1.1 503 No\r\nContent-Length: 100000\r\n\r\nno`],
] as const) {
  test(`the connection to an endpoint that ${what} is closed`, async () => {
    await using server = await RawServer.answering(() => text);
    await endpointRefresh(at(server.port), 'private', dialing)(question, free).catch(() => {});
    await server.allClosed();
  });
}
