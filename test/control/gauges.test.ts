import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Readings } from '../../src/control/gauges.ts';
import { watchProcess } from '../../src/control/process-snapshot.ts';
import { createMetrics } from '../../src/control/registry.ts';
import { EventBus } from '../../src/events.ts';
import { type FetchState, type FillView, fetchStates } from '../../src/fill/view.ts';
import { lentThings, nothingLent } from '../../src/lent.ts';
import { version } from '../../src/version.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { readings } from './readings.ts';
import * as sample from './sample-events.ts';

/** The samples of a scrape, by their name with their labels. */
async function scraped(changes: Partial<Readings> = {}, events = new EventBus()): Promise<Record<string, number>> {
  return samplesOf((await createMetrics(events, readings(changes)).scrape()).text);
}

function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

function origin(name: string, used = 0, queued = 0) {
  const base = 'https://media.example/';
  const slots = { used, queued, limit: 3, allowed: 3, isSerial: false };
  return {
    name,
    base,
    reachability: { state: { phase: 'closed', contact: 'none' } },
    slots,
    throttle: { rate: null },
    requests: { rate: null },
  } as const;
}

function fill(changes: Partial<FillView>): FillView {
  const nothing = { present: [], durable: [], fetches: [], readers: [], waiters: 0, line: null };
  return {
    id: 1,
    objectId: 'ab',
    origin: 'films',
    path: '/a.mkv',
    state: { phase: 'idle' },
    length: null,
    ...nothing,
    ...changes,
  };
}

function fetch(state: FetchState): FillView['fetches'][number] {
  return { position: 0, until: null, speed: null, state, attempt: 1, lastFailure: null, retryAt: null };
}

test('an origin that nobody asks has all its series, at 0, and its limit', async () => {
  const samples = await scraped({ origins: () => [origin('films')] });
  const names = ['waiters', 'readers', 'unread_bytes', 'origin_connections', 'origin_queue_length'];
  for (const name of names) assert.equal(samples[`firstbyte_${name}{origin="films"}`], 0, name);
  for (const state of fetchStates) assert.equal(samples[`firstbyte_cursors{origin="films",state="${state}"}`], 0);
  assert.equal(samples['firstbyte_origin_connection_limit{origin="films"}'], 3);
});

test('waiters, readers and fetches are those of all fills of an origin', async () => {
  const [first, second] = [
    fill({ waiters: 1, readers: [{ position: 0, end: 1000, speed: 0, wait: { since: 0, until: 30_000 } }] }),
    fill({ id: 2, waiters: 2 }),
  ];
  const fetches = fetchStates.map(fetch);
  const fills = [first, { ...second, fetches: [...fetches, fetch('filling')] }, fill({ id: 3, origin: 'music' })];
  const samples = await scraped({ fills: { fills: () => fills } });
  assert.equal(samples['firstbyte_waiters{origin="films"}'], 3);
  assert.equal(samples['firstbyte_readers{origin="films"}'], 1);
  for (const state of fetchStates) {
    assert.equal(samples[`firstbyte_cursors{origin="films",state="${state}"}`], state === 'filling' ? 2 : 1, state);
  }
  assert.equal(samples['firstbyte_waiters{origin="music"}'], 0);
});

test('what is lent has a series for each thing, also at 0', async () => {
  const samples = await scraped({ lent: () => ({ ...nothingLent, slots: 2 }) });
  for (const what of lentThings) assert.equal(samples[`firstbyte_lent{what="${what}"}`], what === 'slots' ? 2 : 0);
});

test('what is over is not shown on', async () => {
  let fills = [fill({ waiters: 5, fetches: [fetch('queued')] })];
  const metrics = createMetrics(
    new EventBus(),
    readings({ fills: { fills: () => fills }, origins: () => [origin('films')] }),
  );
  const waiters = async () => samplesOf((await metrics.scrape()).text)['firstbyte_waiters{origin="films"}'];
  assert.equal(await waiters(), 5);
  fills = [];
  assert.equal(await waiters(), 0);
});

test("an origin's connections, queue and breaker are what they are now", async () => {
  const open = { ...origin('music', 3, 7), reachability: { state: { phase: 'open', contact: 'failing' } } } as const;
  const samples = await scraped({ origins: () => [origin('films', 2), open] });
  assert.equal(samples['firstbyte_origin_connections{origin="films"}'], 2);
  assert.equal(samples['firstbyte_origin_queue_length{origin="music"}'], 7);
  const phases = ['closed', 'open', 'half-open'];
  const breaker = (name: string) =>
    phases.map((phase) => samples[`firstbyte_origin_breaker{origin="${name}",phase="${phase}"}`]);
  assert.deepEqual(
    [breaker('films'), breaker('music')],
    [
      [1, 0, 0],
      [0, 1, 0],
    ],
  );
});

test('bytes that landed are unread, used or wasted', async () => {
  const events = new EventBus();
  const metrics = createMetrics(events, readings());
  for (const event of [sample.bytesLanded(100), sample.bytesSent('memory', 60)]) events.emit(event);
  const before = samplesOf((await metrics.scrape()).text);
  assert.equal(before['firstbyte_unread_bytes{origin="films"}'], 40);
  assert.equal(before['firstbyte_read_ahead_bytes_total{origin="films",fate="used"}'], 60);
  events.emit(sample.fillState('filling', 'idle'));
  const after = samplesOf((await metrics.scrape()).text);
  assert.equal(after['firstbyte_unread_bytes{origin="films"}'], undefined);
  assert.equal(after['firstbyte_read_ahead_bytes_total{origin="films",fate="wasted"}'], 40);
});

test('the process is shown in bytes and seconds, and who follows the events', async () => {
  const eventLoopDelay = { mean: 0.001, p50: 0.002, p99: 0.003, max: 0.004 };
  const process = () => ({
    startedAt: 1_700_000_000.5,
    residentMemory: 1,
    heapUsed: 2,
    heapTotal: 3,
    processorTime: 4.5,
    openDescriptors: 5,
    eventLoopDelay,
  });
  const samples = await scraped({ process, observers: () => 6 });
  assert.equal(samples.process_start_time_seconds, 1_700_000_000.5);
  assert.equal(samples.process_resident_memory_bytes, 1);
  assert.equal(samples.nodejs_heap_used_bytes, 2);
  assert.equal(samples.nodejs_heap_size_bytes, 3);
  assert.equal(samples.process_cpu_seconds_total, 4.5);
  assert.equal(samples.process_open_fds, 5);
  assert.equal(samples.firstbyte_event_stream_clients, 6);
  for (const [stat, seconds] of Object.entries(eventLoopDelay)) {
    assert.equal(samples[`nodejs_event_loop_delay_seconds{stat="${stat}"}`], seconds);
  }
});

test('processor time is the whole of it at each scrape, not the sum of all scrapes', async () => {
  const metrics = createMetrics(
    new EventBus(),
    readings({ process: () => ({ ...readings().process(), processorTime: 2 }) }),
  );
  await metrics.scrape();
  assert.equal(samplesOf((await metrics.scrape()).text).process_cpu_seconds_total, 2);
});

test('descriptors that the system does not tell of have no series', async () => {
  const samples = await scraped({ process: () => ({ ...readings().process(), openDescriptors: null }) });
  assert.equal(samples.process_open_fds, undefined);
});

test('the build says which firstbyte and which Node run', async () => {
  const samples = await scraped();
  assert.equal(samples[`firstbyte_build_info{version="${version}",node="${process.version}"}`], 1);
});

test('the real process has memory, a start and, on Linux, descriptors', () => {
  const watch = watchProcess(new VirtualClock(Date.now()));
  const snapshot = watch.look();
  watch.stop();
  assert.ok(
    snapshot.heapUsed > 1e6 && snapshot.heapTotal >= snapshot.heapUsed && snapshot.residentMemory > snapshot.heapUsed,
  );
  assert.ok(Math.abs(snapshot.startedAt * 1000 + process.uptime() * 1000 - Date.now()) < 1000);
  assert.ok(snapshot.processorTime > 0);
  assert.equal(snapshot.openDescriptors === null, process.platform !== 'linux');
});

test('an event loop that is held up for 200 ms was late by about that much, once', async () => {
  const watch = watchProcess(new VirtualClock());
  assert.equal(watch.look().eventLoopDelay.max, 0, 'it is watched from here on');
  // Two firings are needed for a time between them: it is held up until it had them.
  for (let max = 0; max <= 0.15; { max } = watch.look().eventLoopDelay) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const until = performance.now() + 200; performance.now() < until; );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(watch.look().eventLoopDelay.max, 0, 'nothing was measured since');
  watch.stop();
});

test('the store is as large as it says, and whether bytes go past it', async () => {
  const full = { code: 'ENOSPC', message: 'no space' };
  const passing = await scraped({ store: () => ({ bytes: 10, limit: 100, trouble: full }) });
  const names = ['firstbyte_store_bytes', 'firstbyte_store_limit_bytes', 'firstbyte_store_passing'];
  assert.deepEqual(
    names.map((name) => passing[name]),
    [10, 100, 1],
  );
  const storing = await scraped({ store: () => ({ bytes: 20, limit: null, trouble: null }) });
  assert.deepEqual(
    names.map((name) => storing[name]),
    [20, 0, 0],
  );
});
