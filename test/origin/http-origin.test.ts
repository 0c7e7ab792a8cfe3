import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ProxyErrorType } from '../../src/errors.ts';
import type { Fields } from '../../src/http/fields.ts';
import { originContract } from '../../src/testing/origin-contract.ts';
import { contractBench, isProxyError, open, originAt, readAll } from './bench.ts';
import { RawServer } from './raw-server.ts';

originContract('HTTP', async () => {
  const server = await RawServer.listen();
  return contractBench(originAt(server.port), server);
});

suite('what is sent', () => {
  const empty = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

  /** What arrives at a server whose origin has this base path and these fields of the operator. */
  async function arriving(asked: Fields, path = '', fields: Fields = [], target = '/film'): Promise<string> {
    const heads: string[] = [];
    await using server = await RawServer.answering((head) => {
      heads.push(head);
      return empty;
    });
    await using origin = originAt(server.port, { base: new URL(`http://127.0.0.1:${server.port}${path}`), fields });
    await open(origin, target, asked);
    return (heads[0] ?? '').replaceAll(String(server.port), 'PORT');
  }

  test('a request names its host, itself and no coding, and carries the fields it was given', async () => {
    const head = await arriving([['range', 'bytes=0-']]);
    assert.match(
      head,
      /^GET \/film HTTP\/1\.1\r\nhost: 127\.0\.0\.1:PORT\r\nconnection: keep-alive\r\nuser-agent: firstbyte\/\d+\.\d+\.\d+\r\nrange: bytes=0-\r\naccept-encoding: identity\r\n\r\n$/,
    );
  });

  test('the target is put behind the path of the base, whatever it looks like', async () => {
    assert.match(await arriving([], '/media/'), /^GET \/media\/film HTTP/);
    assert.match(await arriving([], '/media', [], '//evil.example/x'), /^GET \/media\/\/evil\.example\/x HTTP/);
    assert.match(await arriving([], '/media', [], '/../x?y=%2F'), /^GET \/media\/\.\.\/x\?y=%2F HTTP/);
  });

  test('fields of one connection, codings and radio titles are never passed on', async () => {
    const unwanted = ['host', 'connection', 'te', 'upgrade', 'expect', 'accept-encoding', 'icy-metadata'];
    const head = await arriving(unwanted.map((name) => [name, 'evil'] as const));
    assert.doesNotMatch(head, /evil/);
  });

  test("the operator's fields replace a request's own", async () => {
    const head = await arriving([['authorization', 'theirs'], ['user-agent', 'mpv']], '', [['authorization', 'ours']]); // biome-ignore format: one line reads best
    assert.match(head, /authorization: ours\r\n/);
    assert.doesNotMatch(head, /theirs|firstbyte/);
  });

  test('a target or field that no request can carry is refused as the request it is', async () => {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    await assert.rejects(open(origin, '/a b'), isProxyError('http_request_error'));
    await assert.rejects(open(origin, '/', [['range', 'a\r\nb: c']]), isProxyError('http_request_error'));
  });
});

suite('how an answer ends', () => {
  /** Sends `answer`, then ends or resets the connection, and gives what was read of it. */
  async function reading(answer: string, then: 'end' | 'reset' | 'stay' = 'stay'): Promise<string> {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    const opened = open(origin);
    const connection = await server.next();
    await connection.request();
    void connection.write(answer);
    if (then === 'end') connection.end();
    const reply = await opened;
    if (then === 'reset') {
      const first = (await reply.body.read())?.toString('latin1') ?? '';
      connection.reset();
      return first + (await readAll(reply));
    }
    return await readAll(reply);
  }

  const head = 'HTTP/1.1 200 OK\r\n';
  const whole: ReadonlyArray<readonly [sentence: string, answer: string, body: string, then?: 'end']> = [
    ['a body of announced length ends there', `${head}Content-Length: 4\r\n\r\nfilm`, 'film'],
    [
      'chunks end with the last one',
      `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2;x=y\r\nlm\r\n0\r\n\r\n`,
      'film',
    ],
    [
      'a trailer is no part of the body',
      `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nfilm\r\n0\r\nX: y\r\n\r\n`,
      'film',
    ],
    ['a 204 has no body', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
    ['a 304 has no body, whatever length it names', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', ''],
    [
      'early hints are passed over',
      `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${head}Content-Length: 4\r\n\r\nfilm`,
      'film',
    ],
    ['without a length the body ends with the connection', `${head}\r\nfilm`, 'film', 'end'],
    ['an old server may answer in HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nfilm', 'film', 'end'],
    [
      'a body that is whole may close the connection',
      `${head}Connection: close\r\nContent-Length: 4\r\n\r\nfilm`,
      'film',
      'end',
    ],
  ];
  for (const [sentence, answer, body, then] of whole) {
    test(sentence, async () => assert.equal(await reading(answer, then), body));
  }

  const broken: ReadonlyArray<
    readonly [sentence: string, answer: string, type: ProxyErrorType, then?: 'end' | 'reset']
  > = [
    ['a body shorter than announced is incomplete', `${head}Content-Length: 9\r\n\r\nfilm`, 'http_response_incomplete', 'end'],
    ['so it is where the server said it would close', `${head}Connection: close\r\nContent-Length: 9\r\n\r\nfilm`, 'http_response_incomplete', 'end'],
    ['chunks without the last one are incomplete', `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nfilm\r\n`, 'http_response_incomplete', 'end'],
    ['so they are where the server said it would close', `${head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfilm\r\n`, 'http_response_incomplete', 'end'],
    ['a chunk that breaks off is incomplete', `${head}Transfer-Encoding: chunked\r\n\r\n9\r\nfilm`, 'http_response_incomplete', 'end'],
    ['a reset in an announced body is a cut', `${head}Content-Length: 9\r\n\r\nfilm`, 'connection_terminated', 'reset'],
    ['a reset ends no body, not even one without a length', `${head}\r\nfilm`, 'connection_terminated', 'reset'],
    ['a chunk whose size is no number is malformed', `${head}Transfer-Encoding: chunked\r\n\r\nxx\r\nfilm`, 'http_protocol_error'],
    ['an end before any answer is a cut', '', 'connection_terminated', 'end'],
    ['an end inside the head is a cut', `${head}Content-Le`, 'connection_terminated', 'end'],
    ['what is not HTTP is malformed', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'http_protocol_error'],
    ['two different lengths are malformed', `${head}Content-Length: 4\r\nContent-Length: 5\r\n\r\nfilm`, 'http_protocol_error'],
    ['two different lengths in one line are malformed', `${head}Content-Length: 4, 5\r\n\r\nfilm`, 'http_protocol_error'],
    ['a length that is no number is malformed', `${head}Content-Length: +4\r\n\r\nfilm`, 'http_protocol_error'],
    ['a length beside chunks is malformed', `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 'http_protocol_error'],
    ['a length behind chunks is malformed', `${head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`, 'http_protocol_error'],
    ['a coding that nobody asked for is malformed', `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 'http_protocol_error'],
    ['chunks in HTTP/1.0 are malformed', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfilm\r\n0\r\n\r\n', 'http_protocol_error'],
    ['so they are on a connection that shall be kept', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfilm\r\n0\r\n\r\n', 'http_protocol_error'],
    ['so they are beside a length', 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nfilm', 'http_protocol_error'],
    ['chunks said twice are malformed', `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 'http_protocol_error'],
    ['a folded line is malformed', `${head}Content-Length: 0\r\nX: a\r\n b\r\n\r\n`, 'http_protocol_error'],
    ['a NUL in a field is malformed', `${head}Content-Length: 0\r\nX: a\0b\r\n\r\n`, 'http_protocol_error'],
    ['a bare CR in a field is malformed', `${head}Content-Length: 0\r\nX: a\rb\r\n\r\n`, 'http_protocol_error'],
    ['a bare LF as an end of line is malformed', `${head}Content-Length: 0\nX: a\r\n\r\n`, 'http_protocol_error'],
    ['a head above 64 KiB is refused', `${head}X: ${'a'.repeat(66_000)}\r\n\r\n`, 'http_protocol_error'],
    ['an upgrade that nobody asked for is refused', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'http_protocol_error'],
  ]; // biome-ignore format: a table
  for (const [sentence, answer, type, then] of broken) {
    test(sentence, async () => assert.rejects(reading(answer, then), isProxyError(type)));
  }

  test('only a body without a length and without chunks is delimited by the close', async () => {
    const answers = [
      `${head}Content-Length: 0\r\n\r\n`,
      `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${head}\r\n`,
    ];
    const delimited: boolean[] = [];
    for (const answer of answers) {
      await using server = await RawServer.answering(() => answer);
      await using origin = originAt(server.port);
      delimited.push((await open(origin)).closeDelimited);
    }
    assert.deepEqual(delimited, [false, false, true]);
  });

  test('bytes behind an answer are never taken for the next one', async () => {
    const answer = `${head}Content-Length: 4\r\n\r\nfilm`;
    await using server = await RawServer.answering((asked) =>
      asked.includes('/first') ? answer + answer : `${head}\r\n`,
    );
    await using origin = originAt(server.port);
    assert.equal(await readAll(await open(origin, '/first')), 'film');
    assert.deepEqual(valuesOf((await open(origin, '/second')).fields, 'content-length'), []);
  });

  test('spaces around a value are no part of it, and a UTF-8 letter at its end is', async () => {
    await using server = await RawServer.answering(() => `${head}Content-Length: 0\r\nX: \t caf\xc3\xa0 \t\r\n\r\n`);
    await using origin = originAt(server.port);
    assert.deepEqual(valuesOf((await open(origin)).fields, 'x'), ['caf\xc3\xa0']);
  });

  test('a head of 60 KiB is welcome', async () => {
    const long = 'a'.repeat(60_000);
    await using server = await RawServer.answering(() => `${head}Content-Length: 0\r\nX: ${long}\r\n\r\n`);
    await using origin = originAt(server.port);
    assert.deepEqual(valuesOf((await open(origin)).fields, 'x'), [long]);
  });
});

/** The values of one field, in order. */
function valuesOf(fields: Fields, wanted: string): string[] {
  return fields.filter(([name]) => name === wanted).map(([, value]) => value);
}
