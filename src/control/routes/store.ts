/** `/-/api/v1/store`: how full the store is, and what it would evict next. */
import { createRoute } from '@hono/zod-openapi';
import type { Holdings } from '../../admin/holdings.ts';
import { storeSchema } from '../answers.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';

/** The preview is for freeing so many bytes, and shows so many objects. */
const nextBytes = 1024 ** 3;
const mostShown = 20;

const storeRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/store',
  summary: 'How full the store is, and what it would evict next',
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
