/** `/-/api/v1/history`: the last hour, in steps. */
import { createRoute, z } from '@hono/zod-openapi';
import { historySchema } from '../answers.ts';
import type { History } from '../history.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';

const minutesSchema = z.object({
  minutes: z
    .string()
    .regex(/^([1-9]|[1-5]\d|60)$/, 'a whole number from 1 to 60')
    .default('60')
    .meta({ description: 'How far back.', example: '15' }),
});

const route = createRoute({
  method: 'get',
  path: '/-/api/v1/history',
  summary: 'The last hour, in steps of ten seconds',
  tags: ['statistics'],
  request: { query: minutesSchema },
  responses: { 200: json('The steps.', historySchema), ...problems(400, ...readProblems) },
});

export function addHistoryRoutes(api: Api, history: History): void {
  api.openapi(route, (context) => context.json(history.read(Number(context.req.valid('query').minutes)), 200));
}
