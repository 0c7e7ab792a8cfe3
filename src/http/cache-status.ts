/** `Cache-Status`: what this cache did for one request (RFC 9211). */
import { printable, proxyName } from './proxy-name.ts';

/** A hit, or why the request went forward (RFC 9211 §2.2). */
export type CacheStatus = Remarks &
  (
    | { readonly hit: true }
    | {
        readonly fwd: 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial';
        /** The status of the origin's answer, where it is not that of the reply (§2.3). */
        readonly status?: number | undefined;
        readonly stored?: boolean | undefined;
        readonly collapsed?: boolean | undefined;
      }
  );

interface Remarks {
  /** Remaining freshness in whole seconds, negative once stale (§2.4). */
  readonly ttl?: number | undefined;
  readonly detail?: string | undefined;
}

export function cacheStatus(status: CacheStatus): string {
  let written = proxyName.toString();
  if ('hit' in status) {
    written += ';hit';
  } else {
    written += `;fwd=${status.fwd}`;
    if (status.status !== undefined) written += `;fwd-status=${status.status}`;
    if (status.stored === true) written += ';stored';
    if (status.collapsed === true) written += ';collapsed';
  }
  if (status.ttl !== undefined) written += `;ttl=${Math.trunc(status.ttl)}`;
  // A String (RFC 9651 §4.1.6).
  if (status.detail !== undefined) written += `;detail="${printable(status.detail).replace(/["\\]/g, '\\$&')}"`;
  return written;
}
