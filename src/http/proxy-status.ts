/** `Proxy-Status`: what went wrong between the client and the origin (RFC 9209). */
import { type BareItem, serializeList, Token } from 'structured-headers';
import type { ProxyError } from '../errors.ts';
import { printable, proxyName } from './proxy-name.ts';

/**
 * `error` is `null` where the origin's own error is passed on; `receivedStatus` is the status that it sent (§2.1.4),
 * if it sent any.
 */
export function proxyStatus(error: Pick<ProxyError, 'type' | 'message'> | null, receivedStatus?: number): string {
  const parameters = new Map<string, BareItem>();
  if (error !== null) parameters.set('error', new Token(error.type));
  if (receivedStatus !== undefined) parameters.set('received-status', receivedStatus);
  if (error !== null) parameters.set('details', printable(error.message));
  return serializeList([[proxyName, parameters]]);
}
