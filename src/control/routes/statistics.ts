/** `/-/api/v1/stats` and `/-/metrics`: the counts since the start, for people and for Prometheus. */
import { createRoute, z } from '@hono/zod-openapi';
import { statsSchema } from '../answers.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';
import type { Metrics } from '../registry.ts';
import type { StatsSource } from '../stats.ts';

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
