/** Problem details (RFC 9457): the form of every error of the control API. */
import { STATUS_CODES } from 'node:http';
import { z } from '@hono/zod-openapi';

export const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const;

export const problemSchema = z
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

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 421 | 429 | 500 | 502 | 503;

/** Thrown by a route to answer with a problem. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: ProblemStatus;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ProblemStatus, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }
}

export function problemReply({ status, message, headers }: Problem): Response {
  const body = { type: 'about:blank', title: STATUS_CODES[status], status, detail: message };
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="firstbyte"' } : {};
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...securityHeaders, ...challenge, ...headers },
  });
}
