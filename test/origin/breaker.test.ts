import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProxyError, type ProxyErrorType } from '../../src/errors.ts';
import { type BreakerEvent, EventBus } from '../../src/events.ts';
import { Breaker } from '../../src/origin/breaker.ts';
import { createGuardedOrigin } from '../../src/origin/guarded-origin.ts';
import type { OriginReply } from '../../src/origin/origin.ts';
import { film } from '../support/film.ts';
import { ScriptedOrigin, type ScriptedRequest } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { isProxyError } from './bench.ts';

const down = (type: ProxyErrorType = 'connection_refused') => new ProxyError(type, 'It did not work out.');

interface Asked {
  readonly reply: Promise<OriginReply>;
  readonly giveUp: () => void;
  /** What the origin saw of it; throws where it never came. */
  readonly request: ScriptedRequest;
}

/** Why it is not closed. */
function causeOf({ state }: Breaker): ProxyErrorType | null {
  return state.phase === 'closed' ? null : state.cause;
}

function bench(wait = 30_000) {
  const clock = new VirtualClock();
  const bus = new EventBus();
  const events: BreakerEvent[] = [];
  bus.subscribe((event) => {
    if (event.type === 'breaker') events.push(event);
  });
  const behind = new ScriptedOrigin(film(1000));
  const breaker = new Breaker({ name: 'films', clock, events: bus, wait });
  const origin = createGuardedOrigin(behind, breaker, clock);

  async function ask({ committed = false } = {}): Promise<Asked> {
    const abort = new AbortController();
    const before = behind.requests.length;
    const reply = origin.open({ target: '/a', fields: [], committed }, abort.signal);
    reply.catch(() => {});
    await clock.settle();
    return {
      reply,
      giveUp: () => abort.abort(new Error('nobody wants it any more')),
      get request() {
        return behind.requests[before] ?? assert.fail('the origin was not asked');
      },
    };
  }
  async function fail(type?: ProxyErrorType, options?: { committed: boolean }): Promise<void> {
    const { request, reply } = await ask(options);
    request.refuse(down(type));
    await assert.rejects(reply, isProxyError(type ?? 'connection_refused'));
  }
  /** A wait in which the origin is asked again and again. */
  async function waitInVain(type?: ProxyErrorType): Promise<void> {
    for (let tries = 0; tries < 4; tries += 1) {
      if (tries > 0) await clock.advance(wait / 3);
      await fail(type, { committed: tries > 0 });
    }
  }
  return { clock, events, behind, breaker, ask, fail, waitInVain };
}

describe('a breaker', () => {
  it('lets everything through while nothing is wrong', async () => {
    const { breaker, ask } = bench();
    const { request, reply } = await ask();
    request.head(200).end();
    assert.equal((await reply).status, 200);
    assert.deepEqual(breaker.state, { phase: 'closed' });
  });

  it('is not opened by any number of failures within one wait', async () => {
    const { clock, breaker, fail } = bench();
    for (let tries = 0; tries < 100; tries += 1) {
      await fail();
      await clock.advance(269);
    }
    assert.equal(breaker.state.phase, 'closed');
  });

  it('is not opened by two failures, however far apart', async () => {
    const { clock, breaker, fail } = bench();
    await fail();
    await clock.advance(600_000);
    await fail();
    assert.equal(breaker.state.phase, 'closed');
  });

  for (const wait of [30_000, 4000]) {
    it(`opens when nothing else happened for a wait of ${wait / 1000} s, and says since when and why`, async () => {
      const { clock, events, breaker, fail } = bench(wait);
      await clock.advance(1000);
      await fail();
      await clock.advance(wait / 2);
      await fail('connection_timeout');
      await clock.advance(0.4 * wait - 1);
      await fail();
      assert.equal(breaker.state.phase, 'closed');
      await clock.advance(1);
      await fail('dns_error');
      const at = 1000 + 0.9 * wait;
      assert.deepEqual(breaker.state, { phase: 'open', since: 1000, nextProbeAt: at + wait / 3, cause: 'dns_error' });
      assert.deepEqual(events, [
        { type: 'breaker', at, origin: 'films', from: 'closed', to: 'open', cause: 'dns_error' },
      ]);
    });
  }

  for (const type of [
    'dns_timeout',
    'dns_error',
    'destination_ip_unroutable',
    'connection_refused',
    'connection_terminated',
    'connection_timeout',
    'tls_protocol_error',
    'tls_certificate_error',
    'tls_alert_received',
  ] as const) {
    it(`opens where the origin is out of reach by ${type}`, async () => {
      const { breaker, waitInVain } = bench();
      await waitInVain(type);
      assert.equal(breaker.state.phase, 'open');
    });
  }

  for (const type of [
    'destination_ip_prohibited',
    'http_request_error',
    'http_protocol_error',
    'connection_limit_reached',
    'proxy_internal_response',
  ] as const) {
    it(`learns nothing from ${type}`, async () => {
      const { breaker, waitInVain } = bench();
      await waitInVain(type);
      assert.equal(breaker.state.phase, 'closed');
    });
  }

  it('takes any status for a sign of life', async () => {
    const { clock, breaker, ask, fail } = bench();
    for (const status of [503, 404, 500]) {
      await fail();
      await clock.advance(20_000);
      await fail();
      const { request } = await ask();
      request.head(status, []).end();
      await clock.advance(10_000);
      await fail();
    }
    assert.equal(breaker.state.phase, 'closed');
  });

  it('takes a byte of a body that flows for a sign of life', async () => {
    const { clock, breaker, ask, fail } = bench();
    const flowing = await ask();
    flowing.request.head(200);
    const { body } = await flowing.reply;
    for (let tries = 0; tries < 20; tries += 1) {
      await clock.advance(5000);
      await fail();
      flowing.request.bytes(10);
      await body.read();
    }
    assert.equal(breaker.state.phase, 'closed');
  });

  it('counts a silence from the last sign of life only', async () => {
    const { clock, breaker, ask, fail } = bench();
    const slow = await ask();
    slow.request.connected();
    await clock.advance(29_000);
    const { request } = await ask();
    request.head(200).end();
    await clock.advance(1000);
    slow.giveUp();
    await clock.settle();
    await fail();
    await fail();
    assert.equal(breaker.state.phase, 'closed');
  });

  it('counts silence where a whole wait was spent on it, and not where somebody left earlier', async () => {
    const { clock, breaker, ask } = bench();
    for (let tries = 0; tries < 20; tries += 1) {
      const { request, giveUp } = await ask();
      request.connected();
      await clock.advance(26_000);
      giveUp();
      await clock.settle();
    }
    assert.equal(breaker.state.phase, 'closed');
    for (let tries = 0; tries < 3; tries += 1) {
      const { request, giveUp } = await ask();
      request.connected();
      await clock.advance(30_000);
      giveUp();
      await clock.settle();
    }
    assert.equal(causeOf(breaker), 'connection_read_timeout');
  });

  it('counts a connection that did not come about in 3 s, and not one that was given up earlier', async () => {
    const { clock, breaker, ask } = bench();
    for (const [duration, phase] of [
      [2900, 'closed'],
      [3000, 'open'],
    ] as const) {
      for (let tries = 0; tries < 12; tries += 1) {
        const { giveUp } = await ask({ committed: true });
        await clock.advance(duration);
        giveUp();
        await clock.settle();
      }
      assert.equal(breaker.state.phase, phase);
    }
  });

  it('does not take the host that a redirect leads to for the origin', async () => {
    const { clock, breaker, ask } = bench();
    for (let tries = 0; tries < 6; tries += 1) {
      const { request } = await ask();
      request.connected().refuse(down('dns_error'));
      await clock.advance(10_000);
    }
    assert.equal(breaker.state.phase, 'closed');
  });
});

describe('an open breaker', () => {
  it('turns newcomers away at once, for good, and says when to come again', async () => {
    const { clock, behind, breaker, ask, waitInVain } = bench();
    await waitInVain();
    assert.ok(breaker.state.phase === 'open');
    const before = behind.requests.length;
    await clock.advance(breaker.state.nextProbeAt - clock.now() - 6500);
    const { reply } = await ask();
    await assert.rejects(reply, (error) => {
      assert.ok(error instanceof ProxyError);
      assert.equal(
        error.message,
        'The origin films has been out of reach for 34 s (connection refused) and is tried again in 7 s at the earliest.',
      );
      assert.deepEqual(
        [error.type, error.status, error.retryable, error.retryAfter],
        ['destination_unavailable', 503, false, 7],
      );
      return true;
    });
    assert.equal(behind.requests.length, before);
  });

  it('lets those through who have waited before, or have part of a reply', async () => {
    const { breaker, waitInVain, ask } = bench();
    await waitInVain();
    const { request, reply } = await ask({ committed: true });
    request.head(200).end();
    assert.equal((await reply).status, 200);
    assert.equal(breaker.state.phase, 'closed');
  });

  it('is half-open for the first who comes after the cool-down, and closed when it reaches the origin', async () => {
    const { clock, events, breaker, waitInVain, ask } = bench();
    await waitInVain();
    await clock.advance(10_000);
    const { request, reply } = await ask();
    assert.equal(breaker.state.phase, 'half-open');
    request.head(404, []).end();
    assert.equal((await reply).status, 404);
    assert.deepEqual(
      events.map(({ from, to, cause }) => [from, to, cause]),
      [
        ['closed', 'open', 'connection_refused'],
        ['open', 'half-open', 'connection_refused'],
        ['half-open', 'closed', null],
      ],
    );
  });

  it('rests twice as long after each wait in vain, up to a minute, and from the beginning once it was closed', async () => {
    const { clock, breaker, waitInVain, ask } = bench();
    const rests: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      if (round === 5) {
        const { request } = await ask();
        request.head(200).end();
        await clock.settle();
      }
      await waitInVain();
      assert.ok(breaker.state.phase === 'open');
      rests.push(breaker.state.nextProbeAt - clock.now());
      await clock.advance(breaker.state.nextProbeAt - clock.now());
    }
    assert.deepEqual(rests, [10_000, 20_000, 40_000, 60_000, 60_000, 10_000]);
  });

  it('keeps trying for a whole wait, so that a server which wakes up plays for all who came meanwhile', async () => {
    const { clock, breaker, waitInVain, ask, fail } = bench();
    await waitInVain();
    await clock.advance(10_000);
    await fail();
    await clock.advance(20_000);
    await fail();
    assert.equal(breaker.state.phase, 'half-open');
    const { request, reply } = await ask();
    request.head(200).end();
    assert.equal((await reply).status, 200);
    assert.equal(breaker.state.phase, 'closed');
  });
});

describe('while an origin is tried out', () => {
  async function trying() {
    const set = bench();
    await set.waitInVain();
    await set.clock.advance(10_000);
    const probe = await set.ask();
    const others = [await set.ask(), await set.ask(), await set.ask({ committed: true })];
    const before = set.behind.requests.length;
    return { ...set, probe, others, before };
  }

  it('one request does it, and the others share what it meets with', async () => {
    const { behind, probe, others, before } = await trying();
    assert.equal(behind.live.length, 1);
    probe.request.refuse(down('destination_ip_unroutable'));
    for (const { reply } of others) await assert.rejects(reply, isProxyError('destination_ip_unroutable'));
    assert.equal(behind.requests.length, before);
  });

  it('the others follow as soon as a connection is there, without waiting for a slow head', async () => {
    const { clock, behind, probe, others } = await trying();
    probe.request.connected();
    await clock.settle();
    assert.equal(behind.live.length, 4);
    for (const request of behind.live.slice(1)) request.head(200).end();
    for (const { reply } of others) assert.equal((await reply).status, 200);
  });

  it('another takes over where it is given up', async () => {
    const { clock, behind, probe, others } = await trying();
    probe.giveUp();
    await clock.settle();
    assert.equal(behind.live.length, 1);
    behind.live[0]?.connected();
    await clock.settle();
    assert.equal(behind.live.length, 3);
    for (const request of behind.live) request.head(200).end();
    for (const { reply } of others) assert.equal((await reply).status, 200);
  });

  it('who leaves while it waits is gone at once', async () => {
    const { others } = await trying();
    others[0]?.giveUp();
    await assert.rejects(async () => others[0]?.reply, /nobody wants it any more/);
  });
});
