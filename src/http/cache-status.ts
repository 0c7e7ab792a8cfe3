/** `Cache-Status`: what this cache did for one request (RFC 9211). */
import { type BareItem, serializeList, Token } from 'structured-headers';
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
  const parameters = new Map<string, BareItem>();
  if ('hit' in status) {
    parameters.set('hit', true);
  } else {
    parameters.set('fwd', new Token(status.fwd));
    if (status.status !== undefined) parameters.set('fwd-status', status.status);
    if (status.stored === true) parameters.set('stored', true);
    if (status.collapsed === true) parameters.set('collapsed', true);
  }
  if (status.ttl !== undefined) parameters.set('ttl', Math.trunc(status.ttl));
  if (status.detail !== undefined) parameters.set('detail', printable(status.detail));
  return serializeList([[proxyName, parameters]]);
}
