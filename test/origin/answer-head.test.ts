/** Answers as servers write them on the wire: what is put right, and what is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerHeadReader, Refused } from '../../src/origin/answer-head.ts';
import { ChunkedContent } from '../../src/origin/chunked-content.ts';
import { isProxyError, open, originAt, readAll } from './bench.ts';
import { RawServer } from './raw-server.ts';

const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfilm';
const chunked = 'Transfer-Encoding: chunked\r\n\r\n4\r\nfilm\r\n0\r\n\r\n';

const taken: Readonly<Record<string, string>> = {
  'an answer by the book': plain,
  'the same length twice': 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nfilm',
  'the same length in a list': 'HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\nfilm',
  'lines that end with LF': 'HTTP/1.1 200 OK\nContent-Length: 4\n\nfilm',
  'empty lines before': `\r\n\n${plain}`,
  'no reason': 'HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nfilm',
  'two spaces in the status line': 'HTTP/1.1  200  OK\r\nContent-Length: 4\r\n\r\nfilm',
  'a version in lower case': 'http/1.1 200 ok\r\ncontent-length: 4\r\n\r\nfilm',
  'another version': 'HTTP/1.2 200 OK\r\nContent-Length: 4\r\n\r\nfilm',
  'a version without its second half': 'HTTP/1 200 OK\r\nContent-Length: 4\r\n\r\nfilm',
  'ICY in place of a version': 'ICY 200 OK\r\nicy-name: radio\r\n\r\nfilm',
  'space before a colon': 'HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\nfilm',
  'tabs around a value': 'HTTP/1.1 200 OK\r\nContent-Length:\t4\t\r\n\r\nfilm',
  'lines that are no field': 'HTTP/1.1 200 OK\r\nfoo\r\n: bar\r\nX Y: z\r\nContent-Length: 4\r\n\r\nfilm',
  'letters of another alphabet': 'HTTP/1.1 200 OK\r\nX: \xe9\r\nContent-Length: 4\r\n\r\nfilm',
  'the transfer coding identity': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nfilm',
  'the transfer coding identity before chunks': `HTTP/1.1 200 OK\r\nTransfer-Encoding: Identity\r\n${chunked}`,
  'both in a list': `HTTP/1.1 200 OK\r\n${chunked.replace('chunked', 'identity, chunked')}`,
  'a length above 2^53': 'HTTP/1.1 200 OK\r\nContent-Length: 9007199254740993\r\n\r\nfilm',
  'a length above 2^64': 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nfilm',
  'a chunked body': `HTTP/1.1 200 OK\r\n${chunked}`,
  'an interim answer': `HTTP/1.1 100 Continue\r\n\r\n${plain}`,
  'interim answers of all kinds': `HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 199 X\r\n\r\n${plain}`,
  'an interim answer with a length': `HTTP/1.1 103 E\r\nContent-Length: 9\r\n\r\n${plain}`,
};

const refused: Readonly<Record<string, string>> = {
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfilm',
  'a list of two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n\r\nfilm',
  'a length below nothing': 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nfilm',
  'a length with a sign': 'HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nfilm',
  'an empty length': 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nfilm',
  'a length and a transfer coding': `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n${chunked}`,
  'a transfer coding twice': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${chunked}`,
  'the transfer coding identity behind chunks': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${chunked.replace('chunked', 'identity')}`,
  'the transfer codings chunked and identity in a list': `HTTP/1.1 200 OK\r\n${chunked.replace('chunked', 'chunked, identity')}`,
  'the transfer coding identity and another': `HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n${chunked.replace('chunked', 'gzip')}`,
  'a transfer coding in HTTP/1.0': `HTTP/1.0 200 OK\r\n${chunked}`,
  'a length in a name that is none': 'HTTP/1.1 200 OK\r\nContent Length: 9\r\nContent-Length: 4\r\n\r\nfilm',
  'a field that goes on': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 4\r\n\r\nfilm',
  'lines that end with LF among others': 'HTTP/1.1 200 OK\r\nX: a\nContent-Length: 4\r\n\r\nfilm',
  'a NUL': 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 4\r\n\r\nfilm',
  'a CR by itself': 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 4\r\n\r\nfilm',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 4\r\n\r\nfilm',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\nContent-Length: 4\r\n\r\nfilm',
  'a status below 100': 'HTTP/1.1 020 OK\r\nContent-Length: 4\r\n\r\nfilm',
  'a switch of protocols': `HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n${plain}`,
  'no head': 'film',
};

/** Gives the answer to one request and closes the connection. */
async function answered(text: string) {
  const server = await RawServer.listen();
  const origin = originAt(server.port);
  void server.next().then(async (connection) => {
    await connection.request();
    await connection.write(Buffer.from(text, 'latin1'));
    connection.end();
  });
  return { server, origin };
}

describe('an answer with', () => {
  for (const [what, text] of Object.entries(taken)) {
    test(`${what} is taken`, async () => {
      const { server, origin } = await answered(text);
      await using _ = server;
      await using from = origin;
      const reply = await open(from);
      assert.deepEqual([reply.status, await readAll(reply)], [200, 'film']);
    });
  }

  for (const [what, text] of Object.entries(refused)) {
    test(`${what} is refused`, async () => {
      const { server, origin } = await answered(text);
      await using _ = server;
      await using from = origin;
      await assert.rejects(open(from), isProxyError('http_protocol_error'));
    });
  }
});

const chunks = {
  taken: {
    'zeros before a size': '0004\r\nfilm\r\n0\r\n\r\n',
    'an extension': '4;a="b;c"\r\nfilm\r\n0\r\n\r\n',
    'space behind its sizes': '4 \t \r\nfilm\r\n0     \r\n\r\n',
    'space before an extension': '4 ;a=b\r\nfilm\r\n0\r\n\r\n',
    'a trailer': '4\r\nfilm\r\n0\r\nX: y\r\n\r\n',
  },
  refused: {
    'a size that ends with LF': '4\nfilm\r\n0\r\n\r\n',
    'an extension that ends with LF': '4;\nfilm\r\n0\r\n\r\n',
    'bytes that end with LF': '4\r\nfilm\n0\r\n\r\n',
    'lines that all end with LF': '4\nfilm\n0\n\n',
    'space before a size': ' 4\r\nfilm\r\n0\r\n\r\n',
    'space within a size': '0 4\r\nfilm\r\n0\r\n\r\n',
    'words behind a size': '4 bytes\r\nfilm\r\n0\r\n\r\n',
    'a size with a sign': '+4\r\nfilm\r\n0\r\n\r\n',
    'a size that begins with 0x': '0x4\r\nfilm\r\n0\r\n\r\n',
    'a size above 2^64': '10000000000000004\r\nfilm\r\n0\r\n\r\n',
    'bytes beyond a size': '4\r\nfilmX\r\n0\r\n\r\n',
  },
};

describe('a body in chunks with', () => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const [what, body] of Object.entries(chunks.taken)) {
    test(`${what} is taken`, async () => {
      const { server, origin } = await answered(head + body);
      await using _ = server;
      await using from = origin;
      assert.equal((await readAll(await open(from))).toString(), 'film');
    });
  }

  for (const [what, body] of Object.entries(chunks.refused)) {
    test(`${what} is refused, and does not end as if it were whole`, async () => {
      const { server, origin } = await answered(head + body);
      await using _ = server;
      await using from = origin;
      const read = async () => readAll(await open(from));
      await assert.rejects(read(), isProxyError('http_protocol_error'));
    });
  }
});

test('a head is the same in whatever pieces it comes', () => {
  for (const text of [...Object.values(taken), ...Object.values(refused)]) {
    const bytes = Buffer.from(text, 'latin1');
    const whole = read([bytes]);
    for (let at = 1; at < bytes.length; at += 1) {
      assert.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), whole, JSON.stringify(text));
    }
  }
});

test('what is no head is refused at once, and so is a head that is too long', () => {
  for (const [text, why] of [
    ['film', 'malformed'],
    ['GET / HTTP/1.1', 'malformed'],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`, 'oversized'],
  ] as const) {
    assert.throws(() => new AnswerHeadReader().take(Buffer.from(text)), { why });
  }
});

test('a body in chunks is the same in whatever pieces it comes', () => {
  for (const text of [...Object.values(chunks.taken), ...Object.values(chunks.refused)]) {
    const bytes = Buffer.from(text, 'latin1');
    const whole = contentOf([bytes]);
    for (let at = 1; at < bytes.length; at += 1) {
      assert.equal(contentOf([bytes.subarray(0, at), bytes.subarray(at)]), whole, JSON.stringify(text));
    }
  }
});

const heads: ReadonlyArray<readonly [text: string, isKept: boolean, keptFor: number | null]> = [
  ['HTTP/1.1 200 OK', true, null],
  ['HTTP/1.1 200 OK\r\nConnection: close', false, null],
  ['HTTP/1.1 200 OK\r\nConnection: x, Close', false, null],
  ['HTTP/1.0 200 OK', false, null],
  ['HTTP/1.0 200 OK\r\nConnection: Keep-Alive', true, null],
  ['HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=100', true, 5000],
];

for (const [text, isKept, keptFor] of heads) {
  test(`${JSON.stringify(text)}: the connection is ${isKept ? 'kept' : 'not kept'}, for ${keptFor ?? 'any'} ms`, () => {
    const { head } = new AnswerHeadReader().take(Buffer.from(`${text}\r\n\r\n`)) ?? assert.fail('no head');
    assert.deepEqual([head.isKept, head.keptFor], [isKept, keptFor]);
  });
}

/** What becomes of a head: status, fields and what is behind it, or why it is refused. */
function read(pieces: readonly Buffer[]): unknown {
  const reader = new AnswerHeadReader();
  try {
    for (const [index, piece] of pieces.entries()) {
      const taken = reader.take(piece);
      if (taken !== null)
        return [taken.head, Buffer.concat([taken.rest, ...pieces.slice(index + 1)]).toString('latin1')];
    }
  } catch (error) {
    return error instanceof Refused ? error.why : error;
  }
  return null;
}

function contentOf(pieces: readonly Buffer[]): string {
  const chunked = new ChunkedContent();
  try {
    const content = pieces.map((piece) => chunked.take(piece).content.toString('latin1'));
    return `${content.join('')}${chunked.isOver ? '.' : ''}`;
  } catch (error) {
    return error instanceof Refused ? error.why : String(error);
  }
}
