/** Problem details (RFC 9457): the form of every error of the control API. */
import { STATUS_CODES } from 'node:http';

export const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const;

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 421 | 429 | 500 | 502 | 503;

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
