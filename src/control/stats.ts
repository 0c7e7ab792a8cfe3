/**
 * The counts for people. They are read from the metrics' registry and not counted again; the last own 5xx and the last
 * failed waits are kept beside them.
 */
import type { Clock } from '../clock.ts';
import {
  breakerPhases,
  byteSources,
  cacheResults,
  countedPhases,
  type EventBus,
  refreshOutcomes,
  requestOutcomes,
  retryCauses,
  type WaitOutcome,
  waitOutcomes,
} from '../events.ts';
import type { Lent } from '../lent.ts';
import type { OwnErrorReport, StatsReport, WaitStats } from './answers.ts';
import { FailedWaits } from './failed-waits.ts';
import { type MetricKey, metricTable } from './metrics.ts';
import type { Metrics } from './registry.ts';

/** So many own 5xx are kept with all their fields. */
const keptErrors = 100;

export interface StatsSource {
  /** Counts since the start; `fills` and `lent` are of this moment. */
  read(): Promise<StatsReport>;
  /** Stops listening to events. */
  stop(): void;
}

export function createStats(
  { registry }: Pick<Metrics, 'registry'>,
  events: EventBus,
  clock: Clock,
  lent: () => Lent,
): StatsSource {
  const startedAt = clock.now();
  const last: OwnErrorReport[] = [];
  const failedWaits = new FailedWaits(events, clock);
  const stop = events.subscribe((event) => {
    if (event.type !== 'own-error') return;
    const { type: _, ...fields } = event;
    last.push({ time: new Date(clock.wallTime()).toISOString(), ...fields });
    if (last.length > keptErrors) last.shift();
  });

  async function read(): Promise<StatsReport> {
    const metrics = await registry.getMetricsAsJSON();
    const valuesOf = (key: MetricKey): readonly Value[] =>
      metrics.find(({ name }) => name === metricTable[key].name)?.values ?? [];
    return {
      uptimeSeconds: (clock.now() - startedAt) / 1000,
      requests: {
        byOutcome: sumBy(valuesOf('requests'), 'outcome', requestOutcomes),
        byCache: sumBy(valuesOf('requests'), 'cache', cacheResults),
      },
      ownErrors: { count: sum(valuesOf('ownErrors')), by: ownErrorCounts(valuesOf('ownErrors')), last: [...last] },
      firstByteWaits: waitStats(valuesOf('firstByteWaits')),
      failedWaits: failedWaits.last,
      fills: sumBy(valuesOf('fills'), 'phase', countedPhases),
      fillsDone: sum(valuesOf('fillsDone')),
      fillsFailed: sumBy(valuesOf('fillsFailed'), 'reason', []),
      bytesLanded: sumBy(valuesOf('bytesLanded'), 'origin', []),
      bytesSent: sumBy(valuesOf('bytesSent'), 'source', byteSources),
      retries: sumBy(valuesOf('retries'), 'cause', retryCauses),
      heals: sumBy(valuesOf('heals'), 'cause', retryCauses),
      breakerChanges: sumBy(valuesOf('breakerChanges'), 'to', breakerPhases),
      refreshes: sumBy(valuesOf('refreshes'), 'outcome', refreshOutcomes),
      bugs: sum(valuesOf('bugs')),
      lent: lent(),
    };
  }

  return {
    read,
    stop() {
      stop();
      failedWaits.stop();
    },
  };
}

interface Value {
  readonly value: number;
  readonly labels: Partial<Record<string, string | number>>;
  readonly metricName?: string;
}

function sum(values: readonly Value[]): number {
  return values.reduce((total, { value }) => total + value, 0);
}

/** The sums by one label. Each of `known` is there, if only with 0. */
function sumBy<K extends string>(values: readonly Value[], label: string, known: readonly K[]): Record<K, number>;
function sumBy(values: readonly Value[], label: string, known: readonly string[]): Record<string, number> {
  const sums = new Map(known.map((name) => [name, 0]));
  for (const { value, labels } of values) {
    const name = String(labels[label]);
    sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return Object.fromEntries(sums);
}

type OwnErrorCount = StatsReport['ownErrors']['by'][number];

function ownErrorCounts(values: readonly Value[]): OwnErrorCount[] {
  const counts = new Map<string, OwnErrorCount>();
  for (const { value, labels } of values) {
    const [status, reason, phase] = [String(labels.status), String(labels.reason), String(labels.phase)];
    const key = `${status} ${reason} ${phase}`;
    counts.set(key, { status, reason, phase, count: value + (counts.get(key)?.count ?? 0) });
  }
  return [...counts.values()];
}

function waitStats(values: readonly Value[]): Record<WaitOutcome, WaitStats> {
  const of = (outcome: WaitOutcome): WaitStats => {
    const own = values.filter(({ labels }) => labels.outcome === outcome);
    const part = (suffix: string) => own.filter(({ metricName }) => metricName?.endsWith(suffix));
    const edges = part('_bucket').filter(({ labels }) => labels.le !== '+Inf');
    return {
      count: sum(part('_count')),
      sumSeconds: sum(part('_sum')),
      atMost: sumBy(
        edges.map(({ value, labels }) => ({ value, labels: { edge: `${labels.le}s` } })),
        'edge',
        [],
      ),
    };
  };
  return Object.fromEntries(waitOutcomes.map((outcome) => [outcome, of(outcome)])) as Record<WaitOutcome, WaitStats>;
}
