import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { KeyOf } from '../../src/control/instruments.ts';
import { type MetricKey, type MetricRow, metricsReference, metricTable } from '../../src/control/metrics.ts';
import { createMetrics } from '../../src/control/registry.ts';
import {
  breakerPhases,
  bufferWaitOutcomes,
  byteSources,
  cacheResults,
  clientBoundActions,
  clientBounds,
  type DomainEvent,
  EventBus,
  evictionReasons,
  failoverCauses,
  fillPhases,
  lossCauses,
  refreshOutcomes,
  refreshReasons,
  requestOutcomes,
  retryCauses,
  waitOutcomes,
} from '../../src/events.ts';
import { readings } from './readings.ts';
import * as sample from './sample-events.ts';

type Labels = Readonly<Record<string, string | number>>;

function counting() {
  const events = new EventBus();
  const metrics = createMetrics(events, readings());
  return { emit: (event: DomainEvent) => events.emit(event), metrics };
}

/** The value of one series of the Prometheus text; `undefined` where it is not there. */
async function series(metrics: ReturnType<typeof createMetrics>, name: string, labels: Labels = {}) {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const text = await metrics.registry.metrics();
  const line = text.split('\n').find((candidate) => {
    const [, candidateName, candidateLabels = ''] = /^([^{ ]+)(?:\{(.*)\})? /.exec(candidate) ?? [];
    const parts = candidateLabels.split(',');
    return candidateName === name && wanted.every((part) => parts.includes(part));
  });
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

/** What is looked up at a scrape and not counted: see gauges.test.ts. */
type Shown = Exclude<KeyOf<'gauge'>, 'fills'> | 'processorTime';

/** For each metric and each label with a closed set of values: the event that must move the series of that value. */
type Mover = Partial<Record<string, (value: string) => DomainEvent>>;
const movers: { [K in Exclude<MetricKey, Shown>]: Mover } = {
  requests: {
    method: (value) => sample.requestDone({ method: value === 'other' ? 'DELETE' : value }),
    outcome: (value) => sample.requestDone({ outcome: one(requestOutcomes, value) }),
    cache: (value) => sample.requestDone({ cache: one(cacheResults, value) }),
  },
  ownErrors: {
    reason: (value) => sample.ownError({ reason: value as 'dns_error' }),
    phase: (value) => sample.ownError({ phase: value === '-' ? null : one(fillPhases, value) }),
  },
  firstByteWaits: { outcome: (value) => sample.firstByteWait({ outcome: one(waitOutcomes, value) }) },
  fills: { phase: (value) => sample.fillState('idle', one(fillPhases, value)) },
  fillFirstBytes: {},
  fillHeads: {},
  fillsDone: {},
  fillsFailed: { reason: (value) => sample.fillFailed(value as 'dns_error') },
  retries: { cause: (value) => sample.retry({ cause: one(retryCauses, value) }) },
  heals: { cause: (value) => sample.retry({ kind: 'heal', cause: one(retryCauses, value) }) },
  breakerChanges: {
    to: (value) => sample.breaker({ to: one(breakerPhases, value) }),
    cause: (value) => sample.breaker({ cause: value === '-' ? null : (value as 'dns_error') }),
  },
  failovers: { cause: (value) => sample.failover({ cause: one(failoverCauses, value) }) },
  refreshes: {
    reason: (value) => sample.refresh({ reason: one(refreshReasons, value) }),
    outcome: (value) => sample.refresh({ outcome: one(refreshOutcomes, value) }),
  },
  bytesLanded: {},
  readAhead: {},
  bytesSent: { source: (value) => sample.bytesSent(one(byteSources, value), 1) },
  evictions: { reason: (value) => sample.evicted({ reason: one(evictionReasons, value) }) },
  evictedBytes: { reason: (value) => sample.evicted({ reason: one(evictionReasons, value) }) },
  blocksLost: { cause: (value) => sample.blockLost({ cause: one(lossCauses, value) }) },
  clientBounds: {
    bound: (value) => sample.clientBound({ bound: one(clientBounds, value) }),
    action: (value) => sample.clientBound({ action: one(clientBoundActions, value) }),
  },
  bufferWaits: { outcome: (value) => sample.bufferWait({ outcome: one(bufferWaitOutcomes, value) }) },
  stalledEnded: {},
  bugs: {},
};

function one<T extends string>(known: readonly T[], value: string): T {
  const found = known.find((candidate) => candidate === value);
  assert.ok(found !== undefined, `"${value}" is a value that events know`);
  return found;
}

for (const [key, mover] of Object.entries(movers) as [keyof typeof movers, Mover][]) {
  const row: MetricRow = metricTable[key];
  for (const [label, values] of Object.entries(row.labels)) {
    if (typeof values === 'string' || key === 'readAhead') continue;
    test(`${row.name} moves for each value of ${label}`, async () => {
      const event = mover[label];
      assert.ok(event !== undefined, 'every closed label has an event that moves it');
      for (const value of values) {
        const { emit, metrics } = counting();
        const name = row.kind === 'histogram' ? `${row.name}_count` : row.name;
        assert.equal((await series(metrics, name, { [label]: value })) ?? 0, 0);
        emit(event(value));
        assert.equal(await series(metrics, name, { [label]: value }), 1, value);
      }
    });
  }
}

test('a stalled client that had to go is counted', async () => {
  const { emit, metrics } = counting();
  emit(sample.stalledEnded());
  assert.equal(await series(metrics, 'firstbyte_stalled_clients_ended_total', {}), 1);
});

test('evicted bytes are summed up', async () => {
  const { emit, metrics } = counting();
  for (const bytes of [2, 3]) emit(sample.evicted({ bytes }));
  assert.equal(await series(metrics, 'firstbyte_evicted_bytes_total', { reason: 'size' }), 5);
});

test('requests are counted by origin and status, with "-" where there is none', async () => {
  const { emit, metrics } = counting();
  emit(sample.requestDone({ origin: 'films', status: 206 }));
  emit(sample.requestDone({ origin: 'films', status: 206 }));
  emit(sample.requestDone({ origin: null, status: null, outcome: 'gone' }));
  assert.equal(await series(metrics, 'firstbyte_requests_total', { origin: 'films', status: 206 }), 2);
  assert.equal(await series(metrics, 'firstbyte_requests_total', { origin: '-', status: '-', outcome: 'gone' }), 1);
});

test('an own 5xx is counted once, by origin, status, reason and phase together', async () => {
  const { emit, metrics } = counting();
  emit(sample.ownError({ status: 502, reason: 'connection_refused', phase: 'starting' }));
  emit(sample.ownError({ status: 503, reason: 'connection_limit_reached', phase: 'queued', origin: null }));
  const refused = { origin: 'films', status: 502, reason: 'connection_refused', phase: 'starting' };
  const queued = { origin: '-', status: 503, reason: 'connection_limit_reached', phase: 'queued' };
  assert.equal(await series(metrics, 'firstbyte_own_errors_total', refused), 1);
  assert.equal(await series(metrics, 'firstbyte_own_errors_total', queued), 1);
});

test('a wait for the first byte falls into its bucket, and its seconds into the sum', async () => {
  const { emit, metrics } = counting();
  for (const duration of [8, 4_999, 5_000, 5_001, 61_000]) emit(sample.firstByteWait({ duration }));
  const bucket = (le: string | number) => series(metrics, 'firstbyte_first_byte_wait_seconds_bucket', { le });
  assert.equal(await bucket(0.01), 1);
  assert.equal(await bucket(5), 3, 'the edge itself belongs to its bucket');
  assert.equal(await bucket(10), 4);
  assert.equal(await bucket(60), 4);
  assert.equal(await bucket('+Inf'), 5);
  const sum = await series(metrics, 'firstbyte_first_byte_wait_seconds_sum', { outcome: 'served' });
  assert.ok(Math.abs((sum ?? 0) - 76.008) < 1e-9);
});

test('the histogram of waits has the edges 5, 10, 15, 30 and 60 s', async () => {
  const { emit, metrics } = counting();
  emit(sample.firstByteWait());
  for (const le of [5, 10, 15, 30, 60]) {
    assert.equal(await series(metrics, 'firstbyte_first_byte_wait_seconds_bucket', { le }), 1);
  }
});

test('a fill is counted in one phase at a time, and in none when it is idle again', async () => {
  const { emit, metrics } = counting();
  const phases = async () => {
    const counts = await Promise.all(fillPhases.map((phase) => series(metrics, 'firstbyte_fills', { phase })));
    return Object.fromEntries(fillPhases.map((phase, index) => [phase, counts[index]]).filter(([, count]) => count));
  };
  const steps = [
    ['idle', 'queued'],
    ['queued', 'starting'],
    ['starting', 'filling'],
    ['filling', 'complete'],
  ] as const;
  for (const [from, to] of steps) {
    emit(sample.fillState(from, to));
    assert.deepEqual(await phases(), { [to]: 1 });
  }
  emit(sample.fillState('complete', 'idle'));
  assert.deepEqual(await phases(), {});
});

test("a fill's first byte is timed from the request's start to its landing", async () => {
  const { emit, metrics } = counting();
  emit(sample.fillFirstByte({ queued: 9_000, startedAt: 1_000, landedAt: 3_500, storedAt: 4_000 }));
  assert.equal(await series(metrics, 'firstbyte_fill_first_byte_seconds_count', { origin: 'films' }), 1);
  assert.equal(await series(metrics, 'firstbyte_fill_first_byte_seconds_sum', { origin: 'films' }), 2.5);
});

test('its head is timed from the same start', async () => {
  const { emit, metrics } = counting();
  emit(sample.fillFirstByte({ queued: 9_000, startedAt: 1_000, headAt: 1_250, landedAt: 3_500 }));
  assert.equal(await series(metrics, 'firstbyte_fill_head_seconds_sum', { origin: 'films' }), 0.25);
});

test('fills that are done are counted by origin', async () => {
  const { emit, metrics } = counting();
  emit(sample.fillDone());
  assert.equal(await series(metrics, 'firstbyte_fills_done_total', { origin: 'films' }), 1);
});

test('a heal is no retry, and a retry no heal', async () => {
  const { emit, metrics } = counting();
  emit(sample.retry({ kind: 'heal', cause: 'cut' }));
  assert.equal(await series(metrics, 'firstbyte_retries_total', { cause: 'cut' }), undefined);
  assert.equal(await series(metrics, 'firstbyte_heals_total', { cause: 'cut', origin: 'films' }), 1);
});

test('bytes are added up, in by origin and out by source', async () => {
  const { emit, metrics } = counting();
  for (const bytes of [1, 65_536]) emit(sample.bytesLanded(bytes));
  for (const bytes of [2, 3]) emit(sample.bytesSent('memory', bytes));
  assert.equal(await series(metrics, 'firstbyte_landed_bytes_total', { origin: 'films' }), 65_537);
  assert.equal(await series(metrics, 'firstbyte_sent_bytes_total', { origin: 'films', source: 'memory' }), 5);
});

test('a bug is counted', async () => {
  const { emit, metrics } = counting();
  assert.equal(await series(metrics, 'firstbyte_bugs_total'), 0);
  emit(sample.bug());
  assert.equal(await series(metrics, 'firstbyte_bugs_total'), 1);
});

test('the registry holds the metrics of the table, all of them and no others', () => {
  const { metrics } = counting();
  const held = metrics.registry.getMetricsAsArray().map(({ name }) => name);
  assert.deepEqual(
    held.sort(),
    Object.values(metricTable)
      .map(({ name }) => name)
      .sort(),
  );
});

test('two instances in one process count apart', async () => {
  const [first, second] = [counting(), counting()];
  first.emit(sample.bug());
  assert.equal(await series(second.metrics, 'firstbyte_bugs_total'), 0);
});

test('nothing is counted after stop', async () => {
  const { emit, metrics } = counting();
  metrics.stop();
  emit(sample.bug());
  assert.equal(await series(metrics, 'firstbyte_bugs_total'), 0);
});

test('docs/reference/metrics.md is what the table makes', () => {
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8');
  assert.equal(page, metricsReference());
});
