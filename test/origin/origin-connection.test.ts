import assert from 'node:assert/strict';
import { it } from 'node:test';
import { OriginConnection } from '../../src/origin/origin-connection.ts';
import { duplexPair } from '../support/duplex-pair.ts';

it('a request that was given up before it has its connection is not sent, and closes that', async () => {
  const [near, far] = duplexPair();
  const connection = new OriginConnection(new URL('http://10.0.0.1/'), near);
  const reason = new Error('nobody waits any more');
  const request = { method: 'GET', path: '/film.mp4', fields: [], content: null };
  const exchange = connection.send(request, AbortSignal.abort(reason), () => assert.fail('it is used again'));
  await assert.rejects(exchange.head, reason);
  assert.equal(connection.usable, false);
  assert.equal(far.read(), null);
});
