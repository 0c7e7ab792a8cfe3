/** What the fields of every reply have in common: what is never passed on, and what firstbyte says itself. */
import type { Fields } from '../http/fields.ts';
import { proxyName } from '../http/proxy-name.ts';

/** An origin says these for its own host name or to one client; under our name, to everybody, they would be wrong. */
const forOneHost: ReadonlySet<string> = new Set([
  'alt-svc',
  'clear-site-data',
  'set-cookie',
  'strict-transport-security',
]);

/** Those of an origin's end-to-end fields that a client may see. */
export function passable(fields: Fields): Fields {
  return fields.filter(([name]) => !forOneHost.has(name));
}

/** `Cache-Status` of a reply in which the cache had no part. */
export const notForwarded = ['cache-status', proxyName.toString()] as const;

/** With `Via`, and with `Date` where the origin gave none (RFC 9110 §6.6.1); `now` is wall-clock milliseconds. */
export function signed(fields: Fields, now: number): Fields {
  const dated = fields.some(([name]) => name === 'date');
  const date: Fields = dated ? [] : [['date', new Date(now).toUTCString()]];
  return [...fields, ...date, ['via', `1.1 ${proxyName.toString()}`]];
}
