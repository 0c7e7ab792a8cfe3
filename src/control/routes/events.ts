/** `/-/events`: events as they happen. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { createRoute, z } from '@hono/zod-openapi';
import type { EventStream } from '../event-stream.ts';
import { type Api, problems, readProblems } from '../open-api.ts';
import { Problem, securityHeaders } from '../problem.ts';

const querySchema = z.object({
  types: z.string().optional().meta({ description: 'Only these types of events, separated by commas.' }),
  origin: z.string().optional().meta({ description: 'Only events of this origin.' }),
  after: z
    .string()
    .optional()
    .meta({ description: 'The last id that the client has seen; the field `Last-Event-ID` has precedence.' }),
});

const route = createRoute({
  method: 'get',
  path: '/-/events',
  summary: 'Events as they happen (server-sent events)',
  tags: ['statistics'],
  request: { query: querySchema },
  responses: {
    200: { description: 'A stream without end.', content: { 'text/event-stream': { schema: z.string() } } },
    ...problems(400, ...readProblems, 503),
  },
});

export function addEventRoutes(api: Api, stream: EventStream): void {
  api.openapi(route, (context) => {
    const { types, origin, after } = context.req.valid('query');
    // A browser that reconnects sends the same query; the field has the last id that it has seen.
    const query = { types, origin, after: context.req.header('last-event-id') ?? after };
    const refusal = stream.open(query, context.env.outgoing, securityHeaders);
    if (refusal !== null) throw new Problem(refusal.status, refusal.detail);
    return RESPONSE_ALREADY_SENT;
  });
}
