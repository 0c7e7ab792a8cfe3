/**
 * The page's session: a cookie that no script can read, and that proves that the token or password was entered here.
 *
 * A browser sends cookies on its own, and to every port of a host. So this cookie counts only in requests of
 * firstbyte's own page, which have a field that a page of another web origin can't send without permission. The cookie
 * is signed with the token. So it ends when the token changes, survives a restart with the same token, and needs no
 * table.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ownCookie } from '../http/proxy-name.ts';

/** The page sends this field with each request. */
const pageField = 'firstbyte-page';

/** A session lasts so long; that of a visit ends with the browser, too. */
const lifetimes = { visit: 7 * 86_400_000, 'half a year': 182 * 86_400_000 } as const;

export interface PageSession {
  /** Whether it was made with this token and has not ended. */
  standsFor(token: string): boolean;
}

/** The session of a request of the page; `null` where it has none, or is not the page's. `now` is wall-clock time. */
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

/** `Set-Cookie` for a client that sent `token`. That of a visit has no age: it ends with the browser. */
export function sessionCookie(
  token: string,
  now: number,
  { host, origin }: IncomingHttpHeaders,
  lasts: keyof typeof lifetimes = 'visit',
): string {
  const expiry = now + lifetimes[lasts];
  const age = lasts === 'visit' ? '' : `; Max-Age=${lifetimes[lasts] / 1000}`;
  const secure = origin?.startsWith('https:') ? '; Secure' : '';
  return `${cookieName(host)}=${expiry}.${proofOf(expiry, token)}; Path=/-/; HttpOnly; SameSite=Strict${age}${secure}`;
}

/** Ports of one host share their cookies. */
function cookieName(host = ''): string {
  return `${ownCookie}${/:(\d+)$/.exec(host)?.[1] ?? 'page'}`;
}

function proofOf(expiry: number, token: string): string {
  return createHmac('sha256', token).update(`firstbyte page until ${expiry}`).digest('base64url');
}
