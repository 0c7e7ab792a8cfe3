/**
 * The control API under `/-/`: shows what firstbyte does and has done, and controls it.
 *
 * Each subject has a file in `routes/`. Together they make the document at `/-/api/v1/openapi.json`, which describes
 * what every path takes and answers. Every error is problem JSON (RFC 9457).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import type { Folders } from '../admin/folders.ts';
import type { Holdings } from '../admin/holdings.ts';
import type { Sources } from '../admin/sources.ts';
import { StoreError } from '../cache/read-session.ts';
import type { Clock } from '../clock.ts';
import { bugOf, type EventBus } from '../events.ts';
import type { FillsView } from '../fill/view.ts';
import { addressSet } from '../http/ip-address.ts';
import type { Lent } from '../lent.ts';
import type { SettingReport } from './answers.ts';
import { type ControlPolicy, judgeControlRequest } from './control-guard.ts';
import { EventStream } from './event-stream.ts';
import { FillHistory } from './fill-history.ts';
import type { ClientsSnapshot } from './gauges.ts';
import { createHistory } from './history.ts';
import { Jobs } from './jobs.ts';
import { type Api, type ControlDocument, createApi, documentOf, methodsAt } from './open-api.ts';
import { createOriginsView, type OriginSource } from './origins.ts';
import { Page } from './page.ts';
import { sessionOf } from './page-session.ts';
import { servePlaylist } from './playlist.ts';
import { Problem, problemReply, securityHeaders } from './problem.ts';
import { watchProcess } from './process-snapshot.ts';
import { Readiness } from './readiness.ts';
import { createMetrics } from './registry.ts';
import { addEventRoutes } from './routes/events.ts';
import { addFillRoutes } from './routes/fills.ts';
import { addFolderRoutes } from './routes/folders.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addJobRoutes } from './routes/jobs.ts';
import { addObjectRoutes } from './routes/objects.ts';
import { addOriginRoutes } from './routes/origins.ts';
import { addSessionRoutes } from './routes/session.ts';
import { addSettingRoutes, type Reload } from './routes/settings.ts';
import { addSourceRoutes } from './routes/sources.ts';
import { addStatisticsRoutes } from './routes/statistics.ts';
import { addStoreRoutes } from './routes/store.ts';
import { createStats } from './stats.ts';
import { type SummaryOptions, startSummary } from './summary.ts';

export interface ControlOptions extends ControlPolicy {
  readonly fills: FillsView;
  readonly holdings: Holdings;
  readonly folders: Folders;
  readonly sources: Sources;
  /** The mounted origins at this moment. */
  readonly origins: () => readonly OriginSource[];
  readonly settings: () => readonly SettingReport[];
  /** Reads the configuration again; absent in a program that embeds firstbyte. */
  readonly reload?: Reload | undefined;
  readonly events: EventBus;
  readonly clock: Clock;
  /** Why requests are not accepted now, in one sentence; `null` where they are. */
  readonly unready: () => string | null;
  /** The clients' connections and requests at this moment. */
  readonly clients: () => ClientsSnapshot;
  /** How many things are lent at this moment. */
  readonly lent: () => Lent;
  /** Where the summary line goes; no summary where absent. */
  readonly summary?: SummaryOptions;
}

export interface Control {
  /** Answers one request whose path begins with `/-/`. */
  listener(request: IncomingMessage, response: ServerResponse, prefix?: string): void;
  /** What every path takes and answers, as OpenAPI. */
  readonly document: ControlDocument;
  /** Ends counting, summary lines and all jobs. */
  stop(): void;
}

/** The content of a request may have so many bytes. */
const mostContent = 64 * 1024;

/** Counts events from now on, so it must be made before the first request comes. */
export function createControl(options: ControlOptions): Control {
  const { fills, holdings, sources, events, clock } = options;
  const stream = new EventStream(events, clock);
  const history = createHistory(events, clock);
  const watched = watchProcess(clock);
  const metrics = createMetrics(events, {
    fills,
    origins: options.origins,
    store: () => holdings.usage(),
    process: watched.look,
    observers: () => stream.clients,
    clients: options.clients,
    lent: options.lent,
  });
  const stats = createStats(metrics, events, clock, options.lent);
  const origins = createOriginsView(options.origins, events, clock);
  const fillHistory = new FillHistory(events);
  const jobs = new Jobs(events, clock);
  const readiness = new Readiness({ clock, unready: options.unready, tryRead: (signal) => holdings.tryRead(signal) });
  const page = new Page();
  const stopSummary = options.summary && startSummary(options.summary, stats, events, clock);

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
  return {
    listener(request, response, prefix = '') {
      if (page.serve(request, response) || servePlaylist(options, request, response, prefix)) return;
      void respond(request, response);
    },
    get document() {
      return documented();
    },
    stop() {
      jobs.stop();
      readiness.stop();
      stream.stop();
      history.stop();
      watched.stop();
      stopSummary?.();
      fillHistory.stop();
      stats.stop();
      origins.stop();
      metrics.stop();
    },
  };
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
  const tooLong = new Problem(413, `The body of a request may have at most ${mostContent} bytes.`);
  api.use(bodyLimit({ maxSize: mostContent, onError: () => problemReply(tooLong) }));
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
