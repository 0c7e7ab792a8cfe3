/**
 * The metrics in one table, and their reference page.
 *
 * Each label has few values: the configured name of an origin, a status, or a value from a list; never a URL. Where an
 * event has `null`, the label is `-`, which is no origin's name. Events move counters and histograms (`counters.ts`);
 * gauges are read at a scrape (`gauges.ts`).
 */
import { proxyErrorTypes } from '../errors.ts';
import {
  breakerPhases,
  bufferWaitOutcomes,
  byteSources,
  cacheResults,
  clientBoundActions,
  clientBounds,
  countedPhases,
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
import { fetchStates } from '../fill/view.ts';
import { lentMeaning, lentThings } from '../lent.ts';
import { delayStats } from './process-snapshot.ts';
import { readAheadFates } from './read-ahead.ts';

/** The value of a label where the event has `null`. */
export const absent = '-';

/** Clients can send any method; all others are one value. */
export const methods = ['GET', 'HEAD', 'other'] as const;
const proxyErrors = Object.keys(proxyErrorTypes);
const serverErrors = Object.entries(proxyErrorTypes).flatMap(([type, { status }]) => (status >= 500 ? [type] : []));
const anyOrigin = "an origin's name";
const anyStatus = 'an HTTP status';
/** The bucket edges of every histogram, in seconds. */
export const bucketEdges = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60] as const;

/** States of clients' connections and of their requests for media. */
export const connectionStates = ['idle', 'busy'] as const;
export const requestStates = ['underway', 'queued'] as const;

export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface MetricRow {
  /** With its base unit. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  /** Each label with all its values, or with a description of them. */
  readonly labels: Readonly<Record<string, readonly string[] | string>>;
}

export const metricTable = {
  requests: {
    name: 'firstbyte_requests_total',
    kind: 'counter',
    help: 'Finished requests, by outcome and by whether the requested bytes were cached.',
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
    help: 'Replies with a 5xx of firstbyte itself, by reason (RFC 9209) and by the phase of the download.',
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
    help: 'Time from the arrival of a request to the end of its wait for the first byte, for requests that had to wait.',
    labels: { origin: anyOrigin, outcome: waitOutcomes },
  },
  fills: {
    name: 'firstbyte_fills',
    kind: 'gauge',
    help: 'Downloads by phase, without idle ones.',
    labels: { phase: countedPhases },
  },
  fillFirstBytes: {
    name: 'firstbyte_fill_first_byte_seconds',
    kind: 'histogram',
    help: 'Time from the start of a request to an origin to its first received byte, without the queue.',
    labels: { origin: anyOrigin },
  },
  fillHeads: {
    name: 'firstbyte_fill_head_seconds',
    kind: 'histogram',
    help: 'Time from the start of a request to an origin to the head of its answer, for answers with a byte, without the queue.',
    labels: { origin: anyOrigin },
  },
  fillsDone: {
    name: 'firstbyte_fills_done_total',
    kind: 'counter',
    help: 'Completed downloads.',
    labels: { origin: anyOrigin },
  },
  fillsFailed: {
    name: 'firstbyte_fills_failed_total',
    kind: 'counter',
    help: 'Failed downloads, by reason.',
    labels: { origin: anyOrigin, reason: [...proxyErrors, 'origin_status'] },
  },
  retries: {
    name: 'firstbyte_retries_total',
    kind: 'counter',
    help: 'Retries before the first byte, by cause.',
    labels: { origin: anyOrigin, cause: retryCauses },
  },
  heals: {
    name: 'firstbyte_heals_total',
    kind: 'counter',
    help: 'Reconnections in mid-file, by cause.',
    labels: { origin: anyOrigin, cause: retryCauses },
  },
  breakerChanges: {
    name: 'firstbyte_breaker_changes_total',
    kind: 'counter',
    help: 'Times that an origin went out of reach, was tried again, or was reached again, by the last error.',
    labels: { origin: anyOrigin, to: breakerPhases, cause: [...proxyErrors, absent] },
  },
  refreshes: {
    name: 'firstbyte_refreshes_total',
    kind: 'counter',
    help: 'Calls of refresh hooks for a new URL, by reason and outcome.',
    labels: { origin: anyOrigin, reason: refreshReasons, outcome: refreshOutcomes },
  },
  bytesLanded: {
    name: 'firstbyte_landed_bytes_total',
    kind: 'counter',
    help: 'Bytes downloaded from origins, without headers.',
    labels: { origin: anyOrigin },
  },
  bytesSent: {
    name: 'firstbyte_sent_bytes_total',
    kind: 'counter',
    help: 'Bytes sent to clients, without headers, by their source.',
    labels: { origin: anyOrigin, source: byteSources },
  },
  failovers: {
    name: 'firstbyte_failovers_total',
    kind: 'counter',
    help: 'Requests to another URL of an origin after a failure, by cause.',
    labels: { origin: anyOrigin, cause: failoverCauses },
  },
  readAhead: {
    name: 'firstbyte_read_ahead_bytes_total',
    kind: 'counter',
    help:
      'Downloaded bytes by fate: used when a client got them; wasted when the download was closed before any client ' +
      'did, or when they were downloaded again.',
    labels: { origin: anyOrigin, fate: readAheadFates },
  },
  unread: {
    name: 'firstbyte_unread_bytes',
    kind: 'gauge',
    help: 'Downloaded bytes of open downloads that no client has got yet.',
    labels: { origin: anyOrigin },
  },
  waiters: {
    name: 'firstbyte_waiters',
    kind: 'gauge',
    help: 'Requests waiting for a byte that is not downloaded yet.',
    labels: { origin: anyOrigin },
  },
  readers: {
    name: 'firstbyte_readers',
    kind: 'gauge',
    help: 'Requests being answered.',
    labels: { origin: anyOrigin },
  },
  cursors: {
    name: 'firstbyte_cursors',
    kind: 'gauge',
    help: 'Requests to origins by state: resting with enough downloaded ahead, retrying before the next attempt.',
    labels: { origin: anyOrigin, state: fetchStates },
  },
  connections: {
    name: 'firstbyte_origin_connections',
    kind: 'gauge',
    help: "An origin's connections in use.",
    labels: { origin: anyOrigin },
  },
  connectionLimit: {
    name: 'firstbyte_origin_connection_limit',
    kind: 'gauge',
    help: 'The limit of connections to an origin.',
    labels: { origin: anyOrigin },
  },
  queued: {
    name: 'firstbyte_origin_queue_length',
    kind: 'gauge',
    help: 'Requests waiting for a free connection to an origin.',
    labels: { origin: anyOrigin },
  },
  breaker: {
    name: 'firstbyte_origin_breaker',
    kind: 'gauge',
    help: '1 for the current state of an origin (closed: reachable), else 0.',
    labels: { origin: anyOrigin, phase: breakerPhases },
  },
  observers: {
    name: 'firstbyte_event_stream_clients',
    kind: 'gauge',
    help: 'Clients of the event stream.',
    labels: {},
  },
  eventLoopDelay: {
    name: 'nodejs_event_loop_delay_seconds',
    kind: 'gauge',
    help: 'How late timers fired, since the last scrape; they are watched from the first one on.',
    labels: { stat: delayStats },
  },
  processorTime: {
    name: 'process_cpu_seconds_total',
    kind: 'counter',
    help: 'Processor time of the process, user and system.',
    labels: {},
  },
  residentMemory: {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory of the process.',
    labels: {},
  },
  heapUsed: {
    name: 'nodejs_heap_used_bytes',
    kind: 'gauge',
    help: "Memory of V8's heap that is in use.",
    labels: {},
  },
  heapTotal: {
    name: 'nodejs_heap_size_bytes',
    kind: 'gauge',
    help: "Memory of V8's heap.",
    labels: {},
  },
  openDescriptors: {
    name: 'process_open_fds',
    kind: 'gauge',
    help: 'Open file descriptors of the process, where the system tells.',
    labels: {},
  },
  startedAt: {
    name: 'process_start_time_seconds',
    kind: 'gauge',
    help: 'When the process was started, in seconds since 1970.',
    labels: {},
  },
  build: {
    name: 'firstbyte_build_info',
    kind: 'gauge',
    help: 'Always 1; the labels have the versions.',
    labels: { version: 'the version of firstbyte', node: 'the version of Node' },
  },
  evictions: {
    name: 'firstbyte_evictions_total',
    kind: 'counter',
    help: 'Evictions of parts of files, or of whole files for their age, by reason.',
    labels: { reason: evictionReasons },
  },
  evictedBytes: {
    name: 'firstbyte_evicted_bytes_total',
    kind: 'counter',
    help: 'Evicted bytes, by reason.',
    labels: { reason: evictionReasons },
  },
  blocksLost: {
    name: 'firstbyte_blocks_lost_total',
    kind: 'counter',
    help: 'Cached blocks that were damaged or could not be read.',
    labels: { cause: lossCauses },
  },
  storePassing: {
    name: 'firstbyte_store_passing',
    kind: 'gauge',
    help: '1 while nothing can be cached and bytes pass through, else 0.',
    labels: {},
  },
  storeBytes: {
    name: 'firstbyte_store_bytes',
    kind: 'gauge',
    help: 'Size of the cache on disk or in memory.',
    labels: {},
  },
  storeLimit: {
    name: 'firstbyte_store_limit_bytes',
    kind: 'gauge',
    help: 'Size limit of the cache; 0 for none.',
    labels: {},
  },
  clients: {
    name: 'firstbyte_clients',
    kind: 'gauge',
    help: 'Connected clients, and clients whose requests a trusted proxy forwards.',
    labels: {},
  },
  clientConnections: {
    name: 'firstbyte_client_connections',
    kind: 'gauge',
    help: 'Connections of clients: busy with a reply, or idle.',
    labels: { state: connectionStates },
  },
  clientConnectionLimit: {
    name: 'firstbyte_client_connection_limit',
    kind: 'gauge',
    help: 'Limit of the connections of all clients together, by the limit of open files.',
    labels: {},
  },
  clientRequests: {
    name: 'firstbyte_client_requests',
    kind: 'gauge',
    help: 'Requests of clients for media: under way, or queued behind others of the same client.',
    labels: { state: requestStates },
  },
  clientUnread: {
    name: 'firstbyte_client_unread_bytes',
    kind: 'gauge',
    help: 'Bytes that were downloaded for clients and not read by them yet.',
    labels: {},
  },
  clientMostConnections: {
    name: 'firstbyte_client_most_connections',
    kind: 'gauge',
    help: 'Connections of the client that has the most.',
    labels: {},
  },
  clientMostRequests: {
    name: 'firstbyte_client_most_requests',
    kind: 'gauge',
    help: 'Running requests of the client that has the most.',
    labels: {},
  },
  clientMostUnread: {
    name: 'firstbyte_client_most_unread_bytes',
    kind: 'gauge',
    help: 'Unread bytes of the client that has the most.',
    labels: {},
  },
  clientBounds: {
    name: 'firstbyte_client_bounds_total',
    kind: 'counter',
    help: 'Times that a client reached a limit, or all clients the limit of open files, and what was done.',
    labels: { bound: clientBounds, action: clientBoundActions },
  },
  bufferWaits: {
    name: 'firstbyte_buffer_waits_total',
    kind: 'counter',
    help: 'Reads from disk that had to wait for memory (bufferMemory), by outcome.',
    labels: { outcome: bufferWaitOutcomes },
  },
  stalledEnded: {
    name: 'firstbyte_stalled_clients_ended_total',
    kind: 'counter',
    help: 'Clients that read nothing and were disconnected because the memory for such clients was full (stalledMemory).',
    labels: {},
  },
  lent: {
    name: 'firstbyte_lent',
    kind: 'gauge',
    help: `Things that are held for a while and given back: ${lentThings.map((thing) => `${thing} (${lentMeaning[thing]})`).join(', ')}. All are 0 half a minute after the last client has gone.`,
    labels: { what: lentThings },
  },
  bugs: {
    name: 'firstbyte_bugs_total',
    kind: 'counter',
    help: 'Unexpected errors. Each one is worth a report.',
    labels: {},
  },
} as const satisfies Record<string, MetricRow>;

export type MetricKey = keyof typeof metricTable;

/** The reference page of the metrics (`docs/reference/metrics.md`), made from the table. */
export function metricsReference(): string {
  const rows: MetricRow[] = Object.values(metricTable);
  const sections = rows.map(({ name, kind, help, labels }) => {
    const edges = kind === 'histogram' ? `\nBucket edges: ${bucketEdges.join(', ')} seconds.\n` : '';
    return `## \`${name}\`\n\n${help}\n\nKind: ${kind}.\n${edges}${labelsReference(labels)}`;
  });
  return `${referenceHead}\n${sections.join('\n')}`;
}

const referenceHead = `# Metrics

Made from the table in \`src/control/metrics.ts\` by \`tools/reference.ts\`; do not edit.

\`GET /-/metrics\` gives these in the Prometheus text format, or as OpenMetrics 1.0 to whoever asks for that in
\`Accept\`; \`GET /-/api/v1/stats\` gives the counts, summed up, as JSON. A label's value \`${absent}\` stands for "none".
`;

function labelsReference(labels: MetricRow['labels']): string {
  const lines = Object.entries(labels).map(([label, values]) => {
    const meaning = typeof values === 'string' ? values : values.map((value) => `\`${value}\``).join(', ');
    return `| \`${label}\` | ${meaning} |\n`;
  });
  return lines.length === 0 ? '' : `\n| label | values |\n|---|---|\n${lines.join('')}`;
}
