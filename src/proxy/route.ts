/**
 * From a request's head to the route of the request, or to a rejection. Connects nowhere.
 *
 * The target at the origin is the rest of the request's target, byte for byte: it is never resolved as a URL. Only segments
 * `.` are left out, which say nothing.
 */
import type { IncomingMessage } from 'node:http';
import { type Fields, fieldsWhere, fieldValue } from '../http/fields.ts';
import { readHost } from '../http/host.ts';
import { isUnsafePath, withoutDots } from '../http/request-target.ts';
import { recalled } from '../kit/remembered.ts';
import { upTo } from '../kit/up-to.ts';
import { showablePath } from '../showable.ts';
import { type Rejection, rejection } from './rejection.ts';

export type Route =
  | {
      readonly kind: 'media';
      /** What its path begins with: an origin's name, or `~` and a source's token. */
      readonly mount: string;
      /** Begins with `/` and keeps its query. */
      readonly target: string;
      /** What events call it: the name of the origin, and what may be shown of the target. */
      readonly origin: string;
      readonly path: string;
    }
  | { readonly kind: 'control' }
  | { readonly kind: 'redirect'; readonly location: string }
  /** The root, where people who type the address find the page. */
  | { readonly kind: 'root' }
  /** The server itself: `OPTIONS *` (RFC 9110 §9.3.7). */
  | { readonly kind: 'server' }
  | Rejection;

/** In bytes. */
export const longestTarget = 8 * 1024;

/** `url` in origin form (RFC 9112 §3.2.1). */
export function route(url: string): Route {
  if (url === '*') return { kind: 'server' };
  if (url.length > longestTarget) return rejection(414, `The request target is longer than ${longestTarget} bytes.`);
  if (!url.startsWith('/')) return rejection(400, 'A target is a path, such as /films/a.mp4, or an http URL with one.');
  const path = upTo(url, '?');
  if (path === '/-' || path.startsWith('/-/')) return { kind: 'control' };
  if (path === '/') return { kind: 'root' };
  const slash = path.indexOf('/', path.startsWith('/~/') ? 3 : 1);
  const rest = slash === -1 ? '' : withoutDots(path.slice(slash));
  if (isUnsafePath(path.slice(0, slash === -1 ? undefined : slash) + rest)) {
    return rejection(400, 'The path holds dot segments, backslashes or control characters.');
  }
  const mount = path.slice(1, slash === -1 ? undefined : slash);
  const origin = upTo(mount, '/');
  if (origin === '') return rejection(404, 'A path begins with the name of an origin, such as /films/a.mp4.');
  if (slash === -1 && origin === '~') return rejection(404, 'Nothing plays at this path.');
  if (slash === -1) return { kind: 'redirect', location: `/${mount}/${url.slice(path.length)}` };
  return { kind: 'media', mount, target: rest + url.slice(path.length), origin, path: showablePath(rest) };
}

/** In characters: a longer path is cut where it is shown. */
const longestShown = 500;

/** What may be shown of a request that names no origin: a path without secrets, such as the token of a source. */
export function shownPath(url: string): string {
  return showablePath(url.slice(0, longestShown).replace(/^\/~\/[^/?#]*/, '/~'));
}

/** The parts of a request's head that name its host and its target. */
export interface Head {
  readonly kind: 'head';
  /** In origin form, where it was not already: path and query. */
  readonly url: string;
  /** As it was written, with its port and without the zone of an address; `undefined` where HTTP/1.0 left it out. */
  readonly authority: string | undefined;
  /** The same as `readHost` gives it. */
  readonly host: string | null;
}

const absolute = /^https?:\/\/([^/?]*)(.*)$/i;

const hostIn = recalled(readHost);

type WrittenHead = Pick<IncomingMessage, 'httpVersion' | 'method' | 'url'> & { readonly fields: Fields };

/**
 * The rejection of a head from which nobody can tell where the request ends (RFC 9112 §6.1, §6.3), though Node's parser
 * takes it; or `null`. Nothing more may be read from such a connection.
 */
export function judgeFraming({ httpVersion, fields }: Omit<WrittenHead, 'method' | 'url'>): Rejection | null {
  const codings = fieldValue(fields, 'transfer-encoding');
  if (codings === null) return null;
  if (httpVersion === '1.0') return rejection(400, 'HTTP/1.0 knows no Transfer-Encoding.');
  return judgeCodings(codings);
}

/** The rejection of transfer codings: unknown ones are another matter than what leaves no end (RFC 9112 §6.1). */
export function judgeCodings(written: string): Rejection | null {
  const codings = written.toLowerCase().split(/[ \t]*,[ \t]*/);
  if (codings.join() === 'chunked') return null;
  const isUnknown = codings.every((coding) => /^[\w!#$%&'*+.^`|~-]+$/.test(coding));
  const isLast = !codings.slice(0, -1).includes('chunked');
  return rejection(isUnknown && isLast ? 501 : 400, 'The only transfer coding is chunked.');
}

/** The rejection is of a head that Node's parser takes and RFC 9112 does not (§2.3, §3.2). */
export function readHead({ httpVersion, method, url = '', fields }: WrittenHead): Head | Rejection {
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return rejection(400, 'Only HTTP/1.1 and HTTP/1.0 are supported.');
  const hosts = fieldsWhere(fields, (name) => name === 'host');
  const field = hosts[0]?.[1];
  if (hosts.length > 1 || (field === undefined && httpVersion === '1.1')) {
    return rejection(400, 'A request names its host exactly once.');
  }
  // The authority of an absolute target counts in place of the field (RFC 9112 §3.2.2); the field must be right all the same.
  // What only a client can mean by its target, a fragment, is no part of it (§3.2.1).
  const fragment = url.indexOf('#');
  const target = fragment === -1 ? url : url.slice(0, fragment);
  const [, named, rest = target] = (target.startsWith('/') ? null : absolute.exec(target)) ?? [];
  const written = [field, named].filter((authority) => authority !== undefined);
  const read = written.map(hostIn);
  if (read.includes(null)) return rejection(400, 'The host that the request names is not a valid one.');
  // An absolute target without a path means the server, where a client asks for its options (§3.2.4).
  const isServer = method === 'OPTIONS' && (target === '*' || (named !== undefined && rest === ''));
  if (target === '*' && !isServer) return rejection(400, 'Only OPTIONS may ask for the server itself.');
  const origin = isServer ? '*' : named === undefined || rest.startsWith('/') ? rest : `/${rest}`;
  return { kind: 'head', url: origin, authority: written.at(-1)?.replace(/%.*(?=\])/, ''), host: read.at(-1) ?? null };
}
