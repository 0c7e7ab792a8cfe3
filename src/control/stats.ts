/**
 * The counts as a person reads them: read from the metrics' registry, never counted a second time, with the last own
 * 5xx beside them.
 */
import type { Clock } from '../clock.ts';
import {
  type ByteSource,
  byteSources,
  type CacheResult,
  cacheResults,
  type EventBus,
  type FillPhase,
  type OwnErrorEvent,
  type RequestOutcome,
  type RetryCause,
  requestOutcomes,
  retryCauses,
  type WaitOutcome,
  waitOutcomes,
} from '../events.ts';
import { countedPhases, type Metrics } from './metrics.ts';

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
  readonly bugs: number;
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
  /** How many waits took at most so many seconds; the last edge is `+Inf`. */
  readonly atMost: Record<string, number>;
}

/** An own 5xx with the wall-clock time at which it went out (ISO 8601). */
export type KeptError = Omit<OwnErrorEvent, 'type'> & { readonly time: string };

export interface StatsSource {
  read(): Promise<Stats>;
  stop(): void;
}

export function createStats(metrics: Metrics, events: EventBus, clock: Clock): StatsSource {
  const startedAt = clock.now();
  const last: KeptError[] = [];
  const stop = events.subscribe((event) => {
    if (event.type !== 'own-error') return;
    const { type: _, ...fields } = event;
    last.push({ time: new Date(clock.wallTime()).toISOString(), ...fields });
    if (last.length > keptErrors) last.shift();
  });

  async function read(): Promise<Stats> {
    const requests = await metrics.requests.get();
    const ownErrors = await metrics.ownErrors.get();
    return {
      uptimeSeconds: (clock.now() - startedAt) / 1000,
      requests: {
        byOutcome: sumBy(requests.values, 'outcome', requestOutcomes),
        byCache: sumBy(requests.values, 'cache', cacheResults),
      },
      ownErrors: { count: sum(ownErrors.values), by: ownErrorCounts(ownErrors.values), last: [...last] },
      firstByteWaits: waitStats((await metrics.firstByteWaits.get()).values),
      fills: sumBy((await metrics.fills.get()).values, 'phase', countedPhases),
      fillsDone: sum((await metrics.fillsDone.get()).values),
      fillsFailed: sumBy((await metrics.fillsFailed.get()).values, 'reason', []),
      bytesLanded: sumBy((await metrics.bytesLanded.get()).values, 'origin', []),
      bytesSent: sumBy((await metrics.bytesSent.get()).values, 'source', byteSources),
      retries: sumBy((await metrics.retries.get()).values, 'cause', retryCauses),
      heals: sumBy((await metrics.heals.get()).values, 'cause', retryCauses),
      bugs: sum((await metrics.bugs.get()).values),
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
    return {
      count: sum(part('_count')),
      sumSeconds: sum(part('_sum')),
      atMost: sumBy(part('_bucket'), 'le', []),
    };
  };
  return Object.fromEntries(waitOutcomes.map((outcome) => [outcome, of(outcome)])) as Record<WaitOutcome, WaitStats>;
}
