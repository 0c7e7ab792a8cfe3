import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOriginsView, type OriginSource } from '../../src/control/origins.ts';
import { EventBus } from '../../src/events.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import * as sample from './sample-events.ts';

const idle: OriginSource = {
  name: 'films',
  base: 'https://media.example/films',
  reachability: { state: { phase: 'closed', contact: 'none' } },
  slots: { used: 0, queued: 0, limit: 32, allowed: 32, isSerial: false },
  throttle: { rate: null },
  requests: { rate: null },
};

function watching(source: Partial<OriginSource> = {}) {
  const clock = new VirtualClock(Date.UTC(2026, 10, 22));
  const events = new EventBus();
  const mounted = [
    { ...idle, ...source },
    { ...idle, name: 'music' },
  ];
  const view = createOriginsView(() => mounted, events, clock);
  return { clock, events, view };
}

test('an origin that nobody has asked was not contacted, and is idle and unmeasured', () => {
  const { view } = watching();
  assert.deepEqual(view.report()[0], {
    name: 'films',
    base: 'https://media.example/films',
    contact: 'none',
    breaker: { state: 'closed', since: null, nextProbe: null, cause: null },
    connections: { used: 0, queued: 0, limit: 32 },
    limits: { maxConnections: 32, maxRate: null, maxRequestRate: null },
    firstByteMs: { last: null, median: null },
    bytesIn: 0,
    lessons: [],
    parallel: { fetches: 1, reason: 'not needed', said: 'one connection has been fast enough so far' },
  });
});

test('an origin out of reach shows since when, why, and when it is tried again, as times of day', async () => {
  const reachability = {
    state: { phase: 'open', contact: 'failing', since: 5000, nextProbeAt: 70_000, cause: 'dns_error' },
  } as const;
  const { clock, view } = watching({ reachability });
  await clock.advance(60_000);
  assert.deepEqual(view.report()[0]?.breaker, {
    state: 'open',
    since: '2026-11-22T00:00:05.000Z',
    nextProbe: '2026-11-22T00:01:10.000Z',
    cause: 'dns_error',
  });
});

test('what it does not take of requests is said in words, with the time of day at which that was learned', async () => {
  const lessons = { view: () => [{ lesson: 'if-range', since: 5000, targets: 2 }] as const };
  const { clock, view } = watching({ lessons });
  await clock.advance(60_000);
  const since = '2026-11-22T00:00:05.000Z';
  assert.deepEqual(view.report()[0]?.lessons, [
    { lesson: 'if-range', said: 'this server ignores If-Range', since, targets: 2 },
  ]);
});

test('how many connections one title uses at once is said in words, with the reason', () => {
  const { view } = watching({ parallelism: { view: { fetches: 4, reason: 'more bring more' } } });
  const said = 'one connection is too slow: several are faster';
  assert.deepEqual(view.report()[0]?.parallel, { fetches: 4, reason: 'more bring more', said });
});

test('a server that serves one connection at a time gets one, and what the operator allows is kept', () => {
  const slots = { used: 1, queued: 2, limit: 1, allowed: 32, isSerial: true };
  const { view } = watching({ slots, parallelism: { view: { fetches: 8, reason: 'measuring' } } });
  const said = 'this server serves one connection at a time';
  const [films] = view.report();
  assert.deepEqual(films?.parallel, { fetches: 1, reason: 'one at a time', said });
  assert.deepEqual([films?.connections.limit, films?.limits.maxConnections], [1, 32]);
});

test('connections are looked up when somebody asks', () => {
  const slots = { used: 1, queued: 0, limit: 1, allowed: 1, isSerial: false };
  const { view } = watching({ slots });
  slots.queued = 7;
  assert.deepEqual(view.report()[0]?.connections, { used: 1, queued: 7, limit: 1 });
});

test('first bytes are measured per origin, the last one and the median of the last 101', () => {
  const { events, view } = watching();
  for (let round = 0; round < 50; round += 1) events.emit(sample.fillFirstByte({ startedAt: 0, landedAt: 90_000 }));
  for (let time = 1; time <= 101; time += 1) {
    events.emit(sample.fillFirstByte({ startedAt: 1000, landedAt: 1000 + ((time * 37) % 101) + 1 }));
  }
  events.emit(sample.fillFirstByte({ origin: 'music', startedAt: 0, landedAt: 12.6 }));
  const [films, music] = view.report();
  assert.deepEqual(films?.firstByteMs, { last: 1, median: 51 });
  assert.deepEqual(music?.firstByteMs, { last: 13, median: 13 });
});

test('bytes are summed up per origin, and no longer once it is stopped', () => {
  const { events, view } = watching();
  events.emit(sample.bytesLanded(10));
  events.emit(sample.bytesLanded(5));
  view.stop();
  events.emit(sample.bytesLanded(1));
  assert.deepEqual(
    view.report().map(({ bytesIn }) => bytesIn),
    [15, 0],
  );
});

test('a limit that is changed is the one that the origin has, and what is left out stays', () => {
  const source = {
    slots: { used: 0, queued: 0, limit: 32, allowed: 32, isSerial: false },
    throttle: { rate: 5000 },
    requests: { rate: 3 },
  };
  const { view } = watching(source);
  assert.deepEqual(view.change('films', { maxConnections: 2 })?.limits, {
    maxConnections: 2,
    maxRate: 5000,
    maxRequestRate: 3,
  });
  assert.deepEqual(view.change('films', { maxRate: null })?.limits, {
    maxConnections: 2,
    maxRate: null,
    maxRequestRate: 3,
  });
  assert.equal(view.change('films', { maxRequestRate: null })?.limits.maxRequestRate, null);
  assert.deepEqual([source.slots.allowed, source.throttle.rate, source.requests.rate], [2, null, null]);
  assert.equal(view.change('nobody', { maxRate: 1000 }), null);
});
