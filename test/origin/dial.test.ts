/** Whatever ends a dial after its stream was opened closes that stream. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { OwnListeners } from '../../src/http/own-listeners.ts';
import { type DialOptions, type DialTarget, dial } from '../../src/origin/dial.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { isProxyError } from './bench.ts';
import { RawServer } from './raw-server.ts';

const url = new URL('http://films.test');

function options(changes: Partial<DialOptions>): DialOptions {
  return { clock: new VirtualClock(), connectTimeout: 10_000, resolve: async () => ['192.0.2.1'], ...changes };
}

function dialled(changes: Partial<DialOptions>, target: Partial<DialTarget> = {}) {
  return dial({ url, network: 'private', ...target }, options(changes), never);
}

test('one that has reached firstbyte itself', async () => {
  await using server = await RawServer.listen();
  const own = new OwnListeners(() => []);
  own.add({ address: '127.0.0.1', port: server.port });
  const sockets: Socket[] = [];
  const connect = async () => {
    const socket = connectSocket(server.port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  await assert.rejects(dialled({ own, connect }), isProxyError('proxy_loop_detected'));
  assert.deepEqual(
    sockets.map(({ destroyed }) => destroyed),
    [true],
  );
});

test('a tunnel that the proxy refuses', async () => {
  const [near, far] = duplexPair();
  far.write('HTTP/1.1 403 No\r\n\r\n');
  const proxy = { url: new URL('http://proxy.test:3128'), authorization: null };
  await assert.rejects(dialled({ proxy, connect: async () => near }), isProxyError('proxy_configuration_error'));
  assert.ok(near.destroyed);
});

test('a caller that throws when it hears of the connection', async () => {
  const [near] = duplexPair();
  const onConnected = () => {
    throw new TypeError('a bug');
  };
  await assert.rejects(dialled({ connect: async () => near }, { onConnected }), /a bug/);
  assert.ok(near.destroyed);
});

test('a handshake that fails', async () => {
  const [near, far] = duplexPair();
  far.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  const secure = { url: new URL('https://films.test') };
  await assert.rejects(dialled({ connect: async () => near }, secure), isProxyError('tls_protocol_error'));
  assert.ok(near.destroyed);
});
