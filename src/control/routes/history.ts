/** `/-/api/v1/history`: the last hour, in steps. */
import { createRoute, z } from '@hono/zod-openapi';
import { timeSchema } from '../fill-report.ts';
import type { History } from '../history.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';

const wait = z.number().nullable().meta({ description: 'In milliseconds; null where nobody waited.' });

const pointSchema = z.object({
  at: timeSchema,
  bytesIn: z.int(),
  bytesOut: z.int(),
  requests: z.int().meta({ description: 'Those that ended.' }),
  ownErrors: z.int(),
  waits: z.int().meta({ description: 'Requests whose wait for their first byte ended.' }),
  firstByteP50: wait,
  firstByteP95: wait,
  origins: z.record(z.string(), z.object({ bytesIn: z.int(), firstByteP50: wait, failures: z.int() })),
});

const historySchema = z
  .object({
    interval: z.int().meta({ description: 'Of a step, in milliseconds.' }),
    points: z.array(pointSchema).readonly().meta({ description: 'The oldest first, the last one under way.' }),
  })
  .meta({ id: 'History' });

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
