/** `Proxy-Status`: what went wrong between the client and the origin (RFC 9209). */
import { type BareItem, parseList, serializeList, Token } from 'structured-headers';
import type { ProxyError, ProxyErrorType } from '../errors.ts';
import { type Fields, fieldValue } from './fields.ts';
import { printable, proxyName } from './proxy-name.ts';

/** What an error of firstbyte's own says, or one of the origin that is passed on: the status that it sent (§2.1.4). */
export function proxyStatus(error: Pick<ProxyError, 'type' | 'message'> | number): string {
  const parameters: [string, BareItem][] =
    typeof error === 'number'
      ? [['received-status', error]]
      : [
          ['error', new Token(error.type)],
          ['details', printable(error.message)],
        ];
  return serializeList([[proxyName, new Map(parameters)]]);
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
