/** `/-/api/v1/config`: every setting, its value and where it came from, without secrets. */
import { createRoute, z } from '@hono/zod-openapi';
import { type Api, json, problems, readProblems } from '../open-api.ts';

const settingSchema = z
  .object({
    key: z.string().meta({ example: 'firstByteTimeout' }),
    value: z.string().meta({ description: 'As it was written; secrets are ***.', example: '45s' }),
    source: z.enum(['flag', 'variable', 'file', 'default', 'program']).meta({
      description: 'Where it was written; program for a program that embeds firstbyte.',
    }),
    name: z.string().meta({ description: 'The flag, the variable or the file; empty for the others.' }),
    sentence: z.string(),
    default: z.string().nullable().meta({ description: 'null for none.' }),
  })
  .meta({ id: 'Setting' });

export type SettingReport = z.output<typeof settingSchema>;

const configRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/config',
  summary: 'Every setting, its value and where it came from',
  tags: ['config'],
  responses: {
    200: json('All of them.', z.object({ settings: z.array(settingSchema) })),
    ...problems(...readProblems),
  },
});

export function addSettingRoutes(api: Api, settings: readonly SettingReport[]): void {
  api.openapi(configRoute, (context) => context.json({ settings: [...settings] }, 200));
}
