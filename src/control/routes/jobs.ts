/** `/-/api/v1/jobs`: long work: start, follow, cancel. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Holdings, Work } from '../../admin/holdings.ts';
import { jobKinds } from '../../events.ts';
import { showablePath } from '../../showable.ts';
import { idSchema, type JobReport, type JobResult, jobSchema } from '../answers.ts';
import { isoTime } from '../fill-report.ts';
import { type Job, type Jobs, mostRunning } from '../jobs.ts';
import { type Api, changeProblems, content, json, problems, readProblems } from '../open-api.ts';
import { Problem } from '../problem.ts';

const offset = z.int('an offset in bytes').min(0, 'an offset in bytes');
const aRange = 'a range [start, end] whose end lies after its start';
const range = z
  .array(offset)
  .length(2, aRange)
  .refine(([start = 0, end = 0]) => start < end, { error: aRange });

const aSize = 'a whole number of bytes, at least 1';

const warmBase = {
  kind: z.literal('warm'),
  origin: z.string().meta({ description: 'The name of an origin.', example: 'films' }),
  target: z
    .string()
    .regex(/^\/[!-~]*$/, 'a path with its query, percent-encoded, which begins with /')
    .meta({ description: 'Path and query below /NAME, as a player requests them.', example: '/holiday.mkv' }),
};

const warmSchema = z
  .strictObject({
    ...warmBase,
    whole: z.literal(true).optional(),
    head: z.int(aSize).min(1, aSize).optional().meta({ description: 'So many bytes from the start.' }),
    ranges: z.array(range).min(1).max(100).optional(),
  })
  .refine(({ whole, head, ranges }) => [whole, head, ranges].filter((each) => each !== undefined).length === 1, {
    error: 'one of "whole": true, "head": bytes or "ranges": [[start, end], …]',
  })
  .meta({
    id: 'Warm',
    description: 'Downloads before a player requests it: the whole file, its head, or some ranges.',
  });

const verifySchema = z
  .strictObject({
    kind: z.literal('verify'),
    ids: z.array(idSchema).optional().meta({ description: 'Which objects; all where absent.' }),
    repair: z.boolean().meta({ description: 'Whether bad blocks are downloaded again, where their origin is known.' }),
  })
  .meta({ id: 'Verify', description: 'Reads stored blocks and compares their checksums; bad ones are dropped.' });

/** The message for an unknown kind; other errors have their own. */
const wrongJob = (issue: { code?: string }) =>
  issue.code === 'invalid_union' ? `one of ${jobKinds.join(', ')}` : undefined;

const one = z.object({ id: z.string().meta({ example: '1' }) });
const tags = ['jobs'];

const startRoute = createRoute({
  method: 'post',
  path: '/-/api/v1/jobs',
  summary: 'Start a job',
  tags,
  request: content(z.discriminatedUnion('kind', [warmSchema, verifySchema], { error: wrongJob })),
  responses: {
    202: {
      ...json('It runs.', jobSchema),
      headers: { location: { description: 'The path of the job.', schema: { type: 'string' as const } } },
    },
    ...problems(...changeProblems, 404, 429),
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/jobs',
  summary: 'Running jobs, and the last ended ones',
  tags,
  responses: { 200: json('The oldest first.', z.object({ jobs: z.array(jobSchema) })), ...problems(...readProblems) },
});

const oneRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/jobs/{id}',
  summary: 'The progress of a job',
  tags,
  request: { params: one },
  responses: { 200: json('The job.', jobSchema), ...problems(...readProblems, 404) },
});

const cancelRoute = createRoute({
  method: 'delete',
  path: '/-/api/v1/jobs/{id}',
  summary: 'Cancel a job; its finished work stays',
  tags,
  request: { params: one, ...content(z.object({})) },
  responses: { 200: json('The job.', jobSchema), ...problems(...changeProblems, 404, 409) },
});

export function addJobRoutes(api: Api, jobs: Jobs, holdings: Pick<Holdings, 'warm' | 'verify'>): void {
  const start = (kind: Job['kind'], title: Job['title'], work: Work<JobResult>) => {
    const job = jobs.start(kind, title, work);
    if (job !== null) return job;
    throw new Problem(429, `${mostRunning} jobs run already; wait for one, or give one up.`, { 'retry-after': '10' });
  };

  api.openapi(startRoute, (context) => {
    const asked = context.req.valid('json');
    let job: Job;
    if (asked.kind === 'verify') {
      const { ids = null, repair } = asked;
      job = start('verify', null, holdings.verify(ids, repair));
    } else {
      const { origin, target, head = null, ranges = [[0, head]] } = asked;
      const wanted = ranges.map(([start, end = null]) => ({ start: start ?? 0, end }));
      const warming = holdings.warm(origin, target, wanted);
      if (warming === 'no such origin') throw new Problem(404, `Unknown origin "${origin}".`);
      if (warming === 'no such target')
        throw new Problem(400, `"target" in the content (${showablePath(target)}) is no path that is served.`);
      job = start('warm', { origin, path: showablePath(target) }, warming);
    }
    return context.json(jobReport(job), 202, { location: `/-/api/v1/jobs/${job.id}` });
  });

  api.openapi(listRoute, (context) => context.json({ jobs: jobs.list().map(jobReport) }, 200));

  api.openapi(oneRoute, (context) => {
    const { id } = context.req.valid('param');
    const job = jobs.get(id);
    if (job === null) throw noJob(id);
    return context.json(jobReport(job), 200);
  });

  api.openapi(cancelRoute, (context) => {
    const { id } = context.req.valid('param');
    const before = jobs.get(id);
    if (before === null) throw noJob(id);
    if (before.state !== 'running') throw new Problem(409, `The job ${id} is ${before.state}: it has ended already.`);
    const job = jobs.cancel(id);
    return context.json(jobReport(job ?? before), 200);
  });
}

function jobReport({ startedAt, endedAt, ...job }: Job): JobReport {
  return {
    ...job,
    startedAt: isoTime(startedAt),
    endedAt: endedAt === null ? null : isoTime(endedAt),
  };
}

function noJob(id: string): Problem {
  return new Problem(404, `Unknown job "${id}". GET /-/api/v1/jobs lists the running and the last ones.`);
}
