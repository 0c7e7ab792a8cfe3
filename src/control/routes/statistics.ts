/** `/-/api/v1/stats` and `/-/metrics`: the counts since the start, for people and for Prometheus. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  breakerPhases,
  byteSources,
  cacheResults,
  fillPhases,
  refreshOutcomes,
  requestOutcomes,
  retryCauses,
  waitOutcomes,
} from '../../events.ts';
import { lentThings } from '../../lent.ts';
import { timeSchema } from '../fill-report.ts';
import { countedPhases } from '../metrics.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';
import type { Metrics } from '../registry.ts';
import type { StatsSource } from '../stats.ts';

const byName = z.record(z.string(), z.number());
const counts = <const Names extends readonly string[]>(names: Names) => z.record(z.enum(names), z.number());

const waitSchema = z.object({
  count: z.int(),
  sumSeconds: z.number(),
  atMost: byName.meta({ description: "How many took at most so long, by the histogram's edges: 0.01s, …, 60s." }),
});

const statsSchema = z
  .object({
    uptimeSeconds: z.number(),
    requests: z.object({ byOutcome: counts(requestOutcomes), byCache: counts(cacheResults) }),
    ownErrors: z.object({
      count: z.int(),
      by: z.array(z.object({ status: z.string(), reason: z.string(), phase: z.string(), count: z.int() })).readonly(),
      last: z
        .array(
          z.object({
            time: timeSchema,
            at: z.number(),
            request: z.int(),
            origin: z.string().nullable(),
            path: z.string(),
            status: z.int(),
            reason: z.string(),
            phase: z.enum(fillPhases).nullable(),
            waited: z.number(),
            message: z.string(),
          }),
        )
        .readonly()
        .meta({ description: 'The newest last.' }),
    }),
    firstByteWaits: z.record(z.enum(waitOutcomes), waitSchema),
    fills: counts(countedPhases),
    fillsDone: z.int(),
    fillsFailed: byName,
    bytesLanded: byName,
    bytesSent: counts(byteSources),
    retries: counts(retryCauses),
    heals: counts(retryCauses),
    breakerChanges: counts(breakerPhases),
    refreshes: counts(refreshOutcomes),
    bugs: z.int(),
    lent: counts(lentThings).meta({ description: 'What is held for a while and given back, at this moment.' }),
  })
  .loose()
  .meta({ id: 'Stats' });

const statsRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/stats',
  summary: 'The counts since the start and the last own 5xx',
  tags: ['statistics'],
  responses: { 200: json('As they are now.', statsSchema), ...problems(...readProblems) },
});

const metricsRoute = createRoute({
  method: 'get',
  path: '/-/metrics',
  summary: 'The same counts for Prometheus',
  tags: ['statistics'],
  responses: {
    200: {
      description: 'In the text format, or as OpenMetrics 1.0 where `Accept` prefers it.',
      content: { 'text/plain': { schema: z.string() }, 'application/openmetrics-text': { schema: z.string() } },
    },
    ...problems(...readProblems),
  },
});

export function addStatisticsRoutes(api: Api, stats: StatsSource, metrics: Metrics): void {
  api.openapi(statsRoute, async (context) => context.json(await stats.read(), 200));
  api.openapi(metricsRoute, async (context) => {
    const { contentType, text } = await metrics.scrape(context.req.header('accept'));
    return context.text(text, 200, { 'content-type': contentType });
  });
}
