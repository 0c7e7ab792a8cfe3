import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/control/registry.ts';
import { createStats } from '../../src/control/stats.ts';
import { EventBus } from '../../src/events.ts';
import { nothingLent } from '../../src/lent.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { readings } from './readings.ts';
import * as sample from './sample-events.ts';

function statistics() {
  const clock = new VirtualClock(Date.UTC(2026, 10, 22));
  const events = new EventBus();
  const stats = createStats(createMetrics(events, readings()), events, clock, () => ({ ...nothingLent, buffers: 3 }));
  return { clock, events, stats };
}

test('before anything happened every known count is there and 0', async () => {
  const { clock, stats } = statistics();
  await clock.advance(1_500);
  const read = await stats.read();
  assert.equal(read.uptimeSeconds, 1.5);
  assert.deepEqual(read.requests, {
    byOutcome: { served: 0, refused: 0, passed: 0, failed: 0, cut: 0, gone: 0 },
    byCache: { hit: 0, miss: 0, partial: 0, stale: 0, pass: 0, none: 0 },
  });
  assert.deepEqual(read.ownErrors, { count: 0, by: [], last: [] });
  assert.deepEqual(read.fills, { queued: 0, starting: 0, filling: 0, paused: 0, complete: 0, failed: 0 });
  assert.deepEqual(read.bytesSent, { 'page-cache': 0, store: 0, memory: 0, 'pass-through': 0 });
  assert.deepEqual(Object.keys(read.retries), [
    'refused',
    'unresolved',
    'timeout',
    'status',
    'contradiction',
    'cut',
    'stall',
    'other',
  ]);
  assert.deepEqual(read.breakerChanges, { closed: 0, open: 0, 'half-open': 0 });
  assert.deepEqual(read.refreshes, { renewed: 0, failed: 0, late: 0 });
  assert.deepEqual([read.fillsDone, read.fillsFailed, read.bytesLanded, read.bugs], [0, {}, {}, 0]);
});

test('what is lent is that of the moment', async () => {
  const { stats } = statistics();
  assert.deepEqual((await stats.read()).lent, { ...nothingLent, buffers: 3 });
});

test('requests are summed up over origins, methods and statuses', async () => {
  const { events, stats } = statistics();
  events.emit(sample.requestDone({ outcome: 'served', cache: 'hit', origin: 'films' }));
  events.emit(sample.requestDone({ outcome: 'served', cache: 'miss', origin: 'music', method: 'HEAD' }));
  events.emit(sample.requestDone({ outcome: 'failed', cache: 'miss', origin: null, status: 504 }));
  const { byOutcome, byCache } = (await stats.read()).requests;
  assert.deepEqual([byOutcome.served, byOutcome.failed, byCache.hit, byCache.miss], [2, 1, 1, 2]);
});

test('own 5xx are summed up by status, reason and phase', async () => {
  const { events, stats } = statistics();
  const refused = { status: 502, reason: 'connection_refused', phase: 'starting' } as const;
  events.emit(sample.ownError({ ...refused, origin: 'films' }));
  events.emit(sample.ownError({ ...refused, origin: 'music' }));
  events.emit(sample.ownError({ status: 503, reason: 'proxy_internal_response', phase: null }));
  const { count, by } = (await stats.read()).ownErrors;
  assert.equal(count, 3);
  assert.deepEqual(by, [
    { status: '502', reason: 'connection_refused', phase: 'starting', count: 2 },
    { status: '503', reason: 'proxy_internal_response', phase: '-', count: 1 },
  ]);
});

test('the last 100 own 5xx are kept with all their fields and the time of day, the newest last', async () => {
  const { clock, events, stats } = statistics();
  for (let request = 1; request <= 101; request += 1) {
    await clock.advance(1_000);
    events.emit(sample.ownError({ request, at: clock.now() }));
  }
  const { count, last } = (await stats.read()).ownErrors;
  assert.equal(count, 101);
  assert.equal(last.length, 100);
  assert.equal(last[0]?.request, 2);
  const { type: _, ...fields } = sample.ownError({ request: 101, at: 101_000 });
  assert.deepEqual(last.at(-1), { time: '2026-11-22T00:01:41.000Z', ...fields });
});

test('waits have count, sum and cumulative buckets by outcome', async () => {
  const { events, stats } = statistics();
  events.emit(sample.firstByteWait({ outcome: 'served', duration: 4_000, origin: 'films' }));
  events.emit(sample.firstByteWait({ outcome: 'served', duration: 12_000, origin: 'music' }));
  events.emit(sample.firstByteWait({ outcome: 'late', duration: 61_000 }));
  const { served, late, gone } = (await stats.read()).firstByteWaits;
  assert.deepEqual([served.count, served.sumSeconds], [2, 16]);
  assert.deepEqual(
    ['2.5s', '5s', '10s', '15s', '60s'].map((edge) => served.atMost[edge]),
    [0, 1, 1, 2, 2],
  );
  assert.deepEqual([late.count, late.sumSeconds, late.atMost['60s']], [1, 61, 0]);
  assert.deepEqual(gone, { count: 0, sumSeconds: 0, atMost: {} });
});

test('a wait that failed is kept with its path, its reason and what its player was told, the last 100', async () => {
  const { events, stats } = statistics();
  const { path } = sample.requestDone();
  events.emit(sample.firstByteWait({ request: 1, outcome: 'failed', duration: 40 }));
  events.emit(sample.requestDone({ request: 1, outcome: 'passed', status: 404 }));
  events.emit(sample.firstByteWait({ request: 2, outcome: 'late', duration: 30_000 }));
  events.emit(sample.ownError({ request: 2, message: 'The origin said nothing for 30 s.' }));
  events.emit(sample.requestDone({ request: 2, outcome: 'failed', status: 504 }));
  events.emit(sample.firstByteWait({ request: 3, outcome: 'served' }));
  events.emit(sample.requestDone({ request: 3 }));
  const time = '2026-11-22T00:00:00.000Z';
  const of = { time, origin: 'films', path };
  assert.deepEqual((await stats.read()).failedWaits, [
    { ...of, request: 1, status: 404, outcome: 'failed', waited: 40, message: 'The origin answered 404.' },
    { ...of, request: 2, status: 504, outcome: 'late', waited: 30_000, message: 'The origin said nothing for 30 s.' },
  ]);
  for (let request = 4; request <= 103; request += 1) {
    events.emit(sample.firstByteWait({ request, outcome: 'failed' }));
    events.emit(sample.requestDone({ request }));
  }
  const { failedWaits } = await stats.read();
  assert.deepEqual([failedWaits.length, failedWaits[0]?.request], [100, 4]);
});

test('fills, bytes, retries, heals and bugs appear as they are counted', async () => {
  const { events, stats } = statistics();
  events.emit(sample.fillState('idle', 'queued'));
  events.emit(sample.fillDone());
  events.emit(sample.fillFailed('origin_status'));
  events.emit(sample.bytesLanded(7));
  events.emit(sample.bytesSent('store', 5));
  events.emit(sample.retry({ cause: 'stall' }));
  events.emit(sample.retry({ kind: 'heal', cause: 'cut' }));
  events.emit(sample.bug());
  const read = await stats.read();
  assert.deepEqual([read.fills.queued, read.fillsDone, read.fillsFailed], [1, 1, { origin_status: 1 }]);
  assert.deepEqual([read.bytesLanded, read.bytesSent.store], [{ films: 7 }, 5]);
  assert.deepEqual([read.retries.stall, read.retries.cut, read.heals.cut, read.bugs], [1, 0, 1, 1]);
});

test('no error is kept after stop', async () => {
  const { events, stats } = statistics();
  stats.stop();
  events.emit(sample.ownError());
  assert.deepEqual((await stats.read()).ownErrors.last, []);
});
