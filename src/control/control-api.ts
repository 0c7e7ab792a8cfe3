/**
 * The control API under `/-/`: what firstbyte is doing and has done, for people and for monitoring. It only shows.
 *
 * | path | reply |
 * |---|---|
 * | `/-/health` | 200 while the process answers |
 * | `/-/api/v1/fills` | every fill: its phase and why, what is present, who writes and who reads |
 * | `/-/api/v1/origins` | every origin: whether it is reachable, its connections, how fast its first bytes come |
 * | `/-/api/v1/stats` | the counts since the start and the last own 5xx |
 * | `/-/metrics` | the same counts for Prometheus |
 *
 * Every error is problem JSON (RFC 9457).
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server';
import { Hono } from 'hono';
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import { type FillsView, type FillView, phaseReason } from '../fill/fill-view.ts';
import { type ControlPolicy, judgeControlRequest } from './control-guard.ts';
import { createMetrics, type StoreSource } from './metrics.ts';
import { createOriginsView, type OriginSource } from './origins.ts';
import { createStats } from './stats.ts';
import { type SummaryOptions, startSummary } from './summary.ts';

export interface ControlOptions extends ControlPolicy {
  readonly fills: FillsView;
  /** Those that are mounted. */
  readonly origins?: readonly OriginSource[];
  /** Whose size is shown. */
  readonly store?: StoreSource;
  readonly events: EventBus;
  readonly clock: Clock;
  /** Where the summary line goes; without it none is written. */
  readonly summary?: SummaryOptions;
}

export interface Control {
  /** Answers one request whose path begins with `/-/`. */
  listener(request: IncomingMessage, response: ServerResponse): void;
  /** Ends the counting and the summary lines. */
  stop(): void;
}

const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const;

/** Counts from now on; so it is made before the first request comes. */
export function createControl(options: ControlOptions): Control {
  const { fills, events, clock } = options;
  const metrics = createMetrics(events, options.store);
  const stats = createStats(metrics, events, clock);
  const origins = createOriginsView(options.origins ?? [], events, clock);
  const stopSummary = options.summary && startSummary(options.summary, stats, events, clock);

  const bug = (thrown: unknown): Response => {
    const { message, stack = '' } = thrown instanceof Error ? thrown : new Error(String(thrown));
    events.emit({ type: 'bug', at: clock.now(), message, stack });
    return problem(500, 'Something went wrong inside firstbyte; its log says more.');
  };

  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (context, next) => {
    const { incoming } = context.env;
    const refusal = judgeControlRequest(
      {
        method: context.req.method,
        localAddress: incoming.socket.localAddress,
        host: incoming.headers.host,
        authorization: incoming.headers.authorization,
        origin: incoming.headers.origin,
        secFetchSite: context.req.header('sec-fetch-site'),
      },
      options,
    );
    if (refusal) return problem(refusal.status, refusal.detail);
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) context.header(name, value);
  });
  app.get('/-/health', (context) => context.json({ status: 'ok' }));
  app.get('/-/api/v1/fills', (context) => {
    const now = clock.now();
    return context.json({ fills: fills.fills().map((fill) => fillReport(fill, now)) });
  });
  app.get('/-/api/v1/origins', (context) => context.json({ origins: origins.report() }));
  app.get('/-/api/v1/stats', async (context) => context.json(await stats.read()));
  app.get('/-/metrics', async (context) =>
    context.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  );
  app.notFound(() => problem(404, 'The control API has nothing at this path.'));
  app.onError(bug);

  const respond = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: (error) => (error instanceof RequestError ? problem(400, 'The request is malformed.') : bug(error)),
  });
  return {
    listener: (request, response) => void respond(request, response),
    stop() {
      stopSummary?.();
      stats.stop();
      origins.stop();
      metrics.stop();
    },
  };
}

/** A fill as the API shows it; ranges are half-open, offsets and lengths in bytes, `nextTryIn` in milliseconds. */
function fillReport({ state, cursors, ...fill }: FillView, now: number) {
  const presentBytes = fill.present.reduce((total, { start, end }) => total + end - start, 0);
  const shown = cursors.map(({ retryAt, ...cursor }) => ({
    ...cursor,
    nextTryIn: retryAt === null ? null : Math.max(0, Math.round(retryAt - now)),
  }));
  return { ...fill, cursors: shown, phase: state.phase, reason: phaseReason(state, now), presentBytes };
}

const challenges: Readonly<Record<number, Record<string, string>>> = {
  401: { 'www-authenticate': 'Bearer realm="firstbyte"' },
  405: { allow: 'GET, HEAD' },
};

function problem(status: number, detail: string): Response {
  const body = { type: 'about:blank', title: STATUS_CODES[status], status, detail };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...securityHeaders, ...challenges[status] },
  });
}
