/** The nine bytes that keep a player waiting, and every trap around them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import type { RequestOptions } from '../support/client.ts';
import type { Exchange } from '../support/exchange.ts';
import { film } from '../support/film.ts';
import { etagOf } from '../support/film-fields.ts';
import { virtualRig } from '../support/rig.ts';

const movie = film(1000);
const target = '/films/film.mp4';
const late: Behaviour = { headAfter: 20_000 };

/** What came before the head was whole: when, and how much of it. */
function dribble(exchange: Exchange, from = 0): Array<[at: number, text: string]> {
  return exchange.headReads.slice(0, -1).map(({ at, text }) => [at - from, text]);
}

const usual: ReturnType<typeof dribble> = [
  [5000, 'H'],
  [15_000, 'T'],
];

async function waits(origin: Behaviour, options: RequestOptions = {}, settings = {}) {
  const rig = await virtualRig({ films: movie, origin, settings });
  const exchange = rig.get(target, options);
  const outcome = await rig.clock.advanceUntil(exchange.done());
  await rig.clock.settle();
  return { rig, exchange, outcome };
}

describe('patience', () => {
  it('begins after 5 s without a reply and goes on every 10 s; then the rest of the head follows', async () => {
    const { rig, exchange, outcome } = await waits(late);
    assert.deepEqual(dribble(exchange), usual);
    assert.match(exchange.headReads.at(-1)?.text ?? '', /^TP\/1\.1 200 OK\r\n/);
    assert.deepEqual([outcome, exchange.status, exchange.bodyBytes], ['complete', 200, 1000]);
    assert.equal(rig.eventsOf('request-done').at(0)?.timeline.patienceAt, 5000);
    await rig.close();
  });

  it('begins when `patience` says, and goes on as `patienceInterval` says', async () => {
    const { rig, exchange } = await waits(late, {}, { patience: '8s', patienceInterval: '4s' });
    assert.deepEqual(dribble(exchange), [
      [8000, 'H'],
      [12_000, 'T'],
      [16_000, 'T'],
    ]);
    await rig.close();
  });

  it('ends with the ninth byte', async () => {
    const settings = { patience: '1s', patienceInterval: '1s' };
    const { rig, exchange, outcome } = await waits(late, {}, settings);
    assert.equal(
      dribble(exchange)
        .map(([, text]) => text)
        .join(''),
      'HTTP/1.1 ',
    );
    assert.deepEqual([dribble(exchange).at(-1)?.[0], outcome, exchange.status], [9000, 'complete', 200]);
    await rig.close();
  });

  it('is off where `patience` says so', async () => {
    const { rig, exchange } = await waits(late, {}, { patience: 'off' });
    assert.deepEqual([dribble(exchange), exchange.status], [[], 200]);
    assert.equal(rig.eventsOf('request-done').at(0)?.timeline.patienceAt, null);
    await rig.close();
  });

  it('is not for clients of HTTP/1.0', async () => {
    const { rig, exchange, outcome } = await waits(late, { version: '1.0' });
    assert.deepEqual([dribble(exchange), outcome, exchange.status], [[], 'complete', 200]);
    await rig.close();
  });

  it('counts in the queue for a connection, too', async () => {
    const rig = await virtualRig({ films: movie, origin: late, mount: { maxConnections: 1 } });
    rig.get('/films/other.mp4');
    const exchange = rig.get(target);
    await rig.clock.advanceUntil(exchange.received(1));
    assert.deepEqual(dribble(exchange).slice(0, 2), usual);
    await rig.close();
  });
});

describe('after a byte of patience', () => {
  const refusals: ReadonlyArray<readonly [status: number, origin: Behaviour, settings: object]> = [
    [404, { ...late, status: 404 }, {}],
    // A part that does not say which is followed by a request for everything, which is as late.
    [502, { ...late, success: 206, fields: { 'content-range': null } }, { firstByteTimeout: '60s' }],
    [503, { headAfter: Number.POSITIVE_INFINITY }, { queueTimeout: '20s' }],
    [504, { headAfter: Number.POSITIVE_INFINITY }, { firstByteTimeout: '20s' }],
  ];
  for (const [status, origin, settings] of refusals) {
    it(`a ${status} is whole`, async () => {
      const rig = await virtualRig({ films: movie, origin, settings, mount: { maxConnections: 1 } });
      if (status === 503) rig.get('/films/other.mp4');
      const exchange = rig.get(target, { range: '0-' });
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.status, dribble(exchange).slice(0, 2)], [status, usual]);
      assert.equal(exchange.field('content-length'), String(exchange.bodyBytes));
      await rig.close();
    });
  }

  it('a 206 is whole', async () => {
    const { rig, exchange, outcome } = await waits(late, { range: '10-19' });
    assert.deepEqual([outcome, exchange.status, exchange.bodyBytes, dribble(exchange)], ['complete', 206, 10, usual]);
    await rig.close();
  });

  it('a 304 is whole', async () => {
    const { rig, exchange, outcome } = await waits(late, { fields: { 'if-none-match': etagOf(movie) } });
    assert.deepEqual([outcome, exchange.status, dribble(exchange)], ['complete', 304, usual]);
    await rig.close();
  });

  it('the reply to a HEAD is whole', async () => {
    const { rig, exchange, outcome } = await waits(late, { method: 'HEAD' });
    assert.deepEqual([outcome, exchange.status, exchange.field('content-length')], ['complete', 200, '1000']);
    assert.deepEqual(dribble(exchange), usual);
    await rig.close();
  });

  it('a body without a length is whole', async () => {
    const { rig, exchange, outcome } = await waits({ ...late, framing: 'chunked', ignoreRange: true });
    assert.deepEqual([outcome, exchange.bodyBytes, dribble(exchange)], ['complete', 1000, usual]);
    await rig.close();
  });

  it('the next reply on the same connection is clean, with its own patience', async () => {
    const rig = await virtualRig({ films: movie, origin: late });
    const player = rig.player();
    for (const path of ['/films/1.mp4', '/films/2.mp4', '/films/2.mp4']) {
      const from = rig.clock.now();
      const exchange = player.get(path);
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      assert.deepEqual([exchange.status, exchange.bodyBytes], [200, 1000]);
      assert.deepEqual(dribble(exchange, from), from < 40_000 ? usual : []);
    }
    await rig.close();
  });

  it('a pipelined request is patient when its turn has come, and both replies are whole', async () => {
    const rig = await virtualRig({ films: movie, origin: late });
    const player = rig.player();
    const first = player.get('/films/1.mp4');
    const second = player.get('/films/2.mp4');
    assert.equal(await rig.clock.advanceUntil(second.done()), 'complete');
    assert.deepEqual(dribble(first), usual);
    assert.deepEqual(dribble(second), [
      [20_000, 'H'],
      [30_000, 'T'],
    ]);
    assert.deepEqual([first.status, first.bodyBytes, second.status, second.bodyBytes], [200, 1000, 200, 1000]);
    await rig.close();
  });

  for (const how of ['end', 'reset'] as const) {
    it(`a client may leave (${how}): nothing is left of its request`, async () => {
      const rig = await virtualRig({ films: movie, origin: { headAfter: 120_000 } });
      const player = rig.player();
      const exchange = player.get(target);
      await rig.clock.advance(6000);
      assert.equal(exchange.headReads.length, 1);
      player.leave(how);
      await rig.clock.settle();
      assert.deepEqual(
        rig.eventsOf('request-done').map(({ outcome, status }) => [outcome, status]),
        [['gone', null]],
      );
      assert.deepEqual(
        rig.eventsOf('first-byte-wait').map(({ outcome, duration }) => [outcome, duration]),
        [['gone', 6000]],
      );
      assert.equal(rig.eventsOf('bug').length, 0);
      await rig.close();
      assert.equal(rig.clock.pending, 0);
    });
  }

  for (const [what, text, status] of [
    ['a broken request', 'G@T / HTTP/1.1\r\n\r\n', 400],
    ['a head that is too long', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    it(`${what} is rejected when the reply is over, and ends the connection`, async () => {
      const rig = await virtualRig({ films: movie, origin: late });
      const player = rig.player();
      const exchange = player.get(target);
      await rig.clock.advance(6000);
      const broken = player.send(text, null);
      await rig.clock.advanceUntil(broken.done());
      assert.deepEqual([exchange.outcome, exchange.status, exchange.bodyBytes], ['complete', 200, movie.size]);
      assert.deepEqual([broken.status, player.connected], [status, false]);
      await rig.close();
    });
  }

  it('a request to open a tunnel ends the connection, and nothing else is written', async () => {
    const rig = await virtualRig({ films: movie, origin: late });
    const player = rig.player();
    const exchange = player.get(target);
    await rig.clock.advance(6000);
    player.send('CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    await rig.clock.settle();
    assert.deepEqual([exchange.outcome, player.connected], ['cut', false]);
    assert.equal(exchange.headReads.map((read) => read.text).join(''), 'H');
    await rig.close();
  });

  it('a request whose content is asked for gets a whole 100, and then a whole reply', async () => {
    const settings = { requestsPerClient: 1, allowFrom: ['192.168.1.0/24'] };
    const rig = await virtualRig({ films: movie, origin: late, mount: { methods: ['PUT'] }, settings });
    rig.player({}, '192.168.1.7').get(target);
    const player = rig.player({}, '192.168.1.7');
    const head = `PUT ${target} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
    const exchange = player.send(head, null);
    await rig.clock.advance(21_000);
    player.write('film');
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.interim.map(({ status }) => status), exchange.status], [[100], 200]);
    assert.deepEqual(
      exchange.headReads.slice(0, 3).map(({ text }) => text.slice(0, 12)),
      ['H', 'T', 'TP/1.1 100 C'],
    );
    await rig.close();
  });

  it('a request of HTTP/1.0 gets no 100 (RFC 9110 §15.2)', async () => {
    const rig = await virtualRig({ films: movie, mount: { methods: ['PUT'] } });
    const head = `PUT ${target} HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
    const exchange = rig.player().send(`${head}film`, null);
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.interim, exchange.status], [[], 200]);
    await rig.close();
  });

  it('a request that expects a 100 gets none', async () => {
    const rig = await virtualRig({ films: movie, origin: late });
    const player = rig.player();
    const first = player.get('/films/1.mp4');
    await rig.clock.advance(6000);
    const second = player.get('/films/2.mp4', { fields: { expect: '100-continue' } });
    await rig.clock.advanceUntil(second.done());
    assert.deepEqual([first.outcome, second.outcome, second.status, second.interim], ['complete', 'complete', 200, []]);
    await rig.close();
  });
});
