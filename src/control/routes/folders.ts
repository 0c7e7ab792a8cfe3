/** `/-/api/v1/files`: the files below a folder of an origin, as its server lists them. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Folders } from '../../admin/folders.ts';
import { ProxyError } from '../../errors.ts';
import { type Api, json, problems, readProblems } from '../open-api.ts';
import { Problem } from '../problem.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/-/api/v1/files',
  summary: 'The files below a folder of an origin, as its server lists them',
  tags: ['origins'],
  request: {
    query: z.object({
      origin: z.string().meta({ description: 'The name of an origin.', example: 'films' }),
      folder: z
        .string()
        .regex(/^\/(?:[!-~]*\/)?$/, 'a path, percent-encoded, that begins and ends with /')
        .meta({ description: 'Its path at the origin, percent-encoded.', example: '/series/' }),
    }),
  },
  responses: {
    200: json(
      'Their targets, in the order of their names.',
      z.object({ files: z.array(z.string()).meta({ example: ['/series/s01e01.mkv'] }) }),
    ),
    ...problems(...readProblems, 400, 404, 502),
  },
});

export function addFolderRoutes(api: Api, folders: Folders): void {
  api.openapi(listRoute, async (context) => {
    const { origin, folder } = context.req.valid('query');
    const { signal } = context.req.raw;
    try {
      const files = await folders.filesBelow(origin, folder, signal);
      if (files !== null) return context.json({ files }, 200);
    } catch (error) {
      if (error instanceof ProxyError) throw new Problem(502, error.message);
      if (signal.aborted) throw new Problem(503, 'Its client has left.');
      throw error;
    }
    throw new Problem(
      404,
      `There is no folder ${folder} at the origin "${origin}", or its server lists nothing there.`,
    );
  });
}
