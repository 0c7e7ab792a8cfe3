/** `/-/api/v1/origins`: reachability and load of each origin; its limits, which can be changed at run time. */
import { createRoute, z } from '@hono/zod-openapi';
import { originSchema } from '../answers.ts';
import { type Api, changeProblems, content, json, problems, readProblems } from '../open-api.ts';
import type { OriginsView } from '../origins.ts';
import { Problem } from '../problem.ts';

const aCount = 'a whole number from 1 to 100000';
const aRate = 'a whole number of at least 1000, in bytes a second, or null for no limit';
const aRequestRate = 'a whole number of at least 1, in requests a second, or null for no limit';

const limitsSchema = z
  .strictObject({
    maxConnections: z.int(aCount).min(1, aCount).max(100_000, aCount).optional(),
    maxRate: z
      .int(aRate)
      .min(1000, aRate)
      .nullable()
      .optional()
      .meta({ description: 'Bytes a second; null for no limit.' }),
    maxRequestRate: z
      .int(aRequestRate)
      .min(1, aRequestRate)
      .nullable()
      .optional()
      .meta({ description: 'Requests a second; null for no limit.' }),
  })
  .refine((limits) => Object.keys(limits).length > 0, {
    error: 'at least one of maxConnections, maxRate and maxRequestRate',
  })
  .meta({ id: 'OriginLimits', description: 'Absent limits stay. Changes last until the next start.' });

const tags = ['origins'];

const listRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/origins',
  summary: 'Every origin: reachability, connections, time to first byte',
  tags,
  responses: { 200: json('All of them.', z.object({ origins: z.array(originSchema) })), ...problems(...readProblems) },
});

const changeRoute = createRoute({
  method: 'patch',
  path: '/-/api/v1/origins/{name}',
  summary: 'Change its limits now; running requests keep their connections',
  tags,
  request: { params: z.object({ name: z.string().meta({ example: 'films' }) }), ...content(limitsSchema) },
  responses: { 200: json('The origin.', originSchema), ...problems(...changeProblems, 404) },
});

export function addOriginRoutes(api: Api, origins: OriginsView): void {
  api.openapi(listRoute, (context) => context.json({ origins: origins.report() }, 200));

  api.openapi(changeRoute, (context) => {
    const { name } = context.req.valid('param');
    const changed = origins.change(name, context.req.valid('json'));
    if (changed === null) {
      const names = origins.report().map((origin) => origin.name);
      throw new Problem(404, `Unknown origin "${name}". Configured: ${names.join(', ') || 'none'}.`);
    }
    return context.json(changed, 200);
  });
}
