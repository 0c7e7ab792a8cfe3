/**
 * Which pages of other web origins may read what a mount gives (WHATWG Fetch §3.3): their players are scripts, or draw
 * pictures of a film. Pure.
 *
 * A page without a web origin (`null`) never may: so are all pages that an origin serves here, which would read each other's
 * mounts. No cookies are ever sent along.
 */
import type { PagePolicy } from '../cache/cache.ts';
import { readingMethods } from '../cache/cache.ts';
import { type Fields, fieldsWhere, fieldValue, listMembers } from '../http/fields.ts';
import { readHost } from '../http/host.ts';
import { isLoopback } from '../http/loopback.ts';

/** What a script may see of a reply beside what it always may. */
const exposed = 'Accept-Ranges, Cache-Status, Content-Length, Content-Range, Content-Type, Date, ETag, Last-Modified';

/** For how many seconds a browser may remember what it was told. */
const rememberFor = '600';

/** The fields of a reply that let the page read it that made the request; none where it may not. */
export function corsFields(request: Fields, policy: PagePolicy): Fields {
  const origin = fieldValue(request, 'origin');
  const isBrowser = origin !== null || fieldValue(request, 'sec-fetch-site') !== null;
  if (!isBrowser || policy.length === 0) return [];
  const varied: Fields = [['vary', 'Origin']];
  if (origin === null || !mayRead(origin, fieldValue(request, 'host') ?? '', policy)) return varied;
  return [...varied, ['access-control-allow-origin', origin], ['access-control-expose-headers', exposed]];
}

/** A reply's fields with those; `Vary` names each field once. */
export function withPages(fields: Fields, pages: Fields): Fields {
  if (pages.length === 0) return fields;
  const varied = listMembers(fieldValue(fields, 'vary') ?? '').map((name) => name.toLowerCase());
  return [...fields, ...fieldsWhere(pages, (name, value) => name !== 'vary' || !varied.includes(value.toLowerCase()))];
}

/** Whether a browser asks, before a request, whether a page may make it. */
export function isPreflight(method: string, request: Fields): boolean {
  const asks = fieldValue(request, 'access-control-request-method') !== null;
  return method === 'OPTIONS' && asks && fieldValue(request, 'origin') !== null;
}

/** The answer to that, beside `corsFields`. */
export function preflightFields(request: Fields): Fields {
  const headers = fieldValue(request, 'access-control-request-headers');
  const isPrivate = fieldValue(request, 'access-control-request-private-network') === 'true';
  return [
    ['access-control-allow-methods', readingMethods.join(', ')],
    ...(headers === null ? [] : [['access-control-allow-headers', headers] as const]),
    ...(isPrivate ? [['access-control-allow-private-network', 'true'] as const] : []),
    ['access-control-max-age', rememberFor],
    ['vary', 'Access-Control-Request-Method, Access-Control-Request-Headers'],
  ];
}

function mayRead(origin: string, host: string, policy: PagePolicy): boolean {
  const page = URL.parse(origin);
  if (page === null || page.origin !== origin) return false;
  if (policy.includes('*') || policy.includes(origin)) return true;
  return policy.includes('loopback') && isHere(page.host) && !(isHere(host) && portOf(host) === page.port);
}

function isHere(host: string): boolean {
  const name = readHost(host) ?? '';
  return name === 'localhost' || isLoopback(name);
}

function portOf(host: string): string {
  return URL.parse(`http://${host}`)?.port ?? '';
}
