/**
 * Which clients are served media: a pure judgement of where a connection comes from.
 *
 * Players send no credentials, so the networks beyond this machine that they may come from are named in the
 * configuration (`allowFrom`).
 */
import { BlockList, isIPv6 } from 'node:net';
import { isLoopback } from '../http/loopback.ts';
import type { Rejection } from './route.ts';

export interface Client {
  /** The address at which the connection came in, and the one it came from; `undefined` for a Unix socket. */
  readonly localAddress?: string | undefined;
  readonly remoteAddress?: string | undefined;
}

export interface AllowedNetwork {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** The rejection of a client that may not be served, or `null`. */
export function createClientGuard(allowFrom: readonly AllowedNetwork[]): (client: Client) => Rejection | null {
  const allowed = new BlockList();
  for (const { address, prefix, family } of allowFrom) allowed.addSubnet(address, prefix, family);
  return ({ localAddress, remoteAddress }) => {
    if (localAddress === undefined || remoteAddress === undefined || isLoopback(localAddress)) return null;
    if (isLoopback(remoteAddress) || allowed.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4')) return null;
    return { kind: 'rejection', status: 403, message: 'This network is not among those that may come (allowFrom).' };
  };
}
