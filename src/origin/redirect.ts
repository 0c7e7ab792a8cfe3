/** Where a redirect leads, and whether the origin's policy lets it (RFC 9110 §15.4). Pure. */
import { ProxyError } from '../errors.ts';
import type { Fields } from '../http/fields.ts';
import { upTo } from '../kit/up-to.ts';
import type { Network } from './address-guard.ts';

/**
 * Where a redirect may lead, beside the origin's own scheme, host and port: to other ports of its host where its addresses are public
 * (`same-host`), to other hosts with public addresses (`public`), to any port of its host besides (`any-port`), or to any
 * host (`any`).
 */
export type RedirectPolicy = 'same-host' | 'public' | 'any-port' | 'any';

/** One request of a chain. */
export interface RedirectHop {
  /** Only its scheme, host and port matter. */
  readonly url: URL;
  /** Path and query, sent as they are. */
  readonly path: string;
}

/** A chain longer than this is a loop, as it is to browsers (WHATWG Fetch §4.4). */
export const maxRedirects = 20;

const followed = new Set([301, 302, 303, 307, 308]);

/**
 * The hop that an answer to `from` asks for, or `null` where it is no redirect. A `ProxyError`
 * (`http_protocol_error`) is thrown where its `Location` can not be followed by anyone.
 */
export function nextHop(status: number, fields: Fields, from: RedirectHop): RedirectHop | null {
  const location = fields.find(([name]) => name === 'location')?.[1];
  if (!followed.has(status) || location === undefined) return null;
  // Servers send raw UTF-8, which the fields hold byte by byte.
  const url = URL.parse(Buffer.from(location, 'latin1').toString(), from.url.origin + from.path);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ProxyError('http_protocol_error', `${from.url.host} redirects to what is no http or https URL.`);
  }
  return { url, path: url.pathname + url.search };
}

/** Whether a redirect only adds the slash at a folder's end, by which a client resolves the links in it. */
export function leadsIntoFolder(from: RedirectHop, next: RedirectHop): boolean {
  const [path = '', query] = from.path.split('?', 2);
  return next.url.origin === from.url.origin && next.path === `${path}/${query === undefined ? '' : `?${query}`}`;
}

/** Whether references that are relative to one lead from the other to the same. */
export function isSamePath(one: RedirectHop, other: RedirectHop): boolean {
  return isSamePlace(one.url, other.url) && upTo(one.path, '?') === upTo(other.path, '?');
}

/**
 * The network that a connection to `url` may use, given the base's own. A `ProxyError`
 * (`destination_ip_prohibited`) is thrown where `policy` forbids its host.
 */
export function networkOf(url: URL, base: URL, network: Network, policy: RedirectPolicy): Network {
  if (isSamePlace(base, url)) return network;
  if (policy === 'any') return 'private';
  if (url.hostname === base.hostname) return policy === 'any-port' ? network : 'public';
  if (policy !== 'same-host') return 'public';
  const sentence = `${base.host} redirects to ${url.host}, which is another host.`;
  throw new ProxyError('destination_ip_prohibited', sentence, { setting: 'redirectTo' });
}

/**
 * Whether credentials for one URL may follow to another: scheme, host and port are the same, or it is the same host by
 * https in place of http, at the port of https or at the same one. Never back to http.
 */
export function isSamePlace(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  if (from.protocol !== 'http:' || to.protocol !== 'https:' || from.hostname !== to.hostname) return false;
  return portOf(to) === 443 || portOf(to) === portOf(from);
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

/** Whether a redirect with this status may lead elsewhere next time. */
export function isTemporary(status: number): boolean {
  return status === 302 || status === 303 || status === 307;
}
