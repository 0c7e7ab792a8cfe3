/** `/-/api/v1/objects`: the held objects: list, pin, purge, export. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Holding } from '../../admin/holding.ts';
import { holdingSorts } from '../../admin/holding-page.ts';
import type { Holdings } from '../../admin/holdings.ts';
import type { Clock } from '../../clock.ts';
import { fillPhases } from '../../events.ts';
import { idSchema, objectDetailSchema, objectPageSchema, objectSchema, removedSchema } from '../answers.ts';
import { whichToken } from '../control-guard.ts';
import type { FillHistory } from '../fill-history.ts';
import { fillReport, isoTime, pairs } from '../fill-report.ts';
import { type Api, changeProblems, content, json, problems, readProblems } from '../open-api.ts';
import { Problem, securityHeaders } from '../problem.ts';

const truth = z.enum(['true', 'false'], { error: 'true or false' }).transform((word) => word === 'true');

const listQuery = z.object({
  origin: z.string().optional().meta({ description: 'The name of an origin.' }),
  q: z.string().optional().meta({ description: 'A part of the path, in any case.' }),
  state: z.enum(fillPhases, { error: `one of ${fillPhases.join(', ')}` }).optional(),
  pinned: truth.optional(),
  sort: z
    .enum(holdingSorts, { error: `one of ${holdingSorts.join(', ')}` })
    .default('path')
    .meta({ description: '- reverses the order.' }),
  limit: z.coerce
    .number({ error: 'a whole number from 1 to 1000' })
    .int('a whole number from 1 to 1000')
    .min(1, 'a whole number from 1 to 1000')
    .max(1000, 'a whole number from 1 to 1000')
    .default(100),
  cursor: z.string().optional().meta({ description: 'The next of the page before, with the same sort.' }),
});

const one = z.object({ id: idSchema });
const nothing = z.object({});
const tags = ['objects'];

const listRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/objects',
  summary: 'The cached objects, page by page',
  tags,
  request: { query: listQuery },
  responses: { 200: json('A page.', objectPageSchema), ...problems(400, ...readProblems, 503) },
});

const oneRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/objects/{id}',
  summary: 'One object, with its ranges',
  tags,
  request: { params: one },
  responses: { 200: json('The object.', objectDetailSchema), ...problems(...readProblems, 404, 503) },
});

const removeRoute = createRoute({
  method: 'delete',
  path: '/-/api/v1/objects/{id}',
  summary: 'Purge one, also while it plays: its players continue with the cached bytes',
  tags,
  request: { params: one, ...content(nothing) },
  responses: { 204: { description: 'New requests do not find it.' }, ...problems(...changeProblems, 404, 503) },
});

const removeManyRoute = createRoute({
  method: 'delete',
  path: '/-/api/v1/objects',
  summary: 'Purge many: those of one origin below a path, or all',
  tags,
  request: {
    query: z.object({
      origin: z.string().optional().meta({ description: 'The name of an origin; goes with prefix.' }),
      prefix: z
        .string()
        .startsWith('/', 'a path, which begins with /')
        .optional()
        .meta({ description: 'The prefix of their paths.' }),
      all: z.literal('true', { error: 'true, or leave it out' }).optional(),
    }),
    ...content(nothing),
  },
  responses: {
    200: json('Their number, and how many bytes of them were cached.', removedSchema),
    ...problems(...changeProblems, 503),
  },
});

const pinRoute = createRoute({
  method: 'put',
  path: '/-/api/v1/objects/{id}/pin',
  summary: 'Pin one: it is never evicted',
  tags,
  request: { params: one, ...content(nothing) },
  responses: { 200: json('The object.', objectSchema), ...problems(...changeProblems, 404, 409, 503) },
});

const unpinRoute = createRoute({
  method: 'delete',
  path: '/-/api/v1/objects/{id}/pin',
  summary: 'Unpin one: it may be evicted again',
  tags,
  request: { params: one, ...content(nothing) },
  responses: { 200: json('The object.', objectSchema), ...problems(...changeProblems, 404, 409, 503) },
});

const contentRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/objects/{id}/content',
  summary: 'The stored bytes of a complete object; needs a token',
  tags,
  security: [{ token: [] }],
  request: { params: one },
  responses: {
    200: {
      description: 'Every byte, from the first to the last.',
      content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } },
    },
    ...problems(...readProblems, 404, 409, 503),
  },
});

const withheld = {
  private: "It was fetched with a client's own credentials, and is for that client alone.",
  unknown:
    'An earlier version of firstbyte stored it and did not note whether it is for one client alone: purge it and fetch it again.',
} as const;

export interface ObjectsParts {
  readonly holdings: Holdings;
  readonly history: FillHistory;
  readonly clock: Clock;
}

export function addObjectRoutes(api: Api, { holdings, history, clock }: ObjectsParts): void {
  api.openapi(listRoute, async (context) => {
    const query = context.req.valid('query');
    const page = await holdings.page(query);
    if (page === 'no such cursor') {
      throw new Problem(400, `"cursor" in the query is no "next" of a page that was sorted by ${query.sort}.`);
    }
    return context.json({ ...page, objects: page.objects.map(row) }, 200);
  });

  api.openapi(oneRoute, async (context) => {
    const { id } = context.req.valid('param');
    const object = await holdings.one(id);
    if (object === null) throw noObject(id);
    const { present, durable, waitedFor, fill, ...holding } = object;
    const where = { present: pairs(present), durable: pairs(durable), waitedFor: pairs(waitedFor) };
    const report = fill && fillReport(fill, history.of(fill.id), clock);
    return context.json({ ...row(holding), ...where, fill: report }, 200);
  });

  api.openapi(removeRoute, async (context) => {
    const { id } = context.req.valid('param');
    if (!(await holdings.remove(id))) throw noObject(id);
    return context.body(null, 204);
  });

  api.openapi(removeManyRoute, async (context) => {
    const { origin, prefix, all } = context.req.valid('query');
    if (all !== undefined && origin === undefined && prefix === undefined) {
      return context.json(await holdings.removeAll('all'), 200);
    }
    if (all !== undefined || origin === undefined || prefix === undefined) {
      throw new Problem(
        400,
        'The query names an origin and a prefix, such as ?origin=films&prefix=/, or says ?all=true.',
      );
    }
    return context.json(await holdings.removeAll({ origin, prefix }), 200);
  });

  const pin = async (id: string, pinned: boolean) => {
    const known = await holdings.pin(id, pinned);
    const object = await holdings.one(id);
    if (object === null) throw noObject(id);
    if (!known) throw new Problem(409, `Nothing of the object ${id} is stored yet (${object.reason}).`);
    return row(object);
  };
  api.openapi(pinRoute, async (context) => context.json(await pin(context.req.valid('param').id, true), 200));
  api.openapi(unpinRoute, async (context) => context.json(await pin(context.req.valid('param').id, false), 200));

  api.openapi(contentRoute, async (context) => {
    if (context.get('bearer') === null)
      throw new Problem(401, `The bytes of an object need a token as "Authorization: Bearer …": ${whichToken}.`);
    const { id } = context.req.valid('param');
    const stored = await holdings.content(id);
    if (stored === 'private' || stored === 'unknown') throw new Problem(403, withheld[stored]);
    if (stored === null) {
      const object = await holdings.one(id);
      if (object === null) throw noObject(id);
      const held = `${object.bytes} of ${object.length ?? 'an unknown number of'} bytes`;
      throw new Problem(
        409,
        `Only ${held} of the object ${id} are cached; only a complete one, on disk, can be given out.`,
      );
    }
    const headers = {
      // It is content of the origin: no browser may show it here.
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment',
      'content-security-policy': `${securityHeaders['content-security-policy']}; sandbox`,
      'content-length': String(stored.length),
    };
    if (context.env.incoming.method === 'HEAD') {
      await stored.close();
      return context.body(null, 200, headers);
    }
    const bytes = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const next = await stored.next();
          if (next !== null) return controller.enqueue(next);
          await stored.close();
          controller.close();
        } catch (error) {
          await stored.close();
          controller.error(error);
        }
      },
      cancel: () => stored.close(),
    });
    return context.body(bytes, 200, headers);
  });
}

function row(holding: Holding) {
  const { id, origin, path, length, bytes, state, reason, pinned, lastUsed, contentType, etag } = holding;
  const percent = length === null ? null : length === 0 ? 100 : Math.floor((bytes * 1000) / length) / 10;
  const shown = { id, origin, path, length, bytes, percent, state, reason, pinned };
  return { ...shown, lastUsed: isoTime(lastUsed), contentType, etag };
}

function noObject(id: string): Problem {
  const right = 'An id has 64 hexadecimal digits, as GET /-/api/v1/objects lists them.';
  return new Problem(404, `Unknown object "${id}". ${right}`);
}
