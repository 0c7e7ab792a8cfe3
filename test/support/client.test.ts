import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/clock.ts';
import { Client, type ClientOptions } from './client.ts';
import { duplexPair, type PairedSocket } from './duplex-pair.ts';
import { film } from './film.ts';
import { HttpOriginServer } from './http-origin-server.ts';
import { runs } from './runs.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A client whose other end is in the test's hands. */
function client(clock: VirtualClock, options: Partial<ClientOptions> = {}): [Client, PairedSocket] {
  const [near, far] = duplexPair();
  return [new Client(near, { clock, ...options }), far];
}

describe('the test client', () => {
  it('sends what it is told, and no more', async () => {
    const clock = new VirtualClock();
    const [player, far] = client(clock);
    player.get('/film?x=1', { range: '5-9', version: '1.0', fields: { 'icy-metadata': '1' } });
    await clock.settle();
    const text = 'GET /film?x=1 HTTP/1.0\r\nhost: 127.0.0.1\r\nrange: bytes=5-9\r\nicy-metadata: 1\r\n\r\n';
    assert.equal(String(far.read()), text);
  });

  it('notes when each part of a reply came', async () => {
    const clock = new VirtualClock();
    const [player, far] = client(clock);
    await clock.advance(100);
    const exchange = player.get('/');
    for (const part of ['H', 'TTP/1.1 206 Partial Content\r\ncontent-length: 4\r\n', 'X-Note: a\r\n\r\n', 'ab', 'cd']) {
      await clock.advance(1000);
      far.write(part);
    }
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual(exchange.times, {
      sentAt: 100,
      firstByteAt: 1100,
      headAt: 3100,
      firstBodyAt: 4100,
      lastByteAt: 5100,
      endAt: 5100,
    });
    assert.deepEqual(
      exchange.headReads.map(({ at, text }) => [at, text.length]),
      [
        [1100, 1],
        [2100, 48],
        [3100, 13],
      ],
    );
    assert.deepEqual([exchange.status, exchange.field('x-note'), exchange.text], [206, 'a', 'abcd']);
  });

  const framings: ReadonlyArray<readonly [string, string, string, string]> = [
    ['a length', 'GET', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello', 'hello'],
    ['no bytes', 'GET', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', ''],
    [
      'chunks',
      'GET',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n',
      'hello',
    ],
    ['chunks and a trailer', 'GET', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: b\r\n\r\n', ''],
    ['a 304', 'GET', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n', ''],
    ['a HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', ''],
    ['an early hint', 'GET', 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', 'ok'],
  ];
  for (const [what, method, text, body] of framings) {
    it(`finds the end of ${what}, however it is cut into reads, twice on one connection`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: text.length }), async (size) => {
          const clock = new VirtualClock();
          const [player, far] = client(clock);
          const exchanges = [player.get('/', { method }), player.get('/', { method })];
          const both = text + text;
          for (let at = 0; at < both.length; at += size) {
            far.write(both.slice(at, at + size));
            await clock.settle();
          }
          assert.deepEqual(
            exchanges.map(({ outcome, text: got }) => [outcome, got]),
            [
              ['complete', body],
              ['complete', body],
            ],
          );
          assert.equal(player.connected, true);
        }),
        { numRuns: runs(12) },
      );
    });
  }

  const endings: ReadonlyArray<readonly [string, string, string]> = [
    ['without a head', '', 'cut'],
    ['within a head', 'HTTP/1.1 ', 'cut'],
    ['within a counted body', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell', 'cut'],
    ['within chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n', 'cut'],
    ['after a body that ends so', 'HTTP/1.1 200 OK\r\n\r\nhello', 'complete'],
  ];
  for (const [where, text, outcome] of endings) {
    it(`calls a connection that ends ${where} ${outcome}`, async () => {
      const clock = new VirtualClock();
      const [player, far] = client(clock);
      const exchange = player.get('/');
      far.resume();
      if (text !== '') far.write(text);
      await clock.settle();
      far.destroy();
      assert.equal(await clock.advanceUntil(exchange.done()), outcome);
    });
  }

  it('calls a reset a cut, even where the end of the connection would have been the end', async () => {
    const clock = new VirtualClock();
    const [player, far] = client(clock);
    const exchange = player.get('/');
    far.write('HTTP/1.1 200 OK\r\n\r\nhello');
    await clock.settle();
    far.resetAndDestroy();
    assert.equal(await clock.advanceUntil(exchange.done()), 'cut');
  });

  const broken: ReadonlyArray<readonly [string, string, RegExp]> = [
    [
      'a wrong byte',
      'HTTP/1.1 206 X\r\ncontent-range: bytes 5-9/10\r\ncontent-length: 5\r\n\r\nhello',
      /not the film's/,
    ],
    ['two status lines', 'HTTP/1.1 HTTP/1.1 200 OK\r\n\r\n', /is no status line/],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n', /told twice/],
    ['a folded field', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n', /is no header field/],
  ];
  for (const [what, text, message] of broken) {
    it(`fails on ${what}`, async () => {
      const clock = new VirtualClock();
      const [player, far] = client(clock, { film: film(10) });
      const exchange = player.get('/');
      far.write(text);
      await assert.rejects(clock.advanceUntil(exchange.done()), message);
    });
  }

  it('reads at its rate, and makes the server wait while it pauses', async () => {
    const clock = new VirtualClock();
    const long = film(500_000);
    const origin = new HttpOriginServer({ clock, films: long });
    const [near, far] = duplexPair();
    origin.accept(far);
    const player = new Client(near, { clock, film: long, rate: 100_000 });
    const exchange = player.get('/film');
    await clock.advance(2000);
    assert.ok(Math.abs(exchange.bodyBytes - 200_000) < 2000, `${exchange.bodyBytes} bytes in two seconds`);
    player.pause();
    await clock.advance(60_000);
    const { bytesGiven } = origin;
    assert.ok(bytesGiven < 500_000, 'the server waits');
    await clock.advance(60_000);
    assert.equal(origin.bytesGiven, bytesGiven);
    player.resume();
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.bodyBytes, origin.requests[0]?.complete], [500_000, true]);
  });

  it('leaves at the byte that it is told to, in mid-head too', async () => {
    for (const bytes of [1, 9, 60, 70]) {
      const clock = new VirtualClock();
      const [player, far] = client(clock);
      const exchange = player.get('/');
      player.leaveAt(bytes, 'reset');
      far.on('error', () => {});
      far.write(`HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n${'x'.repeat(1000)}`);
      assert.equal(await clock.advanceUntil(exchange.done()), 'left');
      const head = 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n'.length;
      assert.deepEqual([exchange.status, exchange.bodyBytes], bytes < head ? [null, 0] : [200, bytes - head]);
      await clock.settle();
      assert.equal(far.destroyed, true);
    }
  });

  it('says that it will ask for nothing more, and reads on', async () => {
    const clock = new VirtualClock();
    const [player, far] = client(clock);
    const exchange = player.get('/');
    player.leave('half');
    far.resume();
    await once(far, 'end');
    far.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    assert.equal(await clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.text, far.destroyed], ['ok', false]);
  });

  it('leaves in the middle of a reply, by end or by reset', async () => {
    for (const how of ['end', 'reset'] as const) {
      const clock = new VirtualClock();
      const origin = new HttpOriginServer({ clock, films: film(500_000) });
      const [near, far] = duplexPair();
      origin.accept(far);
      const player = new Client(near, { clock, rate: 100_000 });
      const exchange = player.get('/film');
      await clock.advanceUntil(exchange.received(1000));
      player.leave(how);
      assert.equal(await exchange.done(), 'left');
      await clock.settle();
      assert.deepEqual([origin.open, clock.pending, origin.requests[0]?.complete], [0, 0, false]);
    }
  });

  it('plays over a real socket, too', async () => {
    const short = film(100_000);
    const origin = new HttpOriginServer({ clock: systemClock, films: short });
    const player = await Client.connect(await origin.listen(), { clock: systemClock, film: short });
    const exchange = player.get('/film', { range: '50000-' });
    assert.deepEqual([await exchange.done(), exchange.status, exchange.bodyBytes], ['complete', 206, 50_000]);
    player.leave();
    origin.close();
  });
});
