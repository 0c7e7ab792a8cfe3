/** What is learnt of an origin from attempts to connect, over the HTTP adapter, and what is not. */
import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { suite, test } from 'node:test';
import { ProxyError } from '../../src/errors.ts';
import { type BreakerEvent, EventBus } from '../../src/events.ts';
import type { Connect } from '../../src/origin/dial.ts';
import { createHttpOrigin, type HttpOriginOptions } from '../../src/origin/http-origin.ts';
import { Reachability } from '../../src/origin/reachability.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { open } from './bench.ts';
import { RawServer } from './raw-server.ts';
import { film } from './world.ts';

const wait = 30_000;

type Outcome = 'connected' | 'silence' | NodeJS.ErrnoException;

const failure = (code: string) => Object.assign(new Error(code), { code });

/** An origin on virtual time whose connections come to what the test says. */
function bench(options: Partial<HttpOriginOptions> = {}) {
  const clock = new VirtualClock();
  const bus = new EventBus();
  const events: BreakerEvent[] = [];
  bus.subscribe((event) => {
    if (event.type === 'breaker') events.push(event);
  });
  const reachability = new Reachability({ name: 'films', clock, events: bus, wait });
  const set = { outcome: 'connected' as Outcome, answer: film, attempts: [] as number[], streams: [] as Duplex[] };
  const connect: Connect = async ({ hostname }, signal) => {
    set.attempts.push(clock.now());
    if (hostname === 'elsewhere.test') throw failure('ECONNREFUSED');
    if (set.outcome === 'silence') {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    }
    if (set.outcome instanceof Error) throw set.outcome;
    const [near, far] = duplexPair();
    far.on('error', () => {});
    far.on('data', () => far.write(set.answer, 'latin1'));
    set.streams.push(near);
    return near;
  };
  const base = new URL('http://films.test');
  const resolve = async () => ['93.184.216.34'];
  const origin = createHttpOrigin({
    name: 'films',
    base,
    clock,
    connectTimeout: 10_000,
    reachability,
    resolve,
    connect,
    ...options,
  });
  /** Asks, and tells what came of it. */
  async function ask(patience = Number.POSITIVE_INFINITY): Promise<string> {
    const abort = new AbortController();
    if (Number.isFinite(patience)) clock.after(patience, () => abort.abort(new Error('left')));
    const reply = open(origin, '/film', [], abort.signal).then(
      ({ status, body }) => {
        body.cancel();
        return String(status);
      },
      (error) => (error instanceof ProxyError ? error.type : error.message),
    );
    return await clock.advanceUntil(reply);
  }
  return { clock, events, reachability, origin, set, ask };
}

suite('an attempt to connect', () => {
  const failing: ReadonlyArray<readonly [code: string, cause: string]> = [
    ['ECONNREFUSED', 'connection_refused'],
    ['EHOSTUNREACH', 'destination_ip_unroutable'],
    ['ENETUNREACH', 'destination_ip_unroutable'],
    ['ENOTFOUND', 'dns_error'],
    ['EAI_AGAIN', 'dns_timeout'],
    ['ETIMEDOUT', 'connection_timeout'],
  ];
  for (const [code, cause] of failing) {
    test(`that fails by ${code} counts: an origin is out of reach when nothing else came for a whole wait`, async () => {
      const { clock, events, reachability, origin, set, ask } = bench();
      await clock.advance(1000);
      set.outcome = failure(code);
      assert.equal(await ask(), cause);
      await clock.advance(wait - 1);
      assert.equal(reachability.state.phase, 'closed');
      await clock.advance(1);
      const { state } = reachability;
      assert.ok(state.phase === 'open');
      assert.deepEqual({ since: state.since, cause: state.cause }, { since: 1000, cause });
      assert.ok(state.nextProbeAt > clock.now());
      const at = 1000 + wait;
      assert.deepEqual(events, [{ type: 'breaker', at, origin: 'films', from: 'closed', to: 'open', cause }]);
      await origin.close();
      assert.equal(clock.pending, 0);
    });
  }

  for (const code of ['EMFILE', 'ENFILE']) {
    test(`that fails by ${code} says nothing of the origin`, async () => {
      const { reachability, origin, set, ask } = bench();
      set.outcome = failure(code);
      await ask();
      assert.equal(reachability.outOfReach, null);
      await origin.close();
    });
  }

  test('that was given up after 2 s counts, and one that was given up earlier does not', async () => {
    for (const [patience, failing] of [
      [1900, false],
      [2000, true],
    ] as const) {
      const { reachability, origin, set, ask } = bench();
      set.outcome = 'silence';
      assert.equal(await ask(patience), 'left');
      assert.equal(reachability.outOfReach !== null, failing);
      await origin.close();
    }
  });

  test('to the host that a redirect leads to says nothing of the origin', async () => {
    const { clock, reachability, origin, set, ask } = bench();
    set.answer = 'HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/\r\nContent-Length: 0\r\n\r\n';
    for (let tries = 0; tries < 10; tries += 1) {
      assert.equal(await ask(), 'connection_refused');
      await clock.advance(10_000);
    }
    assert.deepEqual([reachability.outOfReach, reachability.state], [null, { phase: 'closed', contact: 'reached' }]);
    await origin.close();
  });

  test('that ends in a failed TLS handshake came about', async () => {
    await using server = await RawServer.listen();
    const { reachability, origin } = bench();
    await origin.close();
    const base = new URL(`https://127.0.0.1:${server.port}`);
    const clock = new VirtualClock();
    const secure = createHttpOrigin({ name: 'films', base, clock, connectTimeout: 10_000, reachability });
    const opened = open(secure);
    opened.catch(() => {});
    void (await server.next()).write('HTTP/1.1 400 Bad Request\r\n\r\n');
    await assert.rejects(opened, { type: 'tls_protocol_error' });
    assert.equal(reachability.outOfReach, null);
    await secure.close();
  });

  const refusals: ReadonlyArray<readonly [status: number, type: string, failing: boolean]> = [
    [502, 'connection_refused', true],
    [503, 'connection_refused', true],
    [504, 'connection_timeout', true],
    [407, 'proxy_configuration_error', false],
    [403, 'proxy_configuration_error', false],
  ];
  for (const [status, type, failing] of refusals) {
    test(`through a proxy that answers ${status} ${failing ? 'did not come about' : 'says nothing of the origin'}`, async () => {
      const proxy = { url: new URL('http://proxy.test:3128'), authorization: null };
      const { reachability, origin, set, ask } = bench({ proxy });
      set.answer = `HTTP/1.1 ${status} No\r\n\r\n`;
      assert.equal(await ask(), type);
      assert.equal(reachability.outOfReach !== null, failing);
      await origin.close();
    });
  }
});

suite('while attempts fail', () => {
  test('whoever asks within a quarter of a second shares one, and what it comes to', async () => {
    const { clock, origin, set, ask } = bench();
    set.outcome = failure('ECONNREFUSED');
    await ask();
    const asked = Array.from({ length: 100 }, () => open(origin).then(String, (error) => error.type));
    await clock.advance(250);
    assert.deepEqual([...new Set(await Promise.all(asked))], ['connection_refused']);
    assert.deepEqual(set.attempts, [0, 250]);
    await origin.close();
  });

  test('nobody is kept for longer than 2 s by a host that answers nothing, and what follows is tried beside', async () => {
    const { clock, origin, set, ask } = bench();
    set.outcome = 'silence';
    assert.equal(await ask(), 'connection_timeout');
    const from = clock.now();
    for (let tries = 1; tries <= 3; tries += 1) {
      assert.equal(await ask(), 'connection_timeout');
      assert.equal(clock.now() - from, tries * 2000);
    }
    assert.deepEqual(set.attempts, [0, from, from + 2000]);
    await origin.close();
  });

  test('the first that comes about is there for all, and whoever sleeps is woken', async () => {
    const { clock, reachability, origin, set, ask } = bench();
    set.outcome = failure('ECONNREFUSED');
    await ask();
    let woken = 0;
    for (let sleepers = 0; sleepers < 5; sleepers += 1) {
      void reachability.sleep(60_000, new AbortController().signal).then(() => woken++);
    }
    set.outcome = 'connected';
    assert.equal(await ask(), '200');
    assert.deepEqual([woken, set.attempts], [5, [0, 250]]);
    assert.equal(reachability.outOfReach, null);
    await origin.close();
    assert.equal(clock.pending, 0);
  });

  test('a connection that nobody asked for is closed as soon as it has come about', async () => {
    const { clock, reachability, origin, set, ask } = bench();
    set.outcome = failure('ECONNREFUSED');
    await ask();
    set.outcome = 'connected';
    await clock.advance(1000);
    assert.equal(reachability.outOfReach, null);
    assert.deepEqual(
      set.streams.map(({ destroyed }) => destroyed),
      [true],
    );
    await origin.close();
  });

  test('one that waits for its time is not made any more once the origin is closed', async () => {
    const { clock, origin, set, ask } = bench();
    set.outcome = failure('ECONNREFUSED');
    await ask();
    const asked = open(origin).then(String, (error) => error.type);
    await origin.close();
    await clock.settle();
    assert.equal(clock.pending, 0);
    await clock.advance(60_000);
    assert.deepEqual([await asked, set.attempts], ['proxy_internal_response', [0]]);
  });

  test('one is made now and then although nobody asks: after 1 s, then twice as long each time, up to 30 s', async () => {
    const { clock, events, origin, set, ask } = bench();
    set.outcome = failure('EHOSTUNREACH');
    await ask();
    await clock.advance(125_000);
    assert.deepEqual(set.attempts, [0, 1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000, 121_000]);
    set.outcome = 'connected';
    await clock.advance(30_000);
    const { origin: _, ...last } = events.at(-1) ?? assert.fail('nothing happened');
    assert.deepEqual(last, { type: 'breaker', at: 151_000, from: 'open', to: 'closed', cause: null });
    await clock.advance(300_000);
    assert.equal(set.attempts.length, 10);
    assert.equal(clock.pending, 0, 'nothing is kept');
    await origin.close();
  });

  test('an origin out of reach is half-open for as long as somebody waits for it, and open again 3 s after', async () => {
    const { clock, events, origin, set, ask } = bench();
    set.outcome = failure('ECONNREFUSED');
    await ask();
    await clock.advance(wait);
    for (let tries = 0; tries < 20; tries += 1) {
      await ask();
      await clock.advance(1000);
    }
    await clock.advance(10_000);
    set.outcome = 'connected';
    assert.equal(await ask(), '200');
    assert.deepEqual(
      events.map(({ from, to }) => `${from} to ${to}`),
      ['closed to open', 'open to half-open', 'half-open to open', 'open to half-open', 'half-open to closed'],
    );
    await origin.close();
    assert.equal(clock.pending, 0);
  });

  test('an answer over a connection that was kept is a sign of life', async () => {
    const { clock, reachability, origin, set } = bench();
    const kept = await clock.advanceUntil(open(origin));
    set.outcome = failure('ECONNREFUSED');
    await assert.rejects(clock.advanceUntil(open(origin)), { type: 'connection_refused' });
    assert.notEqual(reachability.outOfReach, null);
    await kept.body.read();
    await kept.body.read();
    assert.equal((await clock.advanceUntil(open(origin))).status, 200);
    assert.equal(reachability.outOfReach, null);
    await origin.close();
  });
});

suite('a breaker', () => {
  function broken() {
    const clock = new VirtualClock();
    const reachability = new Reachability({ name: 'films', clock, events: new EventBus(), wait });
    const error = new ProxyError('connection_refused', 'No.');
    reachability.failed({ error, startedAt: 0, nextAt: 1000 });
    return { clock, reachability };
  }

  test('that a request waits for again waits for no end of the lull', async () => {
    const { clock, reachability } = broken();
    await clock.advance(wait);
    reachability.begin()();
    assert.equal(clock.pending, 1);
    const over = reachability.begin();
    assert.deepEqual([reachability.state.phase, clock.pending], ['half-open', 0]);
    over();
    reachability.close();
    assert.equal(clock.pending, 0);
  });

  test('is waited for by nobody whose time is over, or who has left', async () => {
    const { clock, reachability } = broken();
    const gone = new AbortController();
    const sleeps = [reachability.sleep(100, never), reachability.sleep(60_000, gone.signal)];
    assert.ok(reachability.waitedFor);
    await clock.advance(100);
    gone.abort(new Error('gone'));
    await Promise.allSettled(sleeps);
    assert.equal(reachability.waitedFor, false);
    reachability.close();
    assert.equal(clock.pending, 0);
  });
});
