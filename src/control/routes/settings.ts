/** `/-/api/v1/config`: every setting, its value and its source, without secrets. */
import { createRoute, z } from '@hono/zod-openapi';
import { type SettingReport, settingSchema } from '../answers.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';

const configRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/config',
  summary: 'Every setting, its value and its source',
  tags: ['config'],
  responses: {
    200: json('All of them.', z.object({ settings: z.array(settingSchema) })),
    ...problems(...readProblems),
  },
});

export function addSettingRoutes(api: Api, settings: readonly SettingReport[]): void {
  api.openapi(configRoute, (context) => context.json({ settings: [...settings] }, 200));
}
