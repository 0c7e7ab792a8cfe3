/**
 * The counts as a person reads them: read from the metrics' registry, never counted a second time, with the last own
 * 5xx beside them.
 */
import type { Clock } from '../clock.ts';
import {
  type BreakerPhase,
  type ByteSource,
  breakerPhases,
  byteSources,
  type CacheResult,
  cacheResults,
  type EventBus,
  type FillPhase,
  type OwnErrorEvent,
  type RefreshOutcome,
  type RequestOutcome,
  type RetryCause,
  refreshOutcomes,
  requestOutcomes,
  retryCauses,
  type WaitOutcome,
  waitOutcomes,
} from '../events.ts';
import type { Lent } from '../lent.ts';
import { countedPhases, type MetricKey, metricTable } from './metrics.ts';
import type { Metrics } from './registry.ts';

/** How many own 5xx are kept with all their fields. */
const keptErrors = 100;

/** Since firstbyte started, but for `fills`, which is now. */
export interface Stats {
  readonly uptimeSeconds: number;
  readonly requests: {
    readonly byOutcome: Record<RequestOutcome, number>;
    readonly byCache: Record<CacheResult, number>;
  };
  readonly ownErrors: {
    readonly count: number;
    readonly by: readonly OwnErrorCount[];
    /** The newest last. */
    readonly last: readonly KeptError[];
  };
  readonly firstByteWaits: Record<WaitOutcome, WaitStats>;
  readonly fills: Record<Exclude<FillPhase, 'idle'>, number>;
  readonly fillsDone: number;
  readonly fillsFailed: Record<string, number>;
  readonly bytesLanded: Record<string, number>;
  readonly bytesSent: Record<ByteSource, number>;
  readonly retries: Record<RetryCause, number>;
  readonly heals: Record<RetryCause, number>;
  readonly breakerChanges: Record<BreakerPhase, number>;
  readonly refreshes: Record<RefreshOutcome, number>;
  readonly bugs: number;
  /** What is lent at this moment. */
  readonly lent: Lent;
}

export interface OwnErrorCount {
  readonly status: string;
  readonly reason: string;
  /** `-` where there was no fill. */
  readonly phase: string;
  readonly count: number;
}

export interface WaitStats {
  readonly count: number;
  readonly sumSeconds: number;
  /** How many waits took at most so long, by the histogram's edges: `0.01s`, …, `60s`. */
  readonly atMost: Record<string, number>;
}

/** An own 5xx with the wall-clock time at which it went out (ISO 8601). */
export type KeptError = Omit<OwnErrorEvent, 'type'> & { readonly time: string };

export interface StatsSource {
  read(): Promise<Stats>;
  /** Keeps no more errors. */
  stop(): void;
}

export function createStats(
  { registry }: Pick<Metrics, 'registry'>,
  events: EventBus,
  clock: Clock,
  lent: () => Lent,
): StatsSource {
  const startedAt = clock.now();
  const last: KeptError[] = [];
  const stop = events.subscribe((event) => {
    if (event.type !== 'own-error') return;
    const { type: _, ...fields } = event;
    last.push({ time: new Date(clock.wallTime()).toISOString(), ...fields });
    if (last.length > keptErrors) last.shift();
  });

  async function read(): Promise<Stats> {
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

  return { read, stop };
}

interface Value {
  readonly value: number;
  readonly labels: Partial<Record<string, string | number>>;
  readonly metricName?: string;
}

function sum(values: readonly Value[]): number {
  return values.reduce((total, { value }) => total + value, 0);
}

/** The sums by one label; each of `known` is there, if only with 0. */
function sumBy<K extends string>(values: readonly Value[], label: string, known: readonly K[]): Record<K, number>;
function sumBy(values: readonly Value[], label: string, known: readonly string[]): Record<string, number> {
  const sums = new Map(known.map((name) => [name, 0]));
  for (const { value, labels } of values) {
    const name = String(labels[label]);
    sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return Object.fromEntries(sums);
}

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
