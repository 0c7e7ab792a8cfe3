/** `/-/health` and `/-/ready`: whether the process lives, and whether it is ready for requests. */
import { createRoute, z } from '@hono/zod-openapi';
import { type Api, json, problems, readProblems } from '../open-api.ts';
import { Problem } from '../problem.ts';

const tags = ['health'];
const fine = z.object({ status: z.literal('ok') });

const healthRoute = createRoute({
  method: 'get',
  path: '/-/health',
  summary: 'Whether the process answers',
  tags,
  responses: { 200: json('It does.', fine), ...problems(...readProblems) },
});

const readyRoute = createRoute({
  method: 'get',
  path: '/-/ready',
  summary: 'Whether it accepts requests: not before it listens, while it drains, or while cached bytes can not be read',
  tags,
  responses: { 200: json('It does.', fine), ...problems(...readProblems, 503) },
});

/** `trouble` returns why firstbyte is not ready, in one sentence, or `null`. */
export function addHealthRoutes(api: Api, trouble: () => Promise<string | null>): void {
  api.openapi(healthRoute, (context) => context.json({ status: 'ok' as const }, 200));
  api.openapi(readyRoute, async (context) => {
    const why = await trouble();
    if (why !== null) throw new Problem(503, why);
    return context.json({ status: 'ok' as const }, 200);
  });
}
