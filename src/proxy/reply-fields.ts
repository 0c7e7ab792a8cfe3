/** The fields that all replies have in common: those that are never passed on, and those that firstbyte adds. */
import { type Fields, fieldsWhere, hasField } from '../http/fields.ts';
import { proxyName } from '../http/proxy-name.ts';

/**
 * These fields are about the origin's whole web origin or host name, or about one client. In a reply of firstbyte they
 * would apply to firstbyte and all its origins, and to every client.
 */
const ofOneHost: ReadonlySet<string> = new Set([
  'accept-ch',
  'accept-ch-lifetime',
  'activate-storage-access',
  'alt-svc',
  'clear-site-data',
  'critical-ch',
  'cross-origin-resource-policy',
  'expect-ct',
  'nel',
  'origin-agent-cluster',
  'public-key-pins',
  'public-key-pins-report-only',
  'report-to',
  'sec-session-registration',
  'secure-session-registration',
  'service-worker-allowed',
  'set-cookie',
  'set-cookie2',
  'set-login',
  'speculation-rules',
  'strict-transport-security',
  'timing-allow-origin',
  'use-as-dictionary',
]);

/** What no browser acts on any more. */
const heedless: ReadonlySet<string> = new Set(['public-key-pins', 'public-key-pins-report-only', 'set-cookie2']);

/** What of an origin's fields is passed on beside what always is. */
export interface PassRules {
  /** In strict mode, what no browser acts on. */
  readonly isStrict?: boolean;
  /** Which pages may read it, where the operator leaves that to the origin. */
  readonly hasPages?: boolean;
}

/** The end-to-end fields of an origin that a client may see. */
export function passable(fields: Fields, { isStrict = false, hasPages = false }: PassRules = {}): Fields {
  return fieldsWhere(fields, (name, value) => {
    if (name.startsWith('access-control-')) return hasPages;
    if (!ofOneHost.has(name)) return true;
    // Only its quoted words mean anything (W3C Clear Site Data §3.1).
    return isStrict && (heedless.has(name) || (name === 'clear-site-data' && !value.includes('"')));
  });
}

/**
 * With the realms of passwords (RFC 7617) kept apart, origin by origin: a browser that was told one for a realm sends it
 * to whoever names that realm at the same web origin.
 */
export function inRealmOf(origin: string, fields: Fields): Fields {
  return fields.map(([name, value]) => [name, name === 'www-authenticate' ? ownRealm(origin, value) : value]);
}

/** Other schemes stay as they are: browsers compute with their realm, or ask no user for a password. */
function ownRealm(origin: string, challenges: string): string {
  if (!/(^|,)\s*basic\b/i.test(challenges)) return challenges;
  return challenges
    .replace(/((?:^|,)\s*basic)(?=\s*(?:,|$))/gi, '$1 realm=""')
    .replace(/\brealm\s*=\s*(?:"|([^\s",]*))/gi, (_, bare?: string) =>
      bare === undefined ? `realm="${origin}: ` : `realm="${origin}: ${bare}"`,
    );
}

/** `Cache-Status` of a reply in which the cache had no part. */
export const notForwarded = ['cache-status', proxyName.toString()] as const;

/** With `Via`, and with `Date` where the origin gave none (RFC 9110 §6.6.1); `now` is wall-clock milliseconds. */
export function signed(fields: Fields, now: number): Fields {
  const dated = hasField(fields, 'date');
  return dated ? [...fields, via] : [...fields, ['date', new Date(now).toUTCString()], via];
}

const via = ['via', `1.1 ${proxyName.toString()}`] as const;
