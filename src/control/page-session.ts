/**
 * What the page has in place of a token: a cookie that no script can read, which proves that the token was given here.
 *
 * A browser sends cookies of its own accord and to every port of a host, so this one counts only where firstbyte's own
 * page asks: with a field that a page of another web origin could send only if it were allowed to. It is signed with the
 * token, so it ends with that, outlives a restart where that does, and is kept in no table.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ownCookie } from '../http/proxy-name.ts';

/** Sent by the page with each request. */
const pageField = 'firstbyte-page';

/** For how long the token need not be given again, in milliseconds. */
const lifetime = 7 * 86_400_000;

export interface PageSession {
  /** Whether it was given for this token, and its time is not over. */
  standsFor(token: string): boolean;
}

/** The session that a request of the page bears; `null` where there is none, or another asks. `now` is wall-clock time. */
export function sessionOf(headers: IncomingHttpHeaders, now: number): PageSession | null {
  const site = headers['sec-fetch-site'];
  if (headers[pageField] === undefined || (site !== undefined && site !== 'same-origin')) return null;
  const prefix = `${cookieName(headers.host)}=`;
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(prefix))?.slice(prefix.length) ?? '';
  const [, expiry, proof] = /^(\d{1,15})\.([\w-]{43})$/.exec(value) ?? [];
  if (expiry === undefined || proof === undefined || now >= Number(expiry)) return null;
  const given = Buffer.from(proof);
  return { standsFor: (token) => timingSafeEqual(given, Buffer.from(proofOf(Number(expiry), token))) };
}

/** `Set-Cookie` for who has given `token`. Without an age it ends with the browser, if that is before its time. */
export function sessionCookie(token: string, now: number, { host, origin }: IncomingHttpHeaders): string {
  const expiry = now + lifetime;
  const secure = origin?.startsWith('https:') ? '; Secure' : '';
  return `${cookieName(host)}=${expiry}.${proofOf(expiry, token)}; Path=/-/; HttpOnly; SameSite=Strict${secure}`;
}

/** All ports of a host share one jar. */
function cookieName(host = ''): string {
  return `${ownCookie}${/:(\d+)$/.exec(host)?.[1] ?? 'page'}`;
}

function proofOf(expiry: number, token: string): string {
  return createHmac('sha256', token).update(`firstbyte page until ${expiry}`).digest('base64url');
}
