/**
 * No script of an origin becomes a worker of firstbyte's own web origin: a service worker above all, which would stand
 * between a browser and everything here, and outlive what it came from.
 *
 * A page of an origin is in a sandbox and can't register a worker. A request for a worker's script comes from a browser
 * without sandboxes, or from a worker that was registered before. Such a worker requests its script again with each visit,
 * and the reply tells the browser to forget it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Rejection, rejection } from './rejection.ts';

/** Values of `Sec-Fetch-Dest` (Fetch Metadata §2.1). */
const workers: ReadonlySet<unknown> = new Set(['sharedworker', 'worker']);

/** `Service-Worker: script` is said of a service worker's script (Service Workers §6.1), by older browsers alone. */
export function judgeUse(headers: IncomingHttpHeaders): Rejection | null {
  const destination = headers['sec-fetch-dest'];
  const service = destination === 'serviceworker' || headers['service-worker'] !== undefined;
  if (!service && !workers.has(destination)) return null;
  const forget = service ? ([['clear-site-data', '"storage"']] as const) : [];
  return rejection(403, 'No script of an origin may become a worker of this address.', forget);
}
