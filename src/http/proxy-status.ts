/** `Proxy-Status`: what went wrong between the client and the origin (RFC 9209). */
import { type BareItem, parseList, serializeList, Token } from 'structured-headers';
import type { ProxyError, ProxyErrorType } from '../errors.ts';
import { type Fields, fieldValue } from './fields.ts';
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

/** Whether some proxy on the way says that it failed with this error. */
export function saysError(fields: Fields, type: ProxyErrorType): boolean {
  const value = fieldValue(fields, 'proxy-status');
  if (value === null) return false;
  try {
    return parseList(value).some(([, parameters]) => String(parameters.get('error')) === type);
  } catch {
    // What can't be read says nothing (RFC 9651 §4.2).
    return false;
  }
}
