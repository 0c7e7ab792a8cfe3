/**
 * Which requests may change something at an origin: by a method that its settings name, and never because a page of somebody
 * else made a browser send it, which would act with the operator's credentials.
 */
import type { IncomingMessage } from 'node:http';
import { isSafe } from '../http/method.ts';
import { type Rejection, rejection } from './rejection.ts';

export function judgeMethod(
  { method = 'GET', headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  served: readonly string[],
): Rejection | null {
  if (!served.includes(method)) {
    const sentence = `${method} is not served here (methods).`;
    return rejection(405, sentence, [['allow', served.join(', ')]]);
  }
  // What a whole tree holds is asked for folder by folder: an origin may take minutes for it (RFC 4918 §9.1).
  if (method === 'PROPFIND' && !['0', '1'].includes(String(headers.depth))) {
    return rejection(403, 'A folder is listed to a depth of 0 or 1.');
  }
  if (isSafe(method)) return null;
  const site = headers['sec-fetch-site'] ?? 'none';
  const { origin, host } = headers;
  const isOwn = origin === undefined || URL.parse(origin)?.host === host?.toLowerCase();
  if (isOwn && (site === 'none' || site === 'same-origin')) return null;
  return rejection(403, 'A page of another web origin may change nothing here.');
}
