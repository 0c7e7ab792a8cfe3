/**
 * The counters: what is counted (one table) and the counting, from the domain's events and from nothing else.
 *
 * The registry is this instance's own, so that two daemons in one process do not mix. Every label takes few values:
 * an origin's configured name, a status, or one of a list. Where an event has `null`, the label is `-`, which is no
 * origin's name.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { proxyErrorTypes } from '../errors.ts';
import {
  breakerPhases,
  byteSources,
  cacheResults,
  type DomainEvent,
  type EventBus,
  evictionReasons,
  failoverCauses,
  fillPhases,
  lossCauses,
  refreshOutcomes,
  refreshReasons,
  requestOutcomes,
  retryCauses,
  waitOutcomes,
} from '../events.ts';

/** What a label says where the event says `null`. */
export const absent = '-';

/** The phases in which a fill is counted: all but idle, in which it holds nothing and waits for nothing. */
export const countedPhases = fillPhases.filter((phase) => phase !== 'idle');

const methods = ['GET', 'HEAD', 'other'] as const;
const proxyErrors = Object.keys(proxyErrorTypes);
const serverErrors = Object.entries(proxyErrorTypes).flatMap(([type, { status }]) => (status >= 500 ? [type] : []));
const anyOrigin = "an origin's name";
const anyStatus = 'an HTTP status';
const secondsEdges = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60] as const;

export interface MetricRow {
  /** With its base unit. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Each label with every value that it takes, or with what its values are. */
  readonly labels: Readonly<Record<string, readonly string[] | string>>;
}

export const metricTable = {
  requests: {
    name: 'firstbyte_requests_total',
    kind: 'counter',
    help: 'Requests that have ended, by how they ended and by whether the asked bytes were there when they came.',
    labels: {
      origin: `${anyOrigin}, or ${absent} where none was named`,
      method: methods,
      status: `${anyStatus}, or ${absent} where the client left before it was known`,
      outcome: requestOutcomes,
      cache: cacheResults,
    },
  },
  ownErrors: {
    name: 'firstbyte_own_errors_total',
    kind: 'counter',
    help: "Replies with a 5xx of firstbyte's own making, by reason (RFC 9209) and by the fill's phase.",
    labels: {
      origin: `${anyOrigin}, or ${absent} where none was named`,
      status: anyStatus,
      reason: serverErrors,
      phase: [...fillPhases, absent],
    },
  },
  firstByteWaits: {
    name: 'firstbyte_first_byte_wait_seconds',
    kind: 'histogram',
    help: "From a request's acceptance to the end of its wait for the first byte, of those that had to wait.",
    labels: { origin: anyOrigin, outcome: waitOutcomes },
  },
  fills: {
    name: 'firstbyte_fills',
    kind: 'gauge',
    help: 'Fills by phase, without those that are idle.',
    labels: { phase: countedPhases },
  },
  fillFirstBytes: {
    name: 'firstbyte_fill_first_byte_seconds',
    kind: 'histogram',
    help: "From the start of a cursor's request at the origin to its first byte landed, without the queue.",
    labels: { origin: anyOrigin },
  },
  fillsDone: {
    name: 'firstbyte_fills_done_total',
    kind: 'counter',
    help: 'Fills that have brought in every byte.',
    labels: { origin: anyOrigin },
  },
  fillsFailed: {
    name: 'firstbyte_fills_failed_total',
    kind: 'counter',
    help: 'Fills that have failed, by reason.',
    labels: { origin: anyOrigin, reason: [...proxyErrors, 'origin_status', 'store'] },
  },
  retries: {
    name: 'firstbyte_retries_total',
    kind: 'counter',
    help: 'Times that an origin was asked again before its first byte, by cause.',
    labels: { origin: anyOrigin, cause: retryCauses },
  },
  heals: {
    name: 'firstbyte_heals_total',
    kind: 'counter',
    help: 'Times that an origin was asked again after bytes had come, by cause.',
    labels: { origin: anyOrigin, cause: retryCauses },
  },
  breakerChanges: {
    name: 'firstbyte_breaker_changes_total',
    kind: 'counter',
    help: 'Times that an origin was taken for unreachable, was tried again, or was reached again, by cause.',
    labels: { origin: anyOrigin, to: breakerPhases, cause: [...proxyErrors, absent] },
  },
  refreshes: {
    name: 'firstbyte_refreshes_total',
    kind: 'counter',
    help: 'Times that the refresh hook was asked where a target is to be had, by reason and outcome.',
    labels: { origin: anyOrigin, reason: refreshReasons, outcome: refreshOutcomes },
  },
  bytesLanded: {
    name: 'firstbyte_landed_bytes_total',
    kind: 'counter',
    help: 'Bytes of content that came in from origins.',
    labels: { origin: anyOrigin },
  },
  bytesSent: {
    name: 'firstbyte_sent_bytes_total',
    kind: 'counter',
    help: 'Bytes of content that went out to clients, by where they came from.',
    labels: { origin: anyOrigin, source: byteSources },
  },
  failovers: {
    name: 'firstbyte_failovers_total',
    kind: 'counter',
    help: 'Times that another base of an origin was asked, because one did not give what was wanted.',
    labels: { origin: anyOrigin, cause: failoverCauses },
  },
  evictions: {
    name: 'firstbyte_evictions_total',
    kind: 'counter',
    help: 'Segments, or for their age whole objects, that were evicted, by reason.',
    labels: { reason: evictionReasons },
  },
  evictedBytes: {
    name: 'firstbyte_evicted_bytes_total',
    kind: 'counter',
    help: 'Bytes that were evicted, by reason.',
    labels: { reason: evictionReasons },
  },
  blocksLost: {
    name: 'firstbyte_blocks_lost_total',
    kind: 'counter',
    help: 'Stored blocks that were not what had been written, or could not be read.',
    labels: { cause: lossCauses },
  },
  storePassing: {
    name: 'firstbyte_store_passing',
    kind: 'gauge',
    help: '1 while nothing is stored, and bytes go past the store; else 0.',
    labels: {},
  },
  storeBytes: {
    name: 'firstbyte_store_bytes',
    kind: 'gauge',
    help: 'What the store holds, in real bytes on its medium.',
    labels: {},
  },
  storeLimit: {
    name: 'firstbyte_store_limit_bytes',
    kind: 'gauge',
    help: 'What the store may hold; 0 where nothing bounds it.',
    labels: {},
  },
  bugs: {
    name: 'firstbyte_bugs_total',
    kind: 'counter',
    help: 'Errors that nobody expects. Each one is worth a report.',
    labels: {},
  },
} as const satisfies Record<string, MetricRow>;

export type MetricKey = keyof typeof metricTable;

export interface Metrics {
  /** Holds the metrics of the table and nothing else. */
  readonly registry: Registry;
  /** Ends the counting; what was counted stays. */
  stop(): void;
}

/** What is asked of the store whenever somebody looks. */
export interface StoreSource {
  usage(): { readonly bytes: number; readonly limit: number | null };
}

/** Counts what the bus carries from now on. */
export function createMetrics(events: EventBus, store: StoreSource | null = null): Metrics {
  const registry = new Registry();
  const made = (row: MetricRow) => ({
    name: row.name,
    help: row.help,
    labelNames: Object.keys(row.labels),
    registers: [registry],
  });
  const counter = (row: MetricRow) => new Counter(made(row));
  const histogram = (row: MetricRow) => new Histogram({ ...made(row), buckets: [...secondsEdges] });

  const requests = counter(metricTable.requests);
  const ownErrors = counter(metricTable.ownErrors);
  const firstByteWaits = histogram(metricTable.firstByteWaits);
  const fills = new Gauge(made(metricTable.fills));
  const fillFirstBytes = histogram(metricTable.fillFirstBytes);
  const fillsDone = counter(metricTable.fillsDone);
  const fillsFailed = counter(metricTable.fillsFailed);
  const retries = counter(metricTable.retries);
  const heals = counter(metricTable.heals);
  const breakerChanges = counter(metricTable.breakerChanges);
  const refreshes = counter(metricTable.refreshes);
  const bytesLanded = counter(metricTable.bytesLanded);
  const bytesSent = counter(metricTable.bytesSent);
  const failovers = counter(metricTable.failovers);
  const bugs = counter(metricTable.bugs);
  const evictions = counter(metricTable.evictions);
  const evictedBytes = counter(metricTable.evictedBytes);
  const blocksLost = counter(metricTable.blocksLost);
  const storePassing = new Gauge(made(metricTable.storePassing));
  const looked = (row: MetricRow, look: (usage: ReturnType<StoreSource['usage']>) => number) =>
    new Gauge({
      ...made(row),
      collect() {
        this.set(store === null ? 0 : look(store.usage()));
      },
    });
  looked(metricTable.storeBytes, ({ bytes }) => bytes);
  looked(metricTable.storeLimit, ({ limit }) => limit ?? 0);
  for (const phase of countedPhases) fills.set({ phase }, 0);

  const stop = events.subscribe((event: DomainEvent) => {
    switch (event.type) {
      case 'request-done': {
        const { outcome, cache } = event;
        const method = methods.find((known) => known === event.method) ?? 'other';
        const status = event.status ?? absent;
        return requests.inc({ origin: event.origin ?? absent, method, status, outcome, cache });
      }
      case 'own-error': {
        const { status, reason } = event;
        return ownErrors.inc({ origin: event.origin ?? absent, status, reason, phase: event.phase ?? absent });
      }
      case 'first-byte-wait':
        return firstByteWaits.observe({ origin: event.origin, outcome: event.outcome }, event.duration / 1000);
      case 'fill-state':
        // Every fill begins and ends idle, so that what is counted is never left over.
        if (event.from !== 'idle') fills.dec({ phase: event.from });
        if (event.to !== 'idle') fills.inc({ phase: event.to });
        return;
      case 'fill-first-byte':
        return fillFirstBytes.observe({ origin: event.origin }, (event.landedAt - event.startedAt) / 1000);
      case 'fill-done':
        return fillsDone.inc({ origin: event.origin });
      case 'fill-failed':
        return fillsFailed.inc({ origin: event.origin, reason: event.error });
      case 'retry':
        return (event.kind === 'heal' ? heals : retries).inc({ origin: event.origin, cause: event.cause });
      case 'breaker':
        return breakerChanges.inc({ origin: event.origin, to: event.to, cause: event.cause ?? absent });
      case 'refresh':
        return refreshes.inc({ origin: event.origin, reason: event.reason, outcome: event.outcome });
      case 'bytes-landed':
        return bytesLanded.inc({ origin: event.origin }, event.bytes);
      case 'bytes-sent':
        return bytesSent.inc({ origin: event.origin, source: event.source }, event.bytes);
      case 'failover':
        return failovers.inc({ origin: event.origin, cause: event.cause });
      case 'evicted':
        evictions.inc({ reason: event.reason });
        return evictedBytes.inc({ reason: event.reason }, event.bytes);
      case 'block-lost':
        return blocksLost.inc({ cause: event.cause });
      case 'store-state':
        return storePassing.set(event.to === 'passing' ? 1 : 0);
      case 'bug':
        return bugs.inc();
    }
  });

  return { registry, stop };
}

/** The reference page of the metrics (`docs/reference/metrics.md`), made from the table. */
export function metricsReference(): string {
  const rows: MetricRow[] = Object.values(metricTable);
  const sections = rows.map(({ name, kind, help, labels }) => {
    const edges = kind === 'histogram' ? `\nBucket edges: ${secondsEdges.join(', ')} seconds.\n` : '';
    return `## \`${name}\`\n\n${help}\n\nKind: ${kind}.\n${edges}${labelsReference(labels)}`;
  });
  return `${referenceHead}\n${sections.join('\n')}`;
}

const referenceHead = `# Metrics

Made from the table in \`src/control/metrics.ts\` by \`tools/reference.ts\`; do not edit.

\`GET /-/metrics\` gives these in the Prometheus text format; \`GET /-/api/v1/stats\` gives the same counts, summed up,
as JSON. A label's value \`${absent}\` stands for "none".
`;

function labelsReference(labels: MetricRow['labels']): string {
  const lines = Object.entries(labels).map(([label, values]) => {
    const meaning = typeof values === 'string' ? values : values.map((value) => `\`${value}\``).join(', ');
    return `| \`${label}\` | ${meaning} |\n`;
  });
  return lines.length === 0 ? '' : `\n| label | values |\n|---|---|\n${lines.join('')}`;
}
