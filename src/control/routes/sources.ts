/** `/-/api/v1/sources`: URLs that are handed in at run time, each with a play URL that can't be guessed. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  isSourceName,
  mostSources,
  readSourceUrl,
  type Source,
  type Sources,
  sourceNameOf,
  usualTtlMs,
} from '../../admin/sources.ts';
import { isFieldText, operatorFieldName } from '../../http/fields.ts';
import { addedSourceSchema, sourceSchema } from '../answers.ts';
import { isoTime } from '../fill-report.ts';
import { type Api, changeProblems, content, json, problems, readProblems } from '../open-api.ts';
import { Problem } from '../problem.ts';

const longestTtlMs = 7 * 86_400_000;
const aTtl = 'a whole number of milliseconds from 1000 to 604800000, which is 7 days';

const httpUrl = (words: string) =>
  z
    .string()
    .max(8192)
    .refine((text) => readSourceUrl(text) !== null, { error: words });

const fieldName = z.string().refine((name) => operatorFieldName(name) !== null, {
  error: 'the name of a field that firstbyte does not set itself',
});

const fieldText = z.string().refine(isFieldText, { error: 'a text of visible ASCII characters' });

const newSourceSchema = z
  .strictObject({
    url: httpUrl('an http or https URL').meta({
      description: 'Secret: it is never shown again. A user name and password in it are sent as basic authentication.',
      example: 'https://media.example/films/holiday.mkv?token=secret',
    }),
    headers: z
      .record(fieldName, fieldText)
      .optional()
      .meta({
        description: "Secret fields, sent to that URL's scheme, host and port alone.",
        example: { referer: 'https://media.example/' },
      }),
    name: z
      .string()
      .refine(isSourceName, { error: 'a file name of at most 200 characters' })
      .optional()
      .meta({ description: "The last part of the play URL; the URL's own where absent.", example: 'holiday.mkv' }),
    ttl: z
      .int(aTtl)
      .min(1000, aTtl)
      .max(longestTtlMs, aTtl)
      .default(usualTtlMs)
      .meta({ description: 'For how many milliseconds new requests are accepted.' }),
    refresh: z
      .strictObject({ endpoint: httpUrl('an http or https URL') })
      .optional()
      .meta({ description: 'An endpoint that is asked for the current URL, as a refresh hook of an origin.' }),
    network: z
      .enum(['public', 'private'], { error: 'public or private' })
      .default('public')
      .meta({ description: 'Which addresses its host may have; private needs the configured token.' }),
  })
  .meta({ id: 'NewSource' });

const tags = ['sources'];

const addRoute = createRoute({
  method: 'post',
  path: '/-/api/v1/sources',
  summary: 'Hand in a URL and get a path at which it plays for a while',
  tags,
  request: content(newSourceSchema),
  responses: { 201: json('It plays.', addedSourceSchema), ...problems(...changeProblems, 429) },
});

const listRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/sources',
  summary: 'The current sources, without their URLs',
  tags,
  responses: {
    200: json('The oldest first.', z.object({ sources: z.array(sourceSchema) })),
    ...problems(...readProblems),
  },
});

const removeRoute = createRoute({
  method: 'delete',
  path: '/-/api/v1/sources/{id}',
  summary: 'End one before its time; its players continue',
  tags,
  request: { params: z.object({ id: z.string() }), ...content(z.object({})) },
  responses: { 204: { description: 'New requests do not find it.' }, ...problems(...changeProblems, 404) },
});

export function addSourceRoutes(api: Api, sources: Sources): void {
  api.openapi(addRoute, (context) => {
    const { url: written, headers = {}, name, ttl, refresh, network } = context.req.valid('json');
    const given = readSourceUrl(written);
    if (given === null) throw new Problem(400, '"url" in the content is no http or https URL.');
    if (network === 'private' && context.get('bearer') !== 'operator') {
      throw new Problem(
        403,
        '"network" in the content is private, which only the configured token may say, not the local one.',
      );
    }
    const fields = [
      ...given.fields,
      ...Object.entries(headers).map(([field, value]) => [field.toLowerCase(), value] as const),
    ];
    const endpoint = refresh === undefined ? null : URL.parse(refresh.endpoint);
    const added = sources.add({
      url: given.url,
      fields,
      name: name ?? sourceNameOf(given.url),
      ttl,
      refresh: endpoint,
      network,
    });
    if (added === 'too many') throw new Problem(429, `${mostSources} sources play already; end one first.`);
    if (added === 'private') {
      throw new Problem(
        403,
        'The host is in a private network: this needs "network": "private" in the body, and the configured token.',
      );
    }
    return context.json({ ...sourceReport(added), play: added.play }, 201);
  });

  api.openapi(listRoute, (context) => context.json({ sources: sources.list().map(sourceReport) }, 200));

  api.openapi(removeRoute, (context) => {
    const { id } = context.req.valid('param');
    if (!sources.remove(id)) {
      throw new Problem(404, `Unknown source "${id}". GET /-/api/v1/sources lists the current ones.`);
    }
    return context.body(null, 204);
  });
}

function sourceReport({ id, name, host, addedAt, expiresAt }: Source) {
  return { id, name, host, addedAt: isoTime(addedAt), expiresAt: isoTime(expiresAt) };
}
