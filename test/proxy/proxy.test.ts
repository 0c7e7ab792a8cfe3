/** What the proxy holds of a connection that has closed: nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { duplexPair } from '../support/duplex-pair.ts';
import { mediaProxy } from '../support/media-proxy.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

test('a connection counts until it is closed', async () => {
  const proxy = mediaProxy(new VirtualClock());
  const server = proxy.createServer();
  const ends = Array.from({ length: 3 }, () => duplexPair());
  for (const [, far] of ends) server.emit('connection', far);
  assert.deepEqual(proxy.clients().connections, { idle: 3, busy: 0 });
  for (const [near, far] of ends) {
    near.destroy();
    if (!far.closed) await once(far, 'close');
  }
  assert.deepEqual(proxy.clients().connections, { idle: 0, busy: 0 });
  assert.equal(proxy.clients().clients, 0);
});
