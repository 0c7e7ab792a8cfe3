/**
 * What all routes of the control API have in common.
 *
 * A route is described once, with schemas. The same schemas check requests and make `openapi.json`.
 */
import type { HttpBindings } from '@hono/node-server';
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { showableText } from '../showable.ts';
import type { Bearer } from './control-guard.ts';
import { Problem, type ProblemStatus } from './problem.ts';

interface ApiEnv {
  Bindings: HttpBindings;
  Variables: { bearer: Bearer; secret: string | null };
}

export type Api = OpenAPIHono<ApiEnv>;

export function createApi(): Api {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      // The sent content is there too, although the type does not show it.
      const sent: unknown = Reflect.get(result, 'data');
      throw new Problem(400, issuesIn(result.target, result.error.issues, sent));
    },
  });
}

const places: Readonly<Record<string, string>> = { json: 'the content', query: 'the query', param: 'the path' };

/** Names whose values may be secret: they are not repeated. */
const secrets: ReadonlySet<PropertyKey> = new Set(['url', 'headers', 'endpoint']);

/** Lists each error: the name, its value and what would be right. */
function issuesIn(target: string, issues: readonly z.core.$ZodIssue[], sent: unknown): string {
  const place = places[target] ?? target;
  const told = issues.map((issue) => {
    const { path } = issue;
    // A wrong name has its own message.
    const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    const name = path.length === 0 ? place : `"${path.join('.')}" in ${place}`;
    const given = valueAt(sent, path);
    if (given === undefined && issue.code === 'invalid_type') return `${name} is missing`;
    const value = path.some((step) => secrets.has(step)) ? undefined : given;
    const shown =
      value === undefined || path.length === 0 ? '' : ` (${showableText(JSON.stringify(value)).slice(0, 100)})`;
    return `${name}${shown}: ${message}`;
  });
  return `${told.join('; ')}.`;
}

function valueAt(sent: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    sent,
  );
}

export function json<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } };
}

/** A change takes JSON, also where it has no parameters. */
export function content<Schema extends z.ZodType>(schema: Schema) {
  return { body: { required: true, content: { 'application/json': { schema } } } };
}

const meanings: Readonly<Record<ProblemStatus, string>> = {
  400: 'The request is wrong.',
  401: 'The token is missing or wrong.',
  403: 'This token may not do that, or the request comes from the page of another site.',
  404: 'It does not exist.',
  405: 'The path has other methods.',
  408: 'The content did not come in time.',
  409: 'Its state does not allow that.',
  413: 'The content is too long.',
  415: 'The content is not JSON.',
  421: 'The host name is foreign.',
  429: 'There are too many already.',
  500: 'A bug; the log says more.',
  502: 'The origin could not be asked.',
  503: 'It is not possible now.',
};

const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().meta({ description: 'The status in words.' }),
    status: z.int(),
    detail: z.string().meta({ description: 'The error, with its name and value, and what would be right.' }),
  })
  .meta({
    id: 'Problem',
    description: 'Problem details (RFC 9457).',
    example: {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'Unknown object "ab12". An id has 64 hexadecimal digits, as GET /-/api/v1/objects lists them.',
    },
  });

type Described = { description: string; content: { 'application/problem+json': { schema: typeof problemSchema } } };

export function problems(...statuses: ProblemStatus[]): Record<string, Described> {
  const described = (status: ProblemStatus): Described => ({
    description: meanings[status],
    content: { 'application/problem+json': { schema: problemSchema } },
  });
  return Object.fromEntries(statuses.map((status) => [status, described(status)]));
}

/** What every route that only shows may answer, and what every one that changes something may. */
export const readProblems = [401, 403, 421, 500] as const;
export const changeProblems = [400, 401, 403, 408, 413, 415, 421, 500] as const;

export type ControlDocument = ReturnType<typeof documentOf>;

/** The whole document; no route may be added after it. */
export function documentOf(api: Api) {
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  const document = api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'firstbyte', version: '1', description, license: { name: 'MIT', url: licenseUrl } },
    servers: [{ url: 'http://127.0.0.1:8787', description: 'Its default address.' }],
    security: [{ token: [] }, {}],
    tags: tagSentences.map(([name, sentence]) => ({ name, description: sentence })),
  });
  for (const { post, put, patch, delete: remove } of Object.values(document.paths ?? {})) {
    for (const change of [post, put, patch, remove]) if (change) change.security = [{ token: [] }];
  }
  return document;
}

const licenseUrl = 'https://spdx.org/licenses/MIT.html';

const description = `See and control firstbyte.

GET needs no token on loopback where none is configured: it shows names and numbers, no secret and no byte of a film.
The content of an object, and every other method, needs a token, as
\`Authorization: Bearer …\`: the configured one, or the local one in the file \`owner\` of the cache directory; and
\`content-type: application/json\`, with \`{}\` where there are no parameters. Errors are problem details (RFC 9457).
Times of day are ISO 8601 (UTC), durations milliseconds, offsets and lengths bytes, ranges half-open.`;

const tagSentences = [
  ['objects', 'The cached objects.'],
  ['fills', 'The downloads.'],
  ['jobs', 'Long work.'],
  ['sources', 'URLs that are handed in at run time.'],
  ['origins', 'The servers that media come from.'],
  ['store', 'The store of cached bytes.'],
  ['config', 'The settings.'],
  ['statistics', 'The counts.'],
  ['health', 'Health and readiness.'],
] as const;

/** The methods that a path knows, HEAD among them. */
export function methodsAt(api: Api, path: string): string[] {
  const methods = api.routes.filter((route) => route.method !== 'ALL' && patternOf(route.path).test(path));
  const known = new Set(methods.map(({ method }) => method));
  return [...known].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/:\w+|\{\w+\}/g, '[^/]+')}$`);
}
