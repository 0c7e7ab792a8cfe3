/** Connections on which TLS has not been agreed on: they count as any others do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { nextTurn, systemClock } from '../../src/clock.ts';
import type { MediaProxy } from '../../src/proxy/proxy.ts';
import { mediaProxy } from '../support/media-proxy.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures/tls', name), 'utf8');
const secure = { key: fixture('origin.key.pem'), cert: fixture('origin.pem') };

/** A proxy that has room for three connections, and answers whoever comes with a 404. */
async function listening(context: TestContext): Promise<{ proxy: MediaProxy; server: Server; port: number }> {
  const proxy = mediaProxy(systemClock, { clientConnections: () => 3 });
  const server = proxy.createServer('', secure).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return { proxy, server, port: (server.address() as AddressInfo).port };
}

async function silent(context: TestContext, server: Server, port: number): Promise<Socket> {
  const accepted = once(server, 'connection');
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  context.after(() => socket.destroy());
  await accepted;
  return socket;
}

async function answered(port: number): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.write('GET /nobody/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const bytes of socket) text += String(bytes);
  return text;
}

test('those that say nothing give way to who comes', async (context) => {
  const { proxy, server, port } = await listening(context);
  const sockets: Socket[] = [];
  for (let count = 0; count < 3; count += 1) sockets.push(await silent(context, server, port));
  assert.deepEqual(proxy.clients().connections, { idle: 3, busy: 0 });
  const [first] = sockets;
  const closed = first && once(first.resume(), 'close');
  assert.match(await answered(port), /^HTTP\/1\.1 404 /);
  await closed;
});

test('one counts once when TLS has been agreed on, and no more when it is closed', async (context) => {
  const { proxy, server, port } = await listening(context);
  const agreed = once(server, 'secureConnection');
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {});
  await agreed;
  assert.deepEqual(proxy.clients().connections, { idle: 1, busy: 0 });
  socket.destroy();
  while (proxy.clients().clients > 0) await nextTurn();
  const left = await silent(context, server, port);
  left.destroy();
  while (proxy.clients().clients > 0) await nextTurn();
});
