/**
 * The control API under `/-/`: shows what firstbyte does and has done, and controls it. This is what watches and counts from
 * the start; `control-routes.ts` answers, and loads with the first request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bugOf } from '../events.ts';
import type { ControlOptions } from './control-options.ts';
import type { Routes } from './control-routes.ts';
import { EventStream } from './event-stream.ts';
import { FillHistory } from './fill-history.ts';
import { createHistory } from './history.ts';
import { Jobs } from './jobs.ts';
import type { ControlDocument } from './open-api.ts';
import { createOriginsView } from './origins.ts';
import { Page } from './page.ts';
import { servePlaylist } from './playlist.ts';
import { watchProcess } from './process-snapshot.ts';
import { Readiness } from './readiness.ts';
import { createMetrics } from './registry.ts';
import { createStats } from './stats.ts';
import { startSummary } from './summary.ts';

export interface Control {
  /** Answers one request whose path begins with `/-/`. */
  listener(request: IncomingMessage, response: ServerResponse, prefix?: string): void;
  /** What every path takes and answers, as OpenAPI. */
  document(): Promise<ControlDocument>;
  /** Ends counting, summary lines and all jobs. */
  stop(): void;
}

/** Counts events from now on, so it must be made before the first request comes. */
export function createControl(options: ControlOptions): Control {
  const { fills, holdings, events, clock } = options;
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

  const parts = { options, jobs, readiness, stats, metrics, history, fillHistory, stream, origins };
  let routes: Promise<Routes> | null = null;
  /** The larger half of the program: it loads, and is in memory, as soon as somebody asks. */
  const loaded = () => {
    routes ??= import('./control-routes.ts').then(({ createRoutes }) => createRoutes(parts));
    return routes;
  };
  return {
    listener(request, response, prefix = '') {
      if (page.serve(request, response) || servePlaylist(options, request, response, prefix)) return;
      loaded()
        .then(({ respond }) => respond(request, response))
        .catch((error: unknown) => {
          events.emit(bugOf(error, clock.now()));
          response.destroy();
        });
    },
    document: async () => (await loaded()).document(),
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
