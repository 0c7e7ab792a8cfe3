/** `/-/api/v1/session`: the page sends the token once and gets a session cookie. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Clock } from '../../clock.ts';
import { type Api, changeProblems, content, problems } from '../open-api.ts';
import { sessionCookie } from '../page-session.ts';

const route = createRoute({
  method: 'post',
  path: '/-/api/v1/session',
  summary: 'Send the token or the password once: a cookie replaces it in requests of the page, and only there',
  tags: ['health'],
  request: content(z.object({})),
  responses: { 204: { description: '`Set-Cookie` has the cookie.' }, ...problems(...changeProblems) },
});

/** With the password of the page, the session lasts: a phone is not asked again at each visit. */
export function addSessionRoutes(api: Api, password: string | undefined, clock: Clock): void {
  api.openapi(route, (context) => {
    const secret = context.get('secret');
    if (secret !== null) {
      const lasts = secret === password ? 'half a year' : 'visit';
      context.header('set-cookie', sessionCookie(secret, clock.wallTime(), context.env.incoming.headers, lasts));
    }
    return context.body(null, 204);
  });
}
