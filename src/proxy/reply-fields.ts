/** What the fields of every reply have in common: what is never passed on, and what firstbyte says itself. */
import type { Fields } from '../http/fields.ts';
import { proxyName } from '../http/proxy-name.ts';

/**
 * An origin says these of its whole web origin or host name, or to one client. Here they would be said of firstbyte and
 * of all other origins, to everybody.
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

/** Those of an origin's end-to-end fields that a client may see; who may read it in a page is not the origin's to say. */
export function passable(fields: Fields): Fields {
  return fields.filter(([name]) => !ofOneHost.has(name) && !name.startsWith('access-control-'));
}

/**
 * With the realms of passwords (RFC 7617) kept apart, origin by origin: a browser that was told one for a realm sends it
 * to whoever names that realm at the same web origin.
 */
export function inRealmOf(origin: string, fields: Fields): Fields {
  return fields.map(([name, value]) => [name, name === 'www-authenticate' ? ownRealm(origin, value) : value]);
}

/** Whatever else is offered stays as it is: browsers reckon with its realm, or ask nobody for it. */
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
  const dated = fields.some(([name]) => name === 'date');
  const date: Fields = dated ? [] : [['date', new Date(now).toUTCString()]];
  return [...fields, ...date, ['via', `1.1 ${proxyName.toString()}`]];
}
