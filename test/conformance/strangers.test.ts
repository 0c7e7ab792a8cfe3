/** Requests that mean no good: each gets its 4xx, no origin is asked, and malformed heads end their connection. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { virtualRig } from '../support/rig.ts';
import { smallFilm } from './answer.ts';

const host = 'Host: localhost\r\n';
const long = (size: number) => 'a'.repeat(size);

/** The request as it is written, and the status of its answer. */
async function statusOf(text: string) {
  const rig = await virtualRig({ films: smallFilm });
  const player = rig.player();
  const exchange = player.send(text);
  await rig.clock.advanceUntil(exchange.done());
  await rig.clock.advance(2000);
  const { connected } = player;
  const { requests, connections } = rig.origin;
  await rig.close();
  assert.equal(exchange.outcome, 'complete');
  assert.deepEqual([requests.length, connections], [0, 0], 'no connection was made');
  assert.match(exchange.field('cache-status') ?? '', /^firstbyte$/);
  assert.match(exchange.field('proxy-status') ?? '', /^firstbyte; ?error=\w+; ?details="/);
  assert.equal(exchange.field('cache-control'), 'no-store');
  assert.equal(exchange.field('date'), new Date(Date.UTC(2026, 0, 1)).toUTCString());
  assert.match(exchange.text, /^\p{Lu}[^\n]+\.\n$/u);
  return { status: exchange.status, connected, exchange };
}

const malformed: Readonly<Record<string, string>> = {
  'a length and a transfer coding': `POST /films/a HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a transfer coding and a length': `POST /films/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
  'a transfer coding in HTTP/1.0': `GET /films/a HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a transfer coding in HTTP/1.0 that keeps the connection': `GET /films/a HTTP/1.0\r\n${host}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /films/b HTTP/1.1\r\n${host}\r\n`,
  'a transfer coding and a length in HTTP/1.0': `GET /films/a HTTP/1.0\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunks within gzip': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
  'chunks within chunks': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  'two transfer codings': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  'a coding behind a vertical tab': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
  'no coding': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: \r\n\r\n`,
  'a space before the colon of its coding': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  'the same length twice': `POST /films/a HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
  'a list of lengths': `POST /films/a HTTP/1.1\r\n${host}Content-Length: 3, 3\r\n\r\nabc`,
  'a length with a sign': `POST /films/a HTTP/1.1\r\n${host}Content-Length: +3\r\n\r\nabc`,
  'a length below nothing': `POST /films/a HTTP/1.1\r\n${host}Content-Length: -3\r\n\r\nabc`,
  'a hexadecimal length': `POST /films/a HTTP/1.1\r\n${host}Content-Length: 0x3\r\n\r\nabc`,
  'an empty length': `POST /films/a HTTP/1.1\r\n${host}Content-Length: \r\n\r\n`,
  'a length above all numbers': `POST /films/a HTTP/1.1\r\n${host}Content-Length: 99999999999999999999999\r\n\r\n`,
  'LF alone at the end of lines': 'GET /films/a HTTP/1.1\nHost: localhost\n\n',
  'LF alone at the end of the head': 'GET /films/a HTTP/1.1\r\nHost: localhost\r\n\n',
  'CR alone at the end of lines': 'GET /films/a HTTP/1.1\rHost: localhost\r\r',
  'a folded first line': 'GET /films/a HTTP/1.1\r\n Host: localhost\r\n\r\n',
  'a NUL in the name of a field': `GET /films/a HTTP/1.1\r\n${host}X\0: a\r\n\r\n`,
  'a field without a name': `GET /films/a HTTP/1.1\r\n${host}: a\r\n\r\n`,
  'a line without a colon': `GET /films/a HTTP/1.1\r\n${host}abc\r\n\r\n`,
  'tabs in its first line': `GET\t/films/a\tHTTP/1.1\r\n${host}\r\n`,
  'a space behind its version': `GET /films/a HTTP/1.1 \r\n${host}\r\n`,
  'a version in lower case': `GET /films/a http/1.1\r\n${host}\r\n`,
  'two lengths': `POST /films/a HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`,
  'two hosts': `GET /films/a HTTP/1.1\r\n${host}Host: localhost\r\n\r\n`,
  'two foreign hosts': 'GET /films/a HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n',
  'no host': 'GET /films/a HTTP/1.1\r\n\r\n',
  'a folded line': `GET /films/a HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`,
  'a folded host': 'GET /films/a HTTP/1.1\r\nHost: localhost\r\n :80\r\n\r\n',
  'a NUL in a field': `GET /films/a HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`,
  'a NUL in the target': `GET /films/\0 HTTP/1.1\r\n${host}\r\n`,
  'a bare LF': `GET /films/a HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n`,
  'a bare CR': `GET /films/a HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`,
  'a space before the colon': `GET /films/a HTTP/1.1\r\n${host}X : a\r\n\r\n`,
  'a control character in the target': `GET /films/\x01 HTTP/1.1\r\n${host}\r\n`,
  'a space in the target': `GET /films/a b HTTP/1.1\r\n${host}\r\n`,
  'bytes outside of ASCII in the target': `GET /films/\xff HTTP/1.1\r\n${host}\r\n`,
  'another version of HTTP': `GET /films/a HTTP/1.2\r\n${host}\r\n`,
  'no version of HTTP': 'GET /films/a\r\n\r\n',
  'the beginning of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'an absolute target of another scheme': `GET ftp://127.0.0.1/films/a HTTP/1.1\r\n${host}\r\n`,
  'an asterisk': `GET * HTTP/1.1\r\n${host}\r\n`,
};

const unsafe = [
  '..',
  '../a',
  'a/../b',
  './../a',
  'a/./../b',
  '%2e',
  '%2e%2e/a',
  '%2E%2e',
  '.%2e/a',
  '..%2fa',
  '..%2Fa',
  'a%2f..%2fb',
  '..;/a',
  '..;a=b/c',
  'a\\b',
  '..%5ca',
  '%00',
  'a%0d%0ab',
  'a%1fb',
  'a%7fb',
];

/** Codings that this program does not know (RFC 9112 §6.1). */
const unknownCodings: Readonly<Record<string, string>> = {
  'the coding identity': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: identity\r\n\r\nGET /films/b HTTP/1.1\r\n${host}\r\n`,
  'the coding gzip': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: gzip\r\n\r\n`,
  'the coding gzip in chunks': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'an unheard-of coding': `GET /films/a HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n`,
};

describe('a malformed request', () => {
  for (const [what, text] of Object.entries(unknownCodings)) {
    it(`with ${what} is answered by 501, and its connection closed`, async () => {
      const { status, connected } = await statusOf(text);
      assert.deepEqual([status, connected], [501, false]);
    });
  }

  it('is answered when the requests before it have been', async () => {
    for (const garbage of [
      'garbage\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      `POST / HTTP/1.1\r\n${host}Content-Length: x\r\n\r\n`,
    ]) {
      const rig = await virtualRig({ films: smallFilm, origin: { headAfter: 1000 } });
      const player = rig.player();
      const [first, second] = [player.get('/films/film.mp4'), player.get('/films/film.mp4')];
      const last = player.send(garbage, null);
      await rig.clock.advanceUntil(last.done());
      assert.deepEqual(
        [first, second].map(({ status, bodyBytes }) => [status, bodyBytes]),
        [
          [200, 1000],
          [200, 1000],
        ],
      );
      assert.deepEqual([last.status, player.connected], [400, false], garbage);
      await rig.close();
    }
  });

  for (const [what, text] of Object.entries(malformed)) {
    it(`with ${what} is answered by 400, and its connection closed`, async () => {
      const { status, connected } = await statusOf(text);
      assert.deepEqual([status, connected], [400, false]);
    });
  }

  it('with a target longer than 8 KiB is answered by 414', async () => {
    for (const size of [8 * 1024, 15_000, 20_000, 40_000]) {
      const { status } = await statusOf(`GET /films/${long(size)} HTTP/1.1\r\n${host}\r\n`);
      assert.equal(status, 414, `${size} bytes`);
    }
  });

  it('with a head longer than 16 KiB is answered by 431, and its connection closed', async () => {
    const { status, connected } = await statusOf(`GET /films/a HTTP/1.1\r\n${host}X: ${long(16 * 1024)}\r\n\r\n`);
    assert.deepEqual([status, connected], [431, false]);
  });

  for (const [what, content] of Object.entries({
    'a size that is no number': 'zz\r\n',
    'a size with a sign': '-1\r\n',
    'a size with a prefix': '0x1\r\na\r\n0\r\n\r\n',
    'a size above all numbers': 'ffffffffffffffffff\r\n',
    'more than its size': '1\r\nxy\r\n0\r\n\r\n',
    'LF alone behind a size': '1\nx\n0\n\n',
    'LF in an extension': '1;a\nb\r\nx\r\n0\r\n\r\n',
  })) {
    it(`whose chunks have ${what} is the last on its connection`, async () => {
      const rig = await virtualRig({ films: smallFilm });
      const player = rig.player();
      const head = `GET /films/film.mp4 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`;
      player.send(`${head}${content}GET /films/smuggled HTTP/1.1\r\n${host}\r\n`);
      await rig.clock.advance(2000);
      assert.equal(player.connected, false);
      assert.ok(rig.origin.requests.every(({ target }) => target === '/film.mp4'));
      await rig.close();
    });
  }

  it('behind a finished reply is answered, too', async () => {
    const rig = await virtualRig({ films: smallFilm });
    const player = rig.player();
    const good = player.get('/films/film.mp4');
    await rig.clock.advanceUntil(good.done());
    const bad = player.send('G@T / HTTP/1.1\r\n\r\n');
    await rig.clock.advanceUntil(bad.done());
    assert.deepEqual([good.status, bad.status, bad.outcome], [200, 400, 'complete']);
    await rig.close();
  });
});

describe('a target', () => {
  for (const path of unsafe) {
    it(`"${path}" is refused by 400`, async () => {
      assert.equal((await statusOf(`GET /films/${path} HTTP/1.1\r\n${host}\r\n`)).status, 400);
    });
  }

  for (const target of ['//evil.example/x', '/nobody/x', '///']) {
    it(`"${target}" names no origin and is answered by 404`, async () => {
      assert.equal((await statusOf(`GET ${target} HTTP/1.1\r\n${host}\r\n`)).status, 404);
    });
  }

  it('goes to the origin byte for byte, and to no other host', async () => {
    const rig = await virtualRig({ films: smallFilm });
    const targets = [
      '//evil.example/x?a=b&c',
      '/@evil.example/',
      '/a%20b;c=%252e%252e?../%00',
      '/...',
      '/http://evil/',
    ];
    for (const target of targets) await rig.clock.advanceUntil(rig.get(`/films${target}`).done());
    assert.deepEqual(
      rig.origin.requests.map((request) => request.target),
      targets,
    );
    assert.ok(rig.origin.requests.every(({ fields }) => fields.some(([, value]) => value === '10.0.0.1')));
    await rig.close();
  });
});

describe('a method', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'TRACE', 'MKCOL']) {
    it(`${method} is answered by 405, which names those that are served`, async () => {
      const { status, exchange } = await statusOf(`${method} /films/a HTTP/1.1\r\n${host}\r\n`);
      assert.deepEqual([status, exchange.field('allow')], [405, 'GET, HEAD, OPTIONS, PROPFIND']);
    });
  }

  it('OPTIONS of the server itself names those that are served of everything', async () => {
    for (const target of ['*', 'http://127.0.0.1']) {
      const rig = await virtualRig({ films: smallFilm });
      const exchange = rig.player().send(`OPTIONS ${target} HTTP/1.1\r\n${host}\r\n`, null);
      await rig.clock.advanceUntil(exchange.done());
      assert.deepEqual([exchange.status, exchange.field('allow')], [204, 'GET, HEAD, OPTIONS, PROPFIND']);
      assert.equal(rig.origin.requests.length, 0);
      await rig.close();
    }
  });

  it('CONNECT is answered by 405, and its connection closed', async () => {
    const { status, connected } = await statusOf('CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    assert.deepEqual([status, connected], [405, false]);
  });

  it('POST with Expect gets no 100', async () => {
    const fields = `${host}Content-Length: 5\r\nExpect: 100-continue\r\n`;
    const { status, exchange } = await statusOf(`POST /films/a HTTP/1.1\r\n${fields}\r\n`);
    assert.deepEqual([status, exchange.interim], [405, []]);
  });

  it('GET with Upgrade is answered as without', async () => {
    const rig = await virtualRig({ films: smallFilm });
    const fields = { connection: 'upgrade', upgrade: 'websocket' };
    const exchange = rig.get('/films/film.mp4', { fields });
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.interim], [200, []]);
    await rig.close();
  });
});

describe('a host', () => {
  it('may be missing in HTTP/1.0', async () => {
    const rig = await virtualRig({ films: smallFilm });
    const exchange = rig.player().send('GET /films/film.mp4 HTTP/1.0\r\n\r\n');
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(exchange.status, 200);
    await rig.close();
  });
});

describe('one connection', () => {
  it('asks the origin for one pipelined request at a time', async () => {
    const rig = await virtualRig({ films: smallFilm, origin: { headAfter: 1000 } });
    const player = rig.player();
    const exchanges = Array.from({ length: 50 }, (_, index) => player.get(`/films/${index}.mp4`));
    await rig.clock.advance(500);
    assert.equal(rig.origin.requests.length, 1);
    await rig.clock.advanceUntil(Promise.all(exchanges.map((exchange) => exchange.done())));
    assert.ok(exchanges.every(({ status, bodyBytes }) => status === 200 && bodyBytes === 1000));
    await rig.close();
  });

  it('that asks for more than a hundred things at once has the first hundred answered, and is closed', async () => {
    const rig = await virtualRig({ films: smallFilm, origin: { headAfter: 1000 } });
    const player = rig.player();
    const exchanges = Array.from({ length: 150 }, () => player.get('/films/film.mp4'));
    await rig.clock.advanceUntil(Promise.all(exchanges.map((exchange) => exchange.done())));
    assert.equal(exchanges.filter(({ status, outcome }) => status === 200 && outcome === 'complete').length, 100);
    assert.ok(exchanges.slice(100).every(({ outcome }) => outcome === 'cut'));
    assert.equal(player.connected, false);
    await rig.close();
  });
});
