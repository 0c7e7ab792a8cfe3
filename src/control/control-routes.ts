/**
 * The routes of the control API: what answers under `/-/`, but for the page and playlists.
 *
 * Each subject has a file in `routes/`. Together they make the document at `/-/api/v1/openapi.json`, which describes
 * what every path takes and answers. Every error is problem JSON (RFC 9457).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import { HTTPException } from 'hono/http-exception';
import { StoreError } from '../cache/read-session.ts';
import type { Clock } from '../clock.ts';
import { bugOf } from '../events.ts';
import { addressSet } from '../http/ip-address.ts';
import { withContent } from './content.ts';
import { type ControlPolicy, judgeControlRequest } from './control-guard.ts';
import type { ControlOptions } from './control-options.ts';
import type { EventStream } from './event-stream.ts';
import type { FillHistory } from './fill-history.ts';
import type { createHistory } from './history.ts';
import type { Jobs } from './jobs.ts';
import { type Api, type ControlDocument, createApi, documentOf, methodsAt } from './open-api.ts';
import type { createOriginsView } from './origins.ts';
import { sessionOf } from './page-session.ts';
import { Problem, problemReply, securityHeaders } from './problem.ts';
import type { Readiness } from './readiness.ts';
import type { createMetrics } from './registry.ts';
import { addEventRoutes } from './routes/events.ts';
import { addFillRoutes } from './routes/fills.ts';
import { addFolderRoutes } from './routes/folders.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addJobRoutes } from './routes/jobs.ts';
import { addObjectRoutes } from './routes/objects.ts';
import { addOriginRoutes } from './routes/origins.ts';
import { addSessionRoutes } from './routes/session.ts';
import { addSettingRoutes } from './routes/settings.ts';
import { addSourceRoutes } from './routes/sources.ts';
import { addStatisticsRoutes } from './routes/statistics.ts';
import { addStoreRoutes } from './routes/store.ts';
import type { createStats } from './stats.ts';

/** What watches and counts. */
export interface RoutesParts {
  readonly options: ControlOptions;
  readonly jobs: Jobs;
  readonly readiness: Readiness;
  readonly stats: ReturnType<typeof createStats>;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly history: ReturnType<typeof createHistory>;
  readonly fillHistory: FillHistory;
  readonly stream: EventStream;
  readonly origins: ReturnType<typeof createOriginsView>;
}

export interface Routes {
  respond(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** What every path takes and answers, as OpenAPI. */
  document(): ControlDocument;
}

export function createRoutes(parts: RoutesParts): Routes {
  const { options, jobs, readiness, stats, metrics, history, fillHistory, stream, origins } = parts;
  const { fills, holdings, sources, events, clock } = options;
  const api = createApi();
  guard(api, options, clock);
  addSessionRoutes(api, options.password, clock);
  addHealthRoutes(api, () => readiness.trouble());
  addFolderRoutes(api, options.folders);
  addObjectRoutes(api, { holdings, history: fillHistory, clock });
  addFillRoutes(api, { fills, holdings, history: fillHistory, clock });
  addJobRoutes(api, jobs, holdings);
  addSourceRoutes(api, sources);
  addOriginRoutes(api, origins);
  addStoreRoutes(api, holdings);
  addSettingRoutes(api, options.settings, options.reload);
  addStatisticsRoutes(api, stats, metrics);
  addHistoryRoutes(api, history);
  addEventRoutes(api, stream);
  let document: ControlDocument | undefined;
  const documented = () => {
    document ??= documentOf(api);
    return document;
  };
  api.get('/-/api/v1/openapi.json', (context) => context.json(documented()));

  const failed = (thrown: unknown): Response => {
    const problem = problemOf(thrown);
    if (problem.status === 500) events.emit(bugOf(thrown, clock.now()));
    return problemReply(problem);
  };
  api.notFound(({ req }) => {
    const methods = methodsAt(api, req.path);
    if (methods.length === 0) return problemReply(nothing);
    const known = methods.join(', ');
    return problemReply(new Problem(405, `${req.path} knows ${known}, not ${req.method}.`, { allow: known }));
  });
  api.onError(failed);

  const respond = getRequestListener(api.fetch, { overrideGlobalObjects: false, errorHandler: failed });
  return { respond, document: documented };
}

const nothing = new Problem(404, 'Unknown path; /-/api/v1/openapi.json lists all paths.');

/** Checks every request before anything else does. */
function guard(api: Api, policy: ControlPolicy, clock: Clock): void {
  const isViewer = addressSet(policy.viewers ?? []);
  api.use(async (context, next) => {
    const { incoming } = context.env;
    const judged = judgeControlRequest(
      {
        method: context.req.method,
        localAddress: incoming.socket.localAddress,
        remoteAddress: incoming.socket.remoteAddress,
        isViewer: isViewer(incoming.socket.remoteAddress ?? ''),
        host: incoming.headers.host,
        authorization: incoming.headers.authorization,
        session: sessionOf(incoming.headers, clock.wallTime()),
        origin: incoming.headers.origin,
        secFetchSite: context.req.header('sec-fetch-site'),
        contentType: incoming.headers['content-type'],
      },
      policy,
    );
    if ('status' in judged) {
      const allow = judged.status === 405 ? { allow: methodsAt(api, context.req.path).join(', ') } : {};
      return problemReply(new Problem(judged.status, judged.detail, allow));
    }
    context.set('bearer', judged.bearer);
    context.set('secret', judged.secret);
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) {
      if (!context.res.headers.has(name)) context.header(name, value);
    }
  });
  api.use(async (context, next) => {
    context.req.raw = await withContent(context.req.raw, clock);
    await next();
  });
}

/** A bug is a 500 without details. */
function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof StoreError) return new Problem(503, `The cache cannot do this: ${thrown.message}`);
  if (thrown instanceof RequestError) return new Problem(400, 'The request is malformed.');
  if (thrown instanceof HTTPException && thrown.status === 400) {
    return new Problem(400, 'The body is not JSON; send {} for an empty one.');
  }
  return new Problem(500, 'Something went wrong inside firstbyte; its log says more.');
}
