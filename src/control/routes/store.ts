/** `/-/api/v1/store`: what the store holds and may hold, and what it would let go of next. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Holdings } from '../../admin/holdings.ts';
import { idSchema } from '../fill-report.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';

/** How much is asked for when it is asked what goes next, in bytes, and how many of those are shown. */
const nextBytes = 1024 ** 3;
const mostShown = 20;

const storeSchema = z
  .object({
    bytes: z.int().meta({ description: 'Real bytes on the medium.' }),
    objects: z.int(),
    limit: z.int().nullable().meta({ description: 'How many bytes it may hold; null for any number.' }),
    free: z.int().nullable().meta({ description: 'Free on the file system; null for memory.' }),
    trouble: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'Why nothing is stored now.' }),
    starved: z.int().meta({ description: 'How many reads wait for memory to read from disk (`bufferMemory`).' }),
    nextToGo: z
      .array(z.object({ id: idSchema, origin: z.string(), path: z.string(), bytes: z.int() }))
      .meta({ description: 'What would be evicted first, in order.' }),
  })
  .meta({ id: 'StoreState' });

const storeRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/store',
  summary: 'What the store holds, and what would go next',
  tags: ['store'],
  responses: { 200: json('As it is now.', storeSchema), ...problems(...readProblems) },
});

export function addStoreRoutes(api: Api, holdings: Pick<Holdings, 'usage' | 'nextToGo' | 'starved'>): void {
  api.openapi(storeRoute, (context) => {
    const next = holdings.nextToGo(nextBytes).slice(0, mostShown);
    const nextToGo = next.map(({ name, label: { origin, path }, bytes }) => ({ id: name, origin, path, bytes }));
    return context.json({ ...holdings.usage(), starved: holdings.starved, nextToGo }, 200);
  });
}
