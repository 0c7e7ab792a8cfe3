/**
 * Which requests mean the same bytes, and what of a client's request the origin gets to see.
 *
 * Two requests share an entry where origin, target and the fields that matter are the same. Names of the query that
 * only prove a right (tokens, signatures) do not matter where the operator said so; the order of the others does. A
 * client's own `Authorization` matters always: what it opens is for nobody else. Whatever matters is forwarded, and
 * nothing else is. What would open a connection, and not one request, is nothing: connections are shared. Pure.
 */
import { type Fields, fieldValue } from '../http/fields.ts';
import { ownCookie } from '../http/proxy-name.ts';
import { cacheKey } from './cache-key.ts';

export interface IdentityPolicy {
  /** Names of the query that are no part of the identity; case does not matter. */
  readonly ignoreQuery: readonly string[];
  /** Fields of a client that are part of the identity and forwarded, in lower case. */
  readonly keyHeaders: readonly string[];
  /** Whether the operator's credentials are sent, in place of any that a client has. */
  readonly ownCredentials: boolean;
}

export const plainIdentity: IdentityPolicy = { ignoreQuery: [], keyHeaders: [], ownCredentials: false };

export interface RequestIdentity {
  readonly key: string;
  /** What the origin is sent of the client's fields. */
  readonly fields: Fields;
}

export function identify(
  origin: string,
  target: string,
  clientFields: Fields,
  policy: IdentityPolicy,
): RequestIdentity {
  const names = new Set(policy.keyHeaders);
  if (policy.ownCredentials) names.delete('authorization');
  else names.add('authorization');
  const fields = [...names].sort().flatMap((name) => {
    const written = fieldValue(clientFields, name);
    const value = name === 'cookie' && written !== null ? withoutOwnCookies(written) : written;
    return value === null || (name === 'authorization' && opensConnections.test(value)) ? [] : [[name, value] as const];
  });
  return { key: cacheKey(origin, withoutNames(target, policy.ignoreQuery), fields), fields };
}

/** Schemes by which a server takes whatever comes on a connection for one user's (RFC 4559 §6, and NTLM). */
const opensConnections = /(^|,)\s*(negotiate|ntlm|kerberos|nego2)\b/i;

/** The cookies of others; `null` where there are none. Browsers send firstbyte's own to no mount, but others may. */
function withoutOwnCookies(cookies: string): string | null {
  if (!cookies.includes(ownCookie)) return cookies;
  const kept = cookies.split(';').filter((pair) => !pair.trimStart().startsWith(ownCookie));
  return kept.length === 0 ? null : kept.join(';').trimStart();
}

/** The target without the parts of its query that bear one of `names`. */
function withoutNames(target: string, names: readonly string[]): string {
  const mark = target.indexOf('?');
  if (mark === -1 || names.length === 0) return target;
  const ignored = new Set(names.map((name) => name.toLowerCase()));
  const kept = target
    .slice(mark + 1)
    .split('&')
    .filter((part) => !ignored.has(nameOf(part)));
  return kept.length === 0 ? target.slice(0, mark) : `${target.slice(0, mark)}?${kept.join('&')}`;
}

function nameOf(part: string): string {
  const [written = ''] = part.split('=', 1);
  try {
    return decodeURIComponent(written.replaceAll('+', ' ')).toLowerCase();
  } catch {
    return written.toLowerCase();
  }
}
