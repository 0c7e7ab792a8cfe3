/**
 * Fields of a response that hold a secret of one client: never stored, and never in a reply made of stored bytes.
 *
 * RFC 9111 §3.1 lets a cache store fields that it does not know. A name that announces a credential is known well enough.
 */
import { recalled } from '../kit/remembered.ts';
import { showablePath } from '../showable.ts';
import type { Fields } from './fields.ts';

/** Sessions (RFC 6265 §4.1), proofs and challenges (RFC 9110 §11.6, RFC 7615), and where one client is sent. */
const named: ReadonlySet<string> = new Set([
  'authentication-info',
  'authorization',
  'cookie',
  'cookie2',
  'location',
  'set-cookie',
  'set-cookie2',
  'www-authenticate',
]);

/** Names that programs give to their own credentials: `X-Auth-Token`, `X-Session-Id`, `X-Amz-Security-Token`, … */
const telling =
  /(^|[-_])(api[-_]?key|auth|credentials?|csrf|jwt|passw(or)?d|secret|session(id)?|sid|token|xsrf)($|[-_])/;

/** Whether a request's field, by its name, is a program's own credential: what it opens is for that client. */
export function isCredential(name: string): boolean {
  return telling.test(name) && !notOfPrograms.test(name);
}

/** Names that only sound so. */
const notOfPrograms = /^(sec-|x-plex-(session|client))/;

/** Fields that hold URLs, which may be signed; a client needs none of them to play. */
const holdingUrls: ReadonlySet<string> = new Set(['content-location', 'link', 'refresh', 'sourcemap', 'x-sourcemap']);

const isSecret = recalled((name) => named.has(name) || telling.test(name));

export function withoutSecrets(fields: Fields): Fields {
  return fields.filter(([name, value]) => {
    if (isSecret(name)) return false;
    return !holdingUrls.has(name) || urlsIn(name, value).every((url) => showablePath(url) === url);
  });
}

function urlsIn(name: string, value: string): string[] {
  if (name !== 'link') return [value.replace(/^.*?url=/i, '')];
  return [...value.matchAll(/<([^>]*)>/g)].map(([, url = '']) => url);
}
