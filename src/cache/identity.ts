/**
 * Which requests mean the same bytes, and which fields of a client's request the origin gets. Pure.
 *
 * Two requests share an entry where origin, target and key fields are equal. Query names that only prove a right
 * (tokens, signatures) do not count where the operator lists them; the order of the other names counts. A client's own
 * `Authorization` always counts: its content is for that client alone. Only fields that count are forwarded.
 * Credentials that open a connection instead of one request are not forwarded, because connections are shared.
 */
import { type Fields, fieldValue } from '../http/fields.ts';
import { ownCookie } from '../http/proxy-name.ts';
import { cacheKey } from './cache-key.ts';

export interface IdentityPolicy {
  /** Query names that are no part of the identity; case does not matter. */
  readonly ignoreQuery: readonly string[];
  /** Client fields, in lower case, that are part of the identity and are forwarded. */
  readonly keyHeaders: readonly string[];
  /** Whether the operator's credentials are sent instead of the client's. */
  readonly ownCredentials: boolean;
}

export const plainIdentity: IdentityPolicy = { ignoreQuery: [], keyHeaders: [], ownCredentials: false };

export interface RequestIdentity {
  readonly key: string;
  /** The client's fields that the origin gets. */
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

/** Schemes that authenticate the whole connection for one user (RFC 4559 §6, and NTLM). */
const opensConnections = /(^|,)\s*(negotiate|ntlm|kerberos|nego2)\b/i;

/**
 * The cookies without firstbyte's own; `null` where none is left. A browser sends firstbyte's cookie to no mount, but
 * other clients may.
 */
function withoutOwnCookies(cookies: string): string | null {
  if (!cookies.includes(ownCookie)) return cookies;
  const kept = cookies.split(';').filter((pair) => !pair.trimStart().startsWith(ownCookie));
  return kept.length === 0 ? null : kept.join(';').trimStart();
}

/** The target without the query parts that have one of `names`. */
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
