import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createHttpOrigin } from '../../src/origin/http-origin.ts';
import type { OriginBody } from '../../src/origin/origin.ts';
import { film } from './film.ts';
import { VirtualNetwork, type VirtualNetworkOptions } from './virtual-network.ts';

const movie = film(600_000);
const signal = new AbortController().signal;

/** The real origin adapter on a network that exists only in memory. */
function stage(options: Omit<VirtualNetworkOptions, 'films'> = {}) {
  const network = new VirtualNetwork({ films: movie, ...options });
  const adapter = createHttpOrigin({
    name: 'films',
    base: new URL('http://10.0.0.1/'),
    clock: network.clock,
    connectTimeout: 10_000,
    connect: network.connect,
  });
  const open = (range: string) => adapter.open({ target: '/film', fields: [['range', `bytes=${range}`]] }, signal);
  return { network, clock: network.clock, adapter, open };
}

async function check(body: OriginBody, start: number): Promise<number> {
  let at = start;
  for (let bytes = await body.read(); bytes !== null; bytes = await body.read()) {
    movie.assertBytes(at, bytes);
    at += bytes.length;
  }
  return at;
}

describe('a network in memory', () => {
  it('carries the HTTP origin adapter, late head and slow line included', async () => {
    const { clock, open, network } = stage({ origin: { headAfter: 3000 }, relay: { rate: 100_000, delay: 100 } });
    const { status, body } = await clock.advanceUntil(open('0-'));
    assert.equal(status, 206);
    assert.ok(clock.now() >= 3400 && clock.now() < 3420, `the head came at ${clock.now()} ms`);
    assert.equal(await clock.advanceUntil(check(body, 0)), 600_000);
    assert.ok(Math.abs(clock.now() - 9400) < 20, `the end came at ${clock.now()} ms`);
    assert.deepEqual([network.origin.fetchedTwice(), network.relay.connections], [[], 1]);
  });

  it('keeps a connection for the next request', async () => {
    const { clock, open, network } = stage();
    for (const range of ['0-99', '100-199']) {
      const { body } = await clock.advanceUntil(open(range));
      await clock.advanceUntil(check(body, range === '0-99' ? 0 : 100));
    }
    assert.deepEqual([network.origin.requests.length, network.origin.connections], [2, 1]);
  });

  it('refuses while the origin is down', async () => {
    const { clock, open, network } = stage();
    network.down = true;
    await assert.rejects(clock.advanceUntil(open('0-')), { type: 'connection_refused' });
    network.down = false;
    assert.equal((await clock.advanceUntil(open('0-'))).status, 206);
    assert.equal(network.refused, 1);
  });

  it('shows a cut to the adapter as a cut', async () => {
    for (const cut of ['end', 'reset'] as const) {
      const { clock, open } = stage({ relay: { fault: () => ({ after: 100_000, cut }) } });
      const { body } = await clock.advanceUntil(open('0-'));
      await assert.rejects(clock.advanceUntil(check(body, 0)), { name: 'ProxyError' });
    }
  });

  it('sees a cancelled body as a closed connection', async () => {
    const { clock, open, network } = stage({ relay: { rate: 100_000 } });
    const { body } = await clock.advanceUntil(open('0-'));
    await clock.advanceUntil(body.read());
    body.cancel();
    await clock.advance(1000);
    assert.deepEqual([network.origin.open, network.relay.open], [0, 0]);
  });
});
