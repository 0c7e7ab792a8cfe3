/** `/-/api/v1/fills`: the downloads; pausing and resuming them. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Holdings } from '../../admin/holdings.ts';
import type { Clock } from '../../clock.ts';
import type { FillsView, FillView } from '../../fill/view.ts';
import { fillSchema } from '../answers.ts';
import type { FillHistory } from '../fill-history.ts';
import { fillReport } from '../fill-report.ts';
import { type Api, changeProblems, content, json, problems, readProblems } from '../open-api.ts';
import { Problem } from '../problem.ts';

const one = z.object({ id: z.string().meta({ description: 'The number of a fill.', example: '7' }) });
const nothing = z.object({});
const tags = ['fills'];

const listRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/fills',
  summary: 'Every download: its phase and the reason, cached bytes, connections and readers',
  tags,
  responses: { 200: json('All of them.', z.object({ fills: z.array(fillSchema) })), ...problems(...readProblems) },
});

const oneRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/fills/{id}',
  summary: 'One download',
  tags,
  request: { params: one },
  responses: { 200: json('The fill.', fillSchema), ...problems(...readProblems, 404) },
});

const pauseRoute = createRoute({
  method: 'post',
  path: '/-/api/v1/fills/{id}/pause',
  summary: 'Pause a download: cached bytes are served, requests for others get 503',
  tags,
  request: { params: one, ...content(nothing) },
  responses: { 200: json('The fill.', fillSchema), ...problems(...changeProblems, 404, 409) },
});

const resumeRoute = createRoute({
  method: 'post',
  path: '/-/api/v1/fills/{id}/resume',
  summary: 'Resume a paused download',
  tags,
  request: { params: one, ...content(nothing) },
  responses: { 200: json('The fill.', fillSchema), ...problems(...changeProblems, 404, 409) },
});

export interface FillsParts {
  readonly fills: FillsView;
  readonly holdings: Pick<Holdings, 'pause' | 'resume'>;
  readonly history: FillHistory;
  readonly clock: Clock;
}

export function addFillRoutes(api: Api, { fills, holdings, history, clock }: FillsParts): void {
  const report = (fill: FillView) => fillReport(fill, history.of(fill.id), clock);
  const find = (id: string) => {
    const fill = fills.fills().find((each) => String(each.id) === id);
    if (fill === undefined) throw noFill(id);
    return fill;
  };

  api.openapi(listRoute, (context) => context.json({ fills: fills.fills().map(report) }, 200));
  api.openapi(oneRoute, (context) => context.json(report(find(context.req.valid('param').id)), 200));

  api.openapi(pauseRoute, (context) => {
    const { id } = context.req.valid('param');
    const { state } = find(id);
    if (!holdings.pause(Number(id))) {
      throw new Problem(409, `The download ${id} is ${state.phase}: there is nothing to pause.`);
    }
    return context.json(report(find(id)), 200);
  });

  api.openapi(resumeRoute, (context) => {
    const { id } = context.req.valid('param');
    const { state } = find(id);
    if (!holdings.resume(Number(id))) {
      throw new Problem(409, `The download ${id} is ${state.phase}, not paused.`);
    }
    return context.json(report(find(id)), 200);
  });
}

function noFill(id: string): Problem {
  return new Problem(404, `Unknown download "${id}". GET /-/api/v1/fills lists the current ones.`);
}
