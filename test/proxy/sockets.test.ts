/** What only a kernel's sockets can show: heads that come too slowly, and clients that vanish at a bad moment. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../../src/clock.ts';
import { ClientConnection, reset } from '../../src/proxy/client-connection.ts';
import type { MediaProxy } from '../../src/proxy/proxy.ts';
import { Client } from '../support/client.ts';
import { mediaProxy } from '../support/media-proxy.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));

let proxy: MediaProxy;
let server: Server;
let port: number;

before(async () => {
  // Longer than a busy machine takes to bring a head that was sent at once.
  proxy = mediaProxy(systemClock, { headTimeout: 3000 });
  server = proxy.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

after(() => {
  server.close();
  server.closeAllConnections();
});

async function connected(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function assertAnswers(): Promise<void> {
  const client = await Client.connect(port, { clock: systemClock });
  const exchange = client.get('/nobody/x');
  assert.equal(await exchange.done(), 'complete');
  assert.equal(exchange.status, 404);
  client.leave();
}

describe('a head that does not come to its end', { concurrency: true }, () => {
  for (const [what, sent] of [
    ['a part of it', 'GET /nobody/x HTTP/1.1\r\nHost: local'],
    ['nothing of it', ''],
  ] as const) {
    it(`has its connection closed with a 408 where ${what} came`, async () => {
      const socket = await connected();
      socket.write(sent);
      assert.match(await text(socket), /^HTTP\/1\.1 408 .*\r\nCache-Status: firstbyte\r\n.*\(headTimeout\)\.\n$/s);
    });
  }

  it("is in nobody else's way, were there a thousand of them", async () => {
    const sockets = await Promise.all(Array.from({ length: 1000 }, connected));
    for (const socket of sockets) socket.write('GET /nobody/x HTTP/1.1\r\n');
    await assertAnswers();
    await Promise.all(sockets.map((socket) => text(socket)));
  });
});

describe('a client that resets its connection', () => {
  for (const request of [
    'CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n',
    'G@T / HTTP/1.1\r\n\r\n',
    'GET /nobody/x HTTP/1.1\r\nHost: localhost\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(100_000)}`,
  ]) {
    it(`right after ${request.slice(0, 20).trim()}… harms nobody else`, async () => {
      for (let round = 0; round < 20; round += 1) {
        const socket = await connected();
        socket.write(request, () => socket.resetAndDestroy());
        await once(socket, 'close');
      }
      await assertAnswers();
    });
  }
});

describe('a client that speaks TLS', () => {
  for (const protocols of [['http/1.0'], ['http/1.1'], ['h2', 'http/1.1'], []]) {
    it(`and offers ${protocols.join(' and ') || 'no protocol'} is answered`, { timeout: 30_000 }, async () => {
      const secure = proxy.createServer('', { key: fixture('origin.key.pem'), cert: fixture('origin.pem') });
      await once(secure.listen(0, '127.0.0.1'), 'listening');
      const { port } = secure.address() as AddressInfo;
      const to = { port, host: '127.0.0.1', rejectUnauthorized: false };
      const socket = connectTls({ ...to, ...(protocols.length > 0 && { ALPNProtocols: protocols }) });
      socket.write('GET /nobody/x HTTP/1.0\r\n\r\n');
      assert.match(await text(socket), /^HTTP\/1\.1 404 /);
      secure.close();
    });
  }
});

describe('a connection that is reset while its end is being sent', () => {
  const moments: Readonly<Record<string, (act: () => void) => unknown>> = {
    'at once': (act) => act(),
    'in a microtask': queueMicrotask,
    'before anything else': process.nextTick,
    'in the next turn': setImmediate,
  };
  for (const [when, at] of Object.entries(moments)) {
    for (const bytes of [0, 1, 20_000_000]) {
      it(`${when}, after ${bytes} bytes, is closed`, { timeout: 30_000 }, async () => {
        const { promise: closed, resolve } = Promise.withResolvers<void>();
        const ending = createServer((socket) => {
          socket.on('error', () => {});
          socket.once('close', () => resolve());
          socket.end(Buffer.alloc(bytes));
          at(() => reset(socket));
        }).listen(0, '127.0.0.1');
        await once(ending, 'listening');
        const client = connect((ending.address() as AddressInfo).port, '127.0.0.1').resume();
        client.on('error', () => {});
        await closed;
        ending.close();
      });
    }
  }
});

describe('a connection that knows no reset', () => {
  const socketFile = join(tmpdir(), `firstbyte-reset-${process.pid}.sock`);
  after(() => rm(socketFile, { force: true }));
  const close = (socket: Socket) => {
    const connection = new ClientConnection(socket, systemClock);
    connection.turnOf(new ServerResponse(new IncomingMessage(socket)));
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', () => connection.close());
  };
  const kinds = {
    'over TLS': {
      server: () => createTlsServer({ key: fixture('origin.key.pem'), cert: fixture('origin.pem') }, close).listen(0),
      client: (at: AddressInfo | string) =>
        connectTls({ port: (at as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false }),
    },
    'over a Unix socket': {
      server: () => createServer(close).listen(socketFile),
      client: (at: AddressInfo | string) => connect(at as string),
    },
  };
  for (const [what, { server, client }] of Object.entries(kinds)) {
    it(`${what} is closed in the middle of a reply`, { timeout: 30_000 }, async () => {
      const listening = server();
      await once(listening, 'listening');
      const socket = client(listening.address() as AddressInfo | string);
      socket.on('error', () => {});
      let came = '';
      socket.setEncoding('latin1').on('data', (bytes) => {
        came += bytes;
      });
      await once(socket, 'close');
      assert.ok(came.endsWith('abc'), came);
      listening.close();
    });
  }
});
