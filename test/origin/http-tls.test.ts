import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { ProxyErrorType } from '../../src/errors.ts';
import type { HttpOriginOptions } from '../../src/origin/http-origin.ts';
import type { Origin } from '../../src/origin/origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { isProxyError, open, originAt, readAll } from './bench.ts';
import { RawServer } from './raw-server.ts';

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8');
}

const ca = fixture('authority.pem');
const identity = { key: fixture('origin.key.pem'), cert: fixture('origin.pem') };
const expired = { key: identity.key, cert: fixture('expired.pem') };

function secureOrigin(
  server: RawServer,
  hostname: string,
  options: Partial<HttpOriginOptions>,
): Origin & AsyncDisposable {
  const base = new URL(`https://${hostname}:${server.port}`);
  return originAt(server.port, { base, network: 'private', resolve: async () => ['127.0.0.1'], ...options });
}

suite('TLS', () => {
  for (const hostname of ['origin.test', '127.0.0.1']) {
    test(`films come from ${hostname} under the operator's own authority, on one connection`, async () => {
      await using server = await RawServer.listen(identity);
      await using origin = secureOrigin(server, hostname, { ca });
      const opened = open(origin);
      const connection = await server.next();
      assert.match(await connection.request(), /^GET \/film /);
      void connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfilm');
      assert.equal(await readAll(await opened), 'film');
      const again = open(origin);
      await connection.request();
      void connection.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain');
      assert.equal(await readAll(await again), 'again');
    });
  }

  const refusals: ReadonlyArray<readonly [sentence: string, hostname: string, server: typeof identity, ca?: string]> = [
    ['an unknown authority is not trusted', 'origin.test', identity],
    ['a certificate of another host is not trusted', 'other.test', identity, ca],
    ['an expired certificate is not trusted', 'origin.test', expired, ca],
  ];
  for (const [sentence, hostname, certificate, authority] of refusals) {
    test(sentence, async () => {
      await using server = await RawServer.listen(certificate);
      await using origin = secureOrigin(server, hostname, { ca: authority });
      await assert.rejects(open(origin, '/film?secret'), isProxyError('tls_certificate_error'));
    });
  }

  const failures: ReadonlyArray<readonly [sentence: string, answer: string | null, type: ProxyErrorType]> = [
    ['a server that speaks no TLS is a protocol error', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'tls_protocol_error'],
    ['an alert in the handshake is an alert', '\x15\x03\x03\x00\x02\x02\x28', 'tls_alert_received'],
    ['an end in the handshake is a cut', null, 'connection_terminated'],
  ];
  for (const [sentence, answer, type] of failures) {
    test(sentence, async () => {
      await using server = await RawServer.listen();
      await using origin = secureOrigin(server, 'origin.test', { ca });
      const opened = open(origin);
      const connection = await server.next();
      if (answer !== null) await connection.write(answer);
      connection.end();
      await assert.rejects(opened, isProxyError(type));
    });
  }

  test('the handshake counts towards connectTimeout', async () => {
    const clock = new VirtualClock();
    await using server = await RawServer.listen();
    await using origin = secureOrigin(server, 'origin.test', { ca, clock, connectTimeout: 10_000 });
    const rejected = assert.rejects(open(origin), isProxyError('connection_timeout'));
    const connection = await server.next();
    await clock.advance(10_000);
    await rejected;
    await connection.closed;
  });

  test('an abort in the handshake leaves nothing open', async () => {
    await using server = await RawServer.listen();
    await using origin = secureOrigin(server, 'origin.test', { ca });
    const reason = new Error('enough');
    const controller = new AbortController();
    const opened = open(origin, '/film', [], controller.signal);
    const connection = await server.next();
    controller.abort(reason);
    await assert.rejects(opened, reason);
    await connection.closed;
  });

  test("the operator's authority vouches for the base's host alone", async () => {
    await using elsewhere = await RawServer.listen(identity);
    await using server = await RawServer.answering(
      () => `HTTP/1.1 302 Found\r\nLocation: https://origin.test:${elsewhere.port}/x\r\nContent-Length: 0\r\n\r\n`,
    );
    const base = new URL(`http://base.test:${server.port}`);
    await using origin = secureOrigin(server, 'base.test', { base, ca, redirectTo: 'any' });
    await assert.rejects(open(origin), isProxyError('tls_certificate_error'));
  });
});
