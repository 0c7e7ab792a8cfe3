/**
 * What firstbyte counts is what its clients saw: a mixed load, measured by the clients and compared with its own stats.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StatsReport } from '../../src/control/answers.ts';
import { type WaitOutcome, waitOutcomes } from '../../src/events.ts';
import type { Exchange, RequestOptions } from '../support/client.ts';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const secret = 'S3CRET';
const movie = film(300_000);
const never = { headAfter: Number.POSITIVE_INFINITY };
const unhealable = { etag: null, 'last-modified': null };

/** One request as its client saw it, with what only the scenario knows: how its wait ended, and the fill's phase. */
interface Seen {
  readonly exchange: Exchange;
  readonly wait: WaitOutcome | null;
  readonly phase: string;
}

class Load {
  readonly seen: Seen[] = [];
  readonly #rig: VirtualRig;
  #next = 1;

  constructor(rig: VirtualRig) {
    this.#rig = rig;
  }

  /** A request whose wait will end so; each is for a film of its own, unless told otherwise. */
  ask(wait: WaitOutcome | null, options: RequestOptions & { phase?: string; path?: string } = {}): Exchange {
    const { phase = '-', path = `${this.#next}.mp4` } = options;
    this.#next += 1;
    const fields = { authorization: `Bearer ${secret}`, ...options.fields };
    const exchange = this.#rig.get(`/films/${path}?token=${secret}`, { ...options, fields });
    this.seen.push({ exchange, wait, phase });
    return exchange;
  }

  async done(...exchanges: readonly Exchange[]): Promise<void> {
    await this.#rig.clock.advanceUntil(Promise.all(exchanges.map((exchange) => exchange.done())));
    await this.#rig.clock.settle();
  }

  /** Leaves `exchange`'s player after a while. */
  async leave(after: number): Promise<void> {
    const player = this.#rig.player();
    const exchange = player.get(`/films/${this.#next}.mp4?token=${secret}`);
    this.#next += 1;
    await this.#rig.clock.advance(after);
    player.leave();
    await this.#rig.clock.settle();
    this.seen.push({ exchange, wait: 'gone', phase: '-' });
  }
}

/** Everything that can happen to a request, most of it several times. */
async function mixedLoad(rig: VirtualRig): Promise<Load> {
  const load = new Load(rig);
  const { origin, network } = rig;

  origin.next({ headAfter: 700 });
  const first = load.ask('served', { path: 'a.mp4' });
  const joined = load.ask('served', { path: 'a.mp4', range: '100-' });
  await load.done(first, joined);
  await load.done(load.ask(null, { path: 'a.mp4' }), load.ask(null, { path: 'a.mp4', range: '-500' }));
  await load.done(
    load.ask(null, { path: 'a.mp4', range: '400000-' }),
    load.ask(null, { path: 'a.mp4', method: 'HEAD' }),
  );

  origin.next({ fields: { 'cache-control': 'no-store' } });
  await load.done(load.ask('served'));

  for (const status of [404, 401]) {
    origin.next({ status, headAfter: 300 });
    await load.done(load.ask('failed'));
  }
  origin.always({ status: 503 });
  await load.done(load.ask('late'), load.ask('late', { range: '5-' }));
  origin.always({});

  origin.next({ ...never }, { ...never });
  await load.done(load.ask('late', { phase: 'starting' }), load.ask('late', { phase: 'starting', range: '-5' }));

  network.down = true;
  await load.done(load.ask('late', { phase: 'starting' }));
  network.down = false;
  // Until the breaker lets somebody try again.
  await rig.clock.advance(1000);

  const part = { 'content-range': 'bytes 7-299999/300000' };
  origin.next({ headAfter: 200, fields: part }, { success: 206, fields: part });
  await load.done(load.ask('failed', { phase: 'starting' }));

  origin.next({ cutAfter: 100_000, fields: unhealable });
  await load.done(load.ask('served'));

  origin.next({ ...never }, { ...never });
  const busy = [load.ask('late', { phase: 'starting' }), load.ask('late', { phase: 'starting' })];
  await rig.clock.settle();
  const queued = load.ask('late', { phase: 'queued' });
  await rig.clock.settle();
  const full = [load.ask('failed', { phase: 'queued' }), load.ask('failed', { phase: 'queued' })];
  await load.done(...busy, queued, ...full);

  origin.next({ ...never });
  await load.leave(1234);

  await load.done(load.ask(null, { method: 'POST' }), load.ask(null, { path: 'a/../b' }));
  return load;
}

async function read(rig: VirtualRig, path: string): Promise<string> {
  return (await rig.play(path, { film: null })).text;
}

async function statsOf(rig: VirtualRig): Promise<StatsReport> {
  return JSON.parse(await read(rig, '/-/api/v1/stats'));
}

/** From asking to the head or to leaving, in seconds: what the client calls its wait. */
function waited({ exchange: { times } }: Seen): number {
  return ((times.headAt ?? times.endAt ?? Number.NaN) - times.sentAt) / 1000;
}

/** The error type that a 5xx names as firstbyte's own; `null` for any other reply. */
function ownError({ exchange }: Seen): string | null {
  if (exchange.status === null || exchange.status < 500) return null;
  return /error=(\w+)/.exec(exchange.field('proxy-status') ?? '')?.[1] ?? null;
}

function tally(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

const settings = { firstByteTimeout: '3s', queueTimeout: '2s', maxQueued: 1, patience: '1s', patienceInterval: '1s' };

async function loaded() {
  const rig = await virtualRig({ films: movie, settings, mount: { maxConnections: 2 } });
  const load = await mixedLoad(rig);
  return { rig, seen: load.seen, stats: await statsOf(rig) };
}

describe('the stats agree with the clients', () => {
  it('about every 5xx of our own, by status, reason and phase', async () => {
    const { rig, seen, stats } = await loaded();
    const received = seen.flatMap((one) => {
      const type = ownError(one);
      return type === null ? [] : [`${one.exchange.status} ${type} ${one.phase}`];
    });
    const counted = stats.ownErrors.by.map(({ status, reason, phase, count }) => [
      `${status} ${reason} ${phase}`,
      count,
    ]);
    assert.deepEqual(Object.fromEntries(counted), tally(received));
    assert.deepEqual([stats.ownErrors.count, received.length], [9, 9]);
    const statuses = new Set(received.map((line) => line.slice(0, 3)));
    assert.deepEqual([...statuses].sort(), ['502', '503', '504']);
    await rig.close();
  });

  it('about every wait for a first byte, by its end: how many and how long', async () => {
    const { rig, seen, stats } = await loaded();
    for (const outcome of waitOutcomes) {
      const waits = seen.filter(({ wait }) => wait === outcome).map(waited);
      const { count, sumSeconds, atMost } = stats.firstByteWaits[outcome];
      assert.deepEqual([outcome, count], [outcome, waits.length]);
      const sum = waits.reduce((total, wait) => total + wait, 0);
      assert.ok(Math.abs(sumSeconds - sum) < 1e-6, `${outcome}: ${sumSeconds} s counted, ${sum} s measured`);
      assert.ok(waits.length > 0, `there is none that is ${outcome}`);
      assert.equal(atMost['2.5s'], waits.filter((wait) => wait <= 2.5).length);
    }
    await rig.close();
  });

  it('about a wait for the origin to vouch for what is stored', async () => {
    const rig = await virtualRig({ films: movie, origin: { fields: { 'cache-control': 'max-age=60' } } });
    const load = new Load(rig);
    await load.done(load.ask('served', { path: 'a.mp4' }));
    await rig.clock.advance(120_000);
    rig.origin.next({ headAfter: 500 });
    await load.done(load.ask('served', { path: 'a.mp4' }));
    const { count, sumSeconds } = (await statsOf(rig)).firstByteWaits.served;
    assert.deepEqual([load.seen.map(waited), count, sumSeconds], [[0, 0.5], 2, 0.5]);
    await rig.close();
  });

  it('about how every request ended, and what it was given', async () => {
    const { rig, seen, stats } = await loaded();
    const outcomes = seen.map((one) => {
      const { status, outcome } = one.exchange;
      if (outcome === 'left') return 'gone';
      if (outcome === 'cut') return 'cut';
      if (ownError(one) !== null) return 'failed';
      if (one.exchange.field('proxy-status')?.includes('received-status')) return 'passed';
      return status !== null && status >= 400 ? 'refused' : 'served';
    });
    assert.deepEqual(
      Object.entries(stats.requests.byOutcome)
        .filter(([, count]) => count > 0)
        .sort(),
      Object.entries(tally(outcomes)).sort(),
    );
    assert.deepEqual([...new Set(outcomes)].sort(), ['cut', 'failed', 'gone', 'passed', 'refused', 'served']);
    await rig.close();
  });

  it('about the bytes that went out, by where they came from', async () => {
    const { rig, seen, stats } = await loaded();
    const content = seen.filter(({ exchange: { status } }) => status === 200 || status === 206);
    const total = content.reduce((sum, { exchange }) => sum + exchange.bodyBytes, 0);
    const { store, memory, 'pass-through': passed } = stats.bytesSent;
    assert.deepEqual([store + memory + passed, passed], [total, movie.size]);
    await rig.close();
  });

  it('and nobody learns a secret from anything that firstbyte says', async () => {
    const { rig, seen } = await loaded();
    const pages = await Promise.all(
      ['/-/api/v1/stats', '/-/api/v1/fills', '/-/metrics'].map((path) => read(rig, path)),
    );
    const replies = seen.flatMap(({ exchange }) =>
      exchange.status === null ? [] : [exchange.fields.flat().join(), exchange.text],
    );
    const said = [...pages, ...replies, ...rig.log, JSON.stringify(rig.events)].join('\n');
    assert.ok(said.includes('/a.mp4') && rig.log.length > 20);
    assert.ok(!said.includes(secret));
    await rig.close();
  });
});

describe('the last 5xx of our own', () => {
  it('are kept, a hundred of them, with all that is known of each', async () => {
    const rig = await virtualRig({
      films: movie,
      origin: never,
      settings: { maxQueued: 0 },
      mount: { maxConnections: 1 },
    });
    rig.get('/films/busy.mp4');
    await rig.clock.advance(1000);
    for (let index = 1; index <= 101; index += 1) {
      const exchange = await rig.play(`/films/${index}.mp4?token=${secret}`);
      assert.equal(exchange.status, 503);
    }
    const { ownErrors } = await statsOf(rig);
    assert.deepEqual([ownErrors.count, ownErrors.last.length], [101, 100]);
    const [oldest, newest] = [ownErrors.last.at(0), ownErrors.last.at(-1)];
    assert.equal(oldest?.path, '/2.mp4');
    assert.deepEqual(newest, {
      time: new Date(rig.clock.wallTime()).toISOString(),
      at: 1000,
      request: 102,
      origin: 'films',
      path: '/101.mp4',
      status: 503,
      reason: 'connection_limit_reached',
      phase: 'queued',
      waited: 0,
      message: newest?.message,
    });
    assert.match(newest?.message ?? '', /^[A-Z].*\.$/);
    await rig.close();
  });

  it('are counted while firstbyte shuts down', async () => {
    const rig = await virtualRig({ films: movie, origin: { headAfter: 3000 } });
    const before = rig.get('/films/a.mp4');
    await rig.clock.advance(1000);
    const { daemon } = rig;
    const stopped = daemon.stop();
    const late = await rig.play('/films/b.mp4');
    assert.deepEqual([late.status, late.field('retry-after'), late.field('connection')], [503, '5', 'close']);
    assert.equal(late.text, 'firstbyte is shutting down. This request had waited 0.0 s (drainTimeout).\n');
    assert.equal((await statsOf(rig)).ownErrors.count, 1);
    assert.equal(await rig.clock.advanceUntil(before.done()), 'complete');
    await rig.clock.advanceUntil(stopped);
    rig.network.close();
  });
});
