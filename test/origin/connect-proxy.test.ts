/** Through an HTTP proxy, over real sockets: what it is asked, what its answers mean, and TLS behind it. */
import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { duplexPair } from 'node:stream';
import { suite, test } from 'node:test';
import type { ProxyErrorType } from '../../src/errors.ts';
import { openTunnel } from '../../src/origin/connect-proxy.ts';
import type { HttpOriginOptions } from '../../src/origin/http-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { isProxyError, open, originAt, readAll } from './bench.ts';
import { RawServer } from './raw-server.ts';
import { film } from './world.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8');
/** A proxy that tunnels every host to `port` of loopback. */
class Tunnels implements AsyncDisposable {
  /** The heads that it was sent. */
  readonly heads: string[] = [];
  readonly #server: net.Server;
  readonly #sockets: net.Socket[] = [];

  private constructor(port: number) {
    this.#server = net.createServer(async (near) => {
      near.on('error', () => {});
      const [head] = (await once(near, 'data')) as [Buffer];
      this.heads.push(head.toString());
      const far = net.connect(port, '127.0.0.1', () => {
        near.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n');
        near.pipe(far).pipe(near);
      });
      far.on('error', () => near.destroy());
      this.#sockets.push(near, far);
    });
  }

  static async to(port: number): Promise<Tunnels> {
    const tunnels = new Tunnels(port);
    tunnels.#server.listen(0, '127.0.0.1');
    await once(tunnels.#server, 'listening');
    return tunnels;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** An origin at `base` behind the proxy at `port`; nobody but the proxy resolves its name. */
function behind(port: number, base: string, options: Partial<HttpOriginOptions> = {}) {
  const proxy = { url: new URL(`http://127.0.0.1:${port}`), authorization: null };
  const resolve = async (hostname: string) => assert.fail(`${hostname} was resolved`);
  return originAt(port, { base: new URL(base), proxy, resolve, ...options });
}

suite('through a proxy', () => {
  test('an http origin is asked in a tunnel, by its name, and the tunnel is used again', async () => {
    await using server = await RawServer.answering(() => film);
    await using proxy = await Tunnels.to(server.port);
    await using origin = behind(proxy.port, 'http://films.example/media');
    assert.equal(await readAll(await open(origin)), 'film');
    assert.equal(await readAll(await open(origin)), 'film');
    assert.deepEqual(proxy.heads, ['CONNECT films.example:80 HTTP/1.1\r\nHost: films.example:80\r\n\r\n']);
  });

  test('an https origin proves who it is behind the proxy, and the proxy is told credentials of its own', async () => {
    await using server = await RawServer.listen({ key: fixture('origin.key.pem'), cert: fixture('origin.pem') });
    await using proxy = await Tunnels.to(server.port);
    const url = new URL(`http://127.0.0.1:${proxy.port}`);
    await using origin = behind(proxy.port, 'https://origin.test', {
      ca: fixture('authority.pem'),
      fields: [['authorization', 'secret of the origin']],
      proxy: { url, authorization: 'Basic cHJveHk6bWU=' },
    });
    const opened = open(origin);
    const connection = await server.next();
    const head = await connection.request();
    assert.match(head, /authorization: secret of the origin/);
    assert.doesNotMatch(head, /proxy/i);
    void connection.write(film);
    assert.equal(await readAll(await opened), 'film');
    assert.equal(
      proxy.heads[0],
      'CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\nProxy-Authorization: Basic cHJveHk6bWU=\r\n\r\n',
    );
  });

  test('another host behind it is not trusted', async () => {
    await using server = await RawServer.listen({ key: fixture('origin.key.pem'), cert: fixture('origin.pem') });
    await using proxy = await Tunnels.to(server.port);
    await using origin = behind(proxy.port, 'https://other.test', { ca: fixture('authority.pem') });
    await assert.rejects(open(origin), isProxyError('tls_certificate_error'));
  });

  test('a redirect to another public host goes through it too, one to a private host nowhere', async () => {
    const places = [
      'http://b.example/film',
      'http://169.254.169.254/',
      'http://metadata.internal/',
      'http://localhost/',
    ];
    for (const place of places) {
      const redirect = `HTTP/1.1 302 Found\r\nLocation: ${place}\r\nContent-Length: 0\r\n\r\n`;
      await using server = await RawServer.answering((head) => (head.includes('a.example') ? redirect : film));
      await using proxy = await Tunnels.to(server.port);
      await using origin = behind(proxy.port, 'http://a.example');
      if (place.includes('b.example')) assert.equal(await readAll(await open(origin)), 'film');
      else await assert.rejects(open(origin), isProxyError('destination_ip_prohibited'));
      assert.equal(proxy.heads.length, place.includes('b.example') ? 2 : 1, place);
    }
  });
});

suite('an answer of the proxy', () => {
  for (const [end, answer] of [
    ['a tunnel', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['an error', 'HTTP/1.1 403 No\r\n\r\n'],
    ['a head that is too large', 'x'.repeat(20_000)],
  ] as const) {
    test(`that ends in ${end} is listened for no longer`, async () => {
      const [near, far] = duplexPair();
      const stop = new AbortController();
      const proxy = { url: new URL('http://proxy.test:3128'), authorization: null };
      far.write(answer);
      await openTunnel(near, 'films.example:80', proxy, stop.signal).catch(() => {});
      assert.equal(near.listenerCount('readable'), 0);
      assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
    });
  }

  const answers: ReadonlyArray<readonly [answer: string, type: ProxyErrorType, sentence: RegExp]> = [
    ['HTTP/1.1 407 No\r\n\r\n', 'proxy_configuration_error', /^The proxy 127\.0\.0\.1:\d+ asks for other credentials/],
    ['HTTP/1.1 403 No\r\n\r\n', 'proxy_configuration_error', /refuses to connect to films\.example:80 \(403\)/],
    ['HTTP/1.1 502 No\r\n\r\n', 'connection_refused', /could not connect to films\.example:80 \(502\)/],
    ['HTTP/1.0 503 No\r\n\r\n', 'connection_refused', /could not connect/],
    ['HTTP/1.1 504 No\r\n\r\n', 'connection_timeout', /in time/],
    ['SSH-2.0-x\r\n\r\n', 'http_protocol_error', /did not answer in HTTP/],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, 'http_protocol_error', /too large/],
  ];
  for (const [answer, type, sentence] of answers) {
    test(`${answer.slice(0, 12)} (${answer.length} bytes): ${type}, and the connection is closed`, async () => {
      await using server = await RawServer.listen();
      await using origin = behind(server.port, 'http://films.example', { fields: [['cookie', 'secret']] });
      const opened = open(origin, '/film?secret');
      opened.catch(() => {});
      const connection = await server.next();
      assert.doesNotMatch(await connection.request(), /secret/);
      void connection.write(answer);
      await assert.rejects(opened, (error) => {
        assert.match(String((error as Error).message), sentence);
        return isProxyError(type)(error);
      });
      await connection.closed;
    });
  }

  test('that does not come before the connection ends is a cut', async () => {
    await using server = await RawServer.listen();
    await using origin = behind(server.port, 'http://films.example');
    const opened = open(origin);
    opened.catch(() => {});
    const connection = await server.next();
    await connection.request();
    connection.end();
    await assert.rejects(opened, isProxyError('connection_terminated'));
  });

  test('that does not come in time is a timeout that names the proxy', async () => {
    const clock = new VirtualClock();
    await using server = await RawServer.listen();
    await using origin = behind(server.port, 'http://films.example', { clock, connectTimeout: 3000 });
    const opened = open(origin);
    opened.catch(() => {});
    const connection = await server.next();
    await connection.request();
    await clock.advance(3000);
    await assert.rejects(opened, /Could not connect to 127\.0\.0\.1:\d+ within 3 s/);
    await connection.closed;
  });

  test('is not there where nobody listens', async () => {
    const server = await RawServer.listen();
    const { port } = server;
    await server[Symbol.asyncDispose]();
    await using origin = behind(port, 'http://films.example');
    await assert.rejects(open(origin), isProxyError('connection_refused'));
  });
});
