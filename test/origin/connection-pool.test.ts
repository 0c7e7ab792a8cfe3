/** What the pool holds of a connection that is gone: nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { ConnectionPool } from '../../src/origin/connection-pool.ts';
import { OriginConnection } from '../../src/origin/origin-connection.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function stage() {
  const clock = new VirtualClock();
  let busy = 0;
  const pool = new ConnectionPool(clock, 30_000, (change) => {
    busy += change;
  });
  const [stream] = duplexPair();
  const connection = new OriginConnection(new URL('http://films.test'), stream);
  pool.add(connection);
  const closed = once(stream, 'close');
  return { clock, pool, stream, connection, closed, busy: () => busy };
}

test('a connection that closed is not closed again with the pool', async (t) => {
  const { pool, stream, connection, closed, busy } = stage();
  stream.destroy();
  await closed;
  const close = t.mock.method(connection, 'close');
  pool.close();
  assert.deepEqual([close.mock.callCount(), busy()], [0, 0]);
});

test('an idle connection that closes leaves no timer, and is not taken', async () => {
  const { clock, pool, stream, connection, closed, busy } = stage();
  pool.give(connection);
  assert.deepEqual([busy(), clock.pending], [0, 1]);
  stream.destroy();
  await closed;
  assert.deepEqual([busy(), clock.pending, pool.take('http://films.test')], [0, 0, null]);
});

test('a connection that is opened in advance and can not be had does not stand in the way of the next', async () => {
  const { pool } = stage();
  pool.keeps('http://films.test');
  let tries = 0;
  const fails = () => {
    tries += 1;
    return Promise.reject(new Error('refused'));
  };
  pool.prepare('http://films.test', 1, fails);
  await new Promise(setImmediate);
  pool.prepare('http://films.test', 1, fails);
  assert.equal(tries, 2);
});

test('a connection that never had a request closes its stream', async () => {
  const { pool, stream, closed } = stage();
  pool.close();
  await closed;
  assert.ok(stream.destroyed);
});
