/** `/-/api/v1/store`: what the store holds and may hold, and what it would let go of next. */
import { createRoute } from '@hono/zod-openapi';
import type { Holdings } from '../../admin/holdings.ts';
import { storeSchema } from '../answers.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';

/** How much is asked for when it is asked what goes next, in bytes, and how many of those are shown. */
const nextBytes = 1024 ** 3;
const mostShown = 20;

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
