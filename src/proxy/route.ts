/**
 * From a request's line to what it asks for; or a refusal, without a connection made.
 *
 * The target at the origin is the rest of the request's target, byte for byte: it is never resolved as a URL.
 */
import { isUnsafePath } from '../http/request-target.ts';
import { showablePath } from '../showable.ts';

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
  | Refusal;

/** A refusal of our own; `message` is one plain sentence. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly status: 400 | 403 | 404 | 405 | 408 | 412 | 414 | 416 | 421 | 431;
  readonly message: string;
}

/** In bytes. */
export const longestTarget = 8 * 1024;

/** `url` as it stood on the request line (RFC 9112 §3.2). */
export function route(method: string, url: string): Route {
  if (url.length > longestTarget) return refusal(414, `The request target is longer than ${longestTarget} bytes.`);
  if (!url.startsWith('/')) return refusal(400, 'Only targets in origin form, such as /films/a.mp4, are served.');
  const [path = ''] = url.split('?', 1);
  if (path === '/-' || path.startsWith('/-/')) return { kind: 'control' };
  if (isUnsafePath(path)) return refusal(400, 'The path holds dot segments, backslashes or control characters.');
  const slash = path.indexOf('/', path.startsWith('/~/') ? 3 : 1);
  const mount = path.slice(1, slash === -1 ? undefined : slash);
  const [origin = ''] = mount.split('/', 1);
  if (origin === '') return refusal(404, 'A path begins with the name of an origin, such as /films/a.mp4.');
  if (method !== 'GET' && method !== 'HEAD') return refusal(405, 'Only GET and HEAD are served.');
  if (slash === -1 && origin === '~') return refusal(404, 'Nothing plays at this path.');
  if (slash === -1) return { kind: 'redirect', location: `/${mount}/${url.slice(path.length)}` };
  return { kind: 'media', mount, target: url.slice(slash), origin, path: showablePath(path.slice(slash)) };
}

/** The refusal of a head that Node's parser takes and RFC 9112 does not (§2.3, §3.2); or `null`. */
export function judgeHead(httpVersion: string, hosts: number): Refusal | null {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return refusal(400, 'Only HTTP/1.1 and HTTP/1.0 are spoken.');
  const right = hosts === 1 || (hosts === 0 && httpVersion === '1.0');
  return right ? null : refusal(400, 'A request names its host exactly once.');
}

function refusal(status: Refusal['status'], message: string): Refusal {
  return { kind: 'refusal', status, message };
}
