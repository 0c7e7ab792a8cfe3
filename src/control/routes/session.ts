/** `/-/api/v1/session`: the page sends the token once and gets a session cookie. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Clock } from '../../clock.ts';
import type { ControlPolicy } from '../control-guard.ts';
import { type Api, changeProblems, content, problems } from '../open-api.ts';
import { sessionCookie } from '../page-session.ts';

const route = createRoute({
  method: 'post',
  path: '/-/api/v1/session',
  summary: 'Send the token once: a cookie replaces it in requests of the page, and only there',
  tags: ['health'],
  request: content(z.object({})),
  responses: { 204: { description: '`Set-Cookie` has the cookie.' }, ...problems(...changeProblems) },
});

export function addSessionRoutes(api: Api, policy: ControlPolicy, clock: Clock): void {
  api.openapi(route, (context) => {
    const token = context.get('bearer') === 'operator' ? policy.token : policy.localToken;
    if (token !== undefined) {
      context.header('set-cookie', sessionCookie(token, clock.wallTime(), context.env.incoming.headers));
    }
    return context.body(null, 204);
  });
}
