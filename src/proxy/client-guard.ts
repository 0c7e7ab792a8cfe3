/**
 * Which clients are served media: decides by the address that a connection comes from. Pure.
 *
 * Players send no credentials. So the configuration (`allowFrom`) names the networks beyond this machine from which they
 * may come.
 */
import { addressSet, type IpNetwork } from '../http/ip-address.ts';
import { isLoopback } from '../http/loopback.ts';
import { type Rejection, rejection } from './rejection.ts';

export interface ClientAddress {
  /** The address at which the connection came in, and the one it came from; `undefined` for a Unix socket. */
  readonly localAddress?: string | undefined;
  readonly remoteAddress?: string | undefined;
}

/** The rejection of a client that may not be served, or `null`. */
export function createClientGuard(allowFrom: readonly IpNetwork[]): (client: ClientAddress) => Rejection | null {
  const isAllowed = addressSet(allowFrom);
  return ({ localAddress, remoteAddress }) => {
    if (localAddress === undefined || remoteAddress === undefined || isLoopback(localAddress)) return null;
    if (isLoopback(remoteAddress) || isAllowed(remoteAddress)) return null;
    return rejection(403, 'This network may not connect (allowFrom).');
  };
}
