import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { type Duplex, duplexPair, Readable } from 'node:stream';
import { suite, test } from 'node:test';
import { ProxyError } from '../../src/errors.ts';
import type { Connect } from '../../src/origin/dial.ts';
import type { Origin, OriginReply } from '../../src/origin/origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { isProxyError, open, originAt, readAll } from './bench.ts';
import { type RawConnection, RawServer } from './raw-server.ts';
import { film } from './world.ts';

/** The connection of a first request, idle after its answer. */
async function warmed(server: RawServer, origin: Origin): Promise<RawConnection> {
  const first = open(origin);
  const connection = await server.next();
  await connection.request();
  void connection.write(film);
  await readAll(await first);
  return connection;
}

suite('connections', () => {
  test('200 requests in a row share one connection', async () => {
    await using server = await RawServer.answering(() => film);
    await using origin = originAt(server.port);
    for (let request = 0; request < 200; request += 1) assert.equal(await readAll(await open(origin)), 'film');
    assert.equal(server.accepted, 1);
  });

  test('requests at one time have a connection each', async () => {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    const replies = [open(origin), open(origin), open(origin)];
    for (const _ of replies) void (await server.next()).write(film);
    assert.deepEqual(await Promise.all((await Promise.all(replies)).map(readAll)), ['film', 'film', 'film']);
  });

  test('a warm connection is announced before open returns, a new one after', async () => {
    await using server = await RawServer.answering(() => film);
    await using origin = originAt(server.port);
    const announcedAtOnce: boolean[] = [];
    for (let request = 0; request < 2; request += 1) {
      let announced = false;
      const onConnected = () => {
        announced = true;
      };
      const opened = origin.open({ target: '/', fields: [], onConnected }, new AbortController().signal);
      announcedAtOnce.push(announced);
      await readAll(await opened);
      assert.ok(announced);
    }
    assert.deepEqual(announcedAtOnce, [false, true]);
  });

  for (const ending of ['end', 'reset'] as const) {
    test(`a warm connection that dies without an answer (${ending}) is replaced, and nobody notices`, async () => {
      await using server = await RawServer.listen();
      await using origin = originAt(server.port);
      const stale = await warmed(server, origin);

      let announced = 0;
      const request = { target: '/again', fields: [], onConnected: () => announced++ };
      const second = origin.open(request, new AbortController().signal);
      assert.match(await stale.request(), /^GET \/again /);
      stale[ending]();
      const fresh = await server.next();
      assert.match(await fresh.request(), /^GET \/again /);
      void fresh.write(film);
      assert.equal(await readAll(await second), 'film');
      assert.equal(announced, 1);
    });
  }

  test('a request with content, which can be sent only once, has a new connection', async () => {
    await using server = await RawServer.answering(() => film);
    await using origin = originAt(server.port);
    await readAll(await open(origin));
    const fields = [['content-length', '4']] as const;
    const request = { method: 'PROPFIND', target: '/folder/', fields, content: Readable.from([Buffer.from('<a/>')]) };
    assert.equal(await readAll(await origin.open(request, new AbortController().signal)), 'film');
    assert.equal(server.accepted, 2);
  });

  test('a warm connection that the server has closed meanwhile is not used', async () => {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    const idle = await warmed(server, origin);
    idle.end();
    await idle.closed;
    const second = open(origin);
    void (await server.next()).write(film);
    assert.equal(await readAll(await second), 'film');
  });

  test('once a connection was used again, another is opened in advance, and whoever leaves a body finds it', async () => {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    const ask = (target: string) =>
      origin.open({ target, fields: [], maySpare: () => 1 }, new AbortController().signal);
    const first = ask('/first');
    const used = await server.next();
    for (const reply of [first, null]) {
      const opened = reply ?? ask('/second');
      await used.request();
      void used.write(film);
      await readAll(await opened);
    }
    const third = ask('/third');
    await used.request();
    void used.write('HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nfilm');
    const spare = await server.next();
    (await third).body.cancel();
    const fourth = ask('/fourth');
    assert.match(await spare.request(), /^GET \/fourth /);
    void spare.write(film);
    assert.equal(await readAll(await fourth), 'film');
  });

  test('an origin that says that it keeps connections is believed at once', async () => {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    const ask = () => origin.open({ target: '/', fields: [], maySpare: () => 1 }, new AbortController().signal);
    const first = ask();
    const torn = await server.next();
    void torn.write('HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 400\r\n\r\nfilm');
    const { body } = await first;
    const spare = await server.next();
    body.cancel();
    const second = ask();
    await spare.request();
    void spare.write(film);
    assert.equal(await readAll(await second), 'film');
  });

  for (const ending of ['end', 'reset'] as const) {
    test(`a connection opened in advance that the server closes again (${ending}) is not used`, async () => {
      await using server = await RawServer.listen();
      await using origin = originAt(server.port);
      const first = origin.open({ target: '/', fields: [], maySpare: () => 1 }, new AbortController().signal);
      const torn = await server.next();
      void torn.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 400\r\n\r\nfilm');
      const { body } = await first;
      const spare = await server.next();
      spare[ending]();
      await spare.closed;
      body.cancel();
      const second = open(origin);
      void (await server.next()).write(film);
      assert.equal(await readAll(await second), 'film');
    });
  }

  for (const closes of [true, false]) {
    test(`what a server says unasked on a connection opened in advance answers nothing${closes ? ', where it closes that' : ''}`, async () => {
      await using server = await RawServer.listen();
      await using origin = originAt(server.port);
      const first = origin.open({ target: '/', fields: [], maySpare: () => 1 }, new AbortController().signal);
      const torn = await server.next();
      void torn.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 400\r\n\r\nfilm');
      const { body } = await first;
      const spare = await server.next();
      await spare.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n');
      if (closes) spare.end();
      // Loopback has it at once; a turn of the loop brings it in.
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
      body.cancel();
      const second = open(origin);
      void (await server.next()).write(film);
      const reply = await second;
      assert.equal(reply.status, 200);
      assert.equal(await readAll(reply), 'film');
    });
  }

  test('several are opened in advance while the first answer is awaited, and used in the order of their opening', async () => {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    const took: number[] = [];
    const request = { target: '/', fields: [], maySpare: () => 3, onSpare: (ms: number) => void took.push(ms) };
    const opened = origin.open(request, new AbortController().signal);
    const first = await server.next();
    await first.request();
    const spares = [await server.next(), await server.next(), await server.next()];
    void first.write('HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nfilm');
    const { body } = await opened;
    assert.equal(took.length, 3);
    for (const spare of spares) {
      const reply = open(origin);
      await spare.request();
      void spare.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfilm');
      assert.equal(await readAll(await reply), 'film');
    }
    body.cancel();
    assert.equal(server.accepted, 4);
  });

  for (const ending of ['end', 'reset'] as const) {
    test(`an idle connection that the server closes (${ending}) is replaced as long as somebody reads`, async () => {
      await using server = await RawServer.listen();
      await using origin = originAt(server.port);
      let [isRead, spares] = [true, 0];
      const onSpare = () => {
        spares += 1;
      };
      const request = { target: '/', fields: [], maySpare: () => 1, onSpare, keepsWarm: () => isRead };
      const opened = origin.open(request, new AbortController().signal);
      let idle = await server.next();
      void idle.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nfilm');
      await readAll(await opened);
      const spare = await server.next();
      for (let times = 0; times < 3; times += 1) {
        // A connection that ends before it is there is not replaced.
        while (spares < Math.max(1, times)) await new Promise(setImmediate);
        idle[ending]();
        await idle.closed;
        idle = times === 0 ? spare : await server.next();
      }
      assert.equal(server.accepted, 4);
      const second = open(origin);
      assert.match(await idle.request(), /^GET /);
      void idle.write(film);
      assert.equal(await readAll(await second), 'film');
      isRead = false;
      idle[ending]();
      await idle.closed;
      for (let turn = 0; turn < 9; turn += 1) await new Promise(setImmediate);
      assert.equal(server.accepted, 4);
    });
  }

  test('nothing is opened in advance before a connection was used again, nor unasked', async () => {
    await using server = await RawServer.answering(() => film);
    await using origin = originAt(server.port);
    await readAll(await origin.open({ target: '/', fields: [], maySpare: () => 1 }, new AbortController().signal));
    for (let request = 0; request < 9; request += 1) await readAll(await open(origin));
    assert.equal(server.accepted, 1);
  });

  test('once a byte of the answer has come, a cut is a cut', async () => {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    const connection = await warmed(server, origin);
    const second = open(origin);
    await connection.request();
    void connection.write('H');
    connection.end();
    await assert.rejects(second, isProxyError('connection_terminated'));
    assert.equal(server.accepted, 1);
  });

  test('a new connection that dies without an answer is not tried again here', async () => {
    await using server = await RawServer.listen();
    await using origin = originAt(server.port);
    const opened = open(origin);
    (await server.next()).end();
    await assert.rejects(opened, isProxyError('connection_terminated'));
    assert.equal(server.accepted, 1);
  });

  test('a refused connection says so', async () => {
    const server = await RawServer.listen();
    const { port } = server;
    await server[Symbol.asyncDispose]();
    await using origin = originAt(port);
    await assert.rejects(open(origin, '/film?secret'), isProxyError('connection_refused'));
  });

  test('1,000 requests given up while connecting, waiting or reading leave no socket open', async () => {
    await using server = await RawServer.answering((head) =>
      head.includes('/head') ? 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfilm' : '',
    );
    await using origin = originAt(server.port);
    const reason = new Error('enough');
    for (let batch = 0; batch < 20; batch += 1) {
      const controller = new AbortController();
      const waiting: Promise<unknown>[] = [];
      const given: Promise<unknown>[] = [];
      for (let request = 0; request < 50; request += 1) {
        const opened = open(origin, request % 2 === 0 ? '/head' : '/silence', [], controller.signal);
        if (request % 2 === 0) given.push(opened);
        waiting.push(request % 2 === 0 ? opened.then(readAll) : opened);
      }
      if (batch % 2 === 0) await Promise.all(given);
      const rejected = waiting.map((opened) => assert.rejects(opened, reason));
      controller.abort(reason);
      await Promise.all(rejected);
    }
    await server.allClosed();
    await origin.close();
    // A connection of the last batch may still be on its way into the server.
    await new Promise(setImmediate);
    assert.deepEqual(sockets(), []);
  });
});

suite('connections on virtual time', () => {
  test('an idle connection is closed after keepAlive', async () => {
    const clock = new VirtualClock();
    const { connect, streams } = network(film);
    await using origin = originAt(80, { clock, connect, keepAlive: 20_000 });
    await readAll(await open(origin));
    await clock.advance(19_999);
    assert.equal(streams[0]?.destroyed, false);
    await readAll(await open(origin));
    await clock.advance(19_999);
    assert.equal(streams[0]?.destroyed, false);
    await clock.advance(1);
    assert.equal(streams[0]?.destroyed, true);
    assert.equal(streams.length, 1);
  });

  test('connecting takes connectTimeout at most', async () => {
    const clock = new VirtualClock();
    let given: AbortSignal | undefined;
    const connect: Connect = (_destination, signal) => {
      given = signal;
      return untilAborted(signal);
    };
    await using origin = originAt(80, { clock, connect, connectTimeout: 10_000 });
    const opened = open(origin);
    const rejected = assert.rejects(opened, (error) => {
      assert.ok(isProxyError('connection_timeout')(error) && error instanceof ProxyError);
      assert.equal(error.setting, 'connectTimeout');
      assert.match(error.message, /10 s/);
      return true;
    });
    await clock.advance(9_999);
    assert.equal(given?.aborted, false);
    await clock.advance(1);
    await rejected;
    assert.equal(given?.aborted, true);
  });

  test('a name that is not resolved within connectTimeout is a timeout of the name service', async () => {
    const clock = new VirtualClock();
    const resolve = () => new Promise<never>(() => {});
    await using origin = originAt(80, { clock, resolve, base: new URL('http://origin.test') });
    const rejected = assert.rejects(open(origin), isProxyError('dns_timeout'));
    await clock.advance(10_000);
    await rejected;
  });

  test('an abort while connecting gives its reason, and leaves no timer', async () => {
    const clock = new VirtualClock();
    const reason = new Error('enough');
    await using origin = originAt(80, { clock, connect: (_destination, signal) => untilAborted(signal) });
    const controller = new AbortController();
    const rejected = assert.rejects(open(origin, '/film', [], controller.signal), reason);
    controller.abort(reason);
    await rejected;
    assert.equal(clock.pending, 0);
  });

  test('an abort at the very moment of connecting leaves nothing open', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const { connect, streams } = network(film);
    await using origin = originAt(80, {
      connect: async (destination, signal) => {
        const stream = await connect(destination, signal);
        queueMicrotask(() => queueMicrotask(() => controller.abort(reason)));
        return stream;
      },
    });
    await assert.rejects(open(origin, '/film', [], controller.signal), reason);
    assert.equal(streams[0]?.destroyed, true);
  });

  test("budgets of hours are nobody else's: a head and a body may each take a day", async () => {
    const clock = new VirtualClock();
    const { connect, far } = network();
    await using origin = originAt(80, { clock, connect });
    const opened = open(origin);
    await clock.settle();
    await clock.advance(86_400_000);
    far().write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
    const reply = await opened;
    const reading = readAll(reply);
    await clock.advance(86_400_000);
    far().write('film');
    assert.equal(await reading, 'film');
  });

  test('while nobody reads, at most 256 KiB come out of the network', async () => {
    const clock = new VirtualClock();
    const { connect, far } = network();
    await using origin = originAt(80, { clock, connect });
    const opened = open(origin);
    await clock.settle();
    const piece = Buffer.alloc(16 * 1024);
    let taken = 0;
    far().write(`HTTP/1.1 200 OK\r\nContent-Length: ${2 ** 40}\r\n\r\n`);
    const pour = () => {
      taken += piece.length;
      far().write(piece, () => pour());
    };
    pour();
    const { body } = await opened;
    await clock.settle();
    assert.ok(taken <= 256 * 1024, `${taken} bytes before the first read`);
    for (let read = 0; read < 10 * 1024 * 1024; ) {
      read += (await body.read())?.length ?? 0;
      await clock.settle();
      assert.ok(taken - read <= 256 * 1024, `${taken - read} bytes ahead of the reader`);
    }
    body.cancel();
  });
});

suite('a chain of requests that ends in an error', () => {
  const unfinished = 'Content-Length: 100000\r\n\r\nthe beginning';
  for (const [what, head, type] of [
    ['a loop', 'HTTP/1.1 508 Loop\r\nProxy-Status: other;error=proxy_loop_detected\r\n', 'proxy_loop_detected'],
    ['a redirect to nowhere', 'HTTP/1.1 302 Found\r\nLocation: ftp://films.test/\r\n', 'http_protocol_error'],
  ] as const) {
    test(`of ${what} leaves no connection at work, though its body goes on`, async () => {
      const clock = new VirtualClock();
      const { connect, streams } = network(`${head}${unfinished}`);
      let busy = 0;
      const base = new URL('http://films.test');
      const resolve = async () => ['192.0.2.1'];
      const onBusy = (change: number) => {
        busy += change;
      };
      await using origin = originAt(0, { base, network: 'private', clock, resolve, connect, onBusy });
      await assert.rejects(open(origin), isProxyError(type));
      await clock.settle();
      assert.deepEqual([busy, streams.map(({ destroyed }) => destroyed)], [0, [true]]);
    });
  }
});

suite('a request', () => {
  test('listens for its end no longer when its answer has ended, was cancelled or failed', async () => {
    const clock = new VirtualClock();
    for (const [answer, end] of [
      [film, async (reply: OriginReply) => void (await readAll(reply))],
      [film, async ({ body }: OriginReply) => body.cancel()],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n', async () => {}],
    ] as const) {
      const { connect } = network(answer);
      const resolve = async () => ['192.0.2.1'];
      const base = new URL('http://films.test');
      await using origin = originAt(0, { base, network: 'private', clock, resolve, connect });
      const { signal } = new AbortController();
      await open(origin, '/film', [], signal).then(end, () => {});
      await clock.settle();
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    }
  });

  test('that is sent again because a signed URL has expired leaves no connection of the first at work', async () => {
    const clock = new VirtualClock();
    const answers = [
      'HTTP/1.1 302 Found\r\nLocation: /signed/1\r\nContent-Length: 0\r\n\r\n',
      `HTTP/1.1 403 Forbidden\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(20_000)}`,
      film,
    ];
    const connect: Connect = async () => {
      const [near, far] = duplexPair();
      far.on('data', () => far.write(answers.shift() ?? film));
      return near;
    };
    let busy = 0;
    const onBusy = (change: number) => {
      busy += change;
    };
    const resolve = async () => ['192.0.2.1'];
    const base = new URL('http://films.test');
    await using origin = originAt(0, { base, network: 'private', clock, resolve, connect, onBusy });
    assert.equal(await readAll(await open(origin)), 'film');
    await clock.settle();
    assert.deepEqual([answers.length, busy], [0, 0]);
  });
});

/** Streams in memory instead of sockets; `answer`, where given, answers each request that comes. */
function network(answer?: string): { connect: Connect; streams: Duplex[]; far(): Duplex } {
  const streams: Duplex[] = [];
  const fars: Duplex[] = [];
  const connect: Connect = async () => {
    const [near, far] = duplexPair();
    far.on('data', () => answer !== undefined && far.write(answer));
    near.once('close', () => far.destroy());
    streams.push(near);
    fars.push(far);
    return near;
  };
  return { connect, streams, far: () => fars.at(-1) ?? assert.fail('Nobody has connected.') };
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort');
  throw signal.reason;
}

function sockets(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap');
}
