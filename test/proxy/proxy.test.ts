/** What the proxy holds of a connection that has closed: nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { EventBus } from '../../src/events.ts';
import { MediaProxy, type ProxyParts } from '../../src/proxy/proxy.ts';
import { roomForAll } from '../support/client-limits.ts';
import { duplexPair } from '../support/duplex-pair.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

test('a connection counts until it is closed', async () => {
  const parts: Omit<ProxyParts, 'cache'> = {
    ...roomForAll,
    clock: new VirtualClock(),
    events: new EventBus(),
    patience: { patience: null, patienceInterval: 1000 },
    allowFrom: [],
    allowHosts: [],
    systemCalls: null,
    pseudonym: 'firstbyte-test',
    onForeignHost: () => {},
    headTimeout: 15_000,
    stalledMemory: 1024 ** 2,
    control: () => {},
  };
  // No request is made, so that nothing is looked up.
  const proxy = new MediaProxy(parts as ProxyParts);
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
