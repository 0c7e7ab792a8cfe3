/** `/-/api/v1/config`: every setting, its value and its source, without secrets; reading the configuration again. */
import { createRoute, z } from '@hono/zod-openapi';
import { type ReloadedReport, reloadedSchema, type SettingReport, settingSchema } from '../answers.ts';
import { type Api, changeProblems, content, json, problems, readProblems } from '../open-api.ts';
import { Problem } from '../problem.ts';

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

const reloadRoute = createRoute({
  method: 'post',
  path: '/-/api/v1/reload',
  summary: 'Read the configuration again: origins change without an interruption',
  tags: ['config'],
  request: content(z.object({})),
  responses: { 200: json('What has changed.', reloadedSchema), ...problems(...changeProblems, 409) },
});

/** What has changed, or what is wrong with the configuration; then nothing has changed. */
export type Reload = () => Promise<ReloadedReport | { readonly problems: readonly string[] }>;

export function addSettingRoutes(api: Api, settings: () => readonly SettingReport[], reload: Reload | undefined): void {
  api.openapi(configRoute, (context) => context.json({ settings: [...settings()] }, 200));

  api.openapi(reloadRoute, async (context) => {
    if (reload === undefined) throw new Problem(409, 'The program that embeds firstbyte has its configuration.');
    const reloaded = await reload();
    if ('problems' in reloaded) {
      throw new Problem(409, `The configuration is wrong, and nothing has changed: ${reloaded.problems.join('; ')}.`);
    }
    return context.json(reloaded, 200);
  });
}
