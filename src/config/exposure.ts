/** Who can reach an address that firstbyte listens on. */

import type { IpNetwork } from '../http/ip-address.ts';
import { isLoopback } from '../http/loopback.ts';
import type { ListenAddress } from './values.ts';

/** Whether other machines can connect to the address; a Unix socket is guarded by its permissions. */
function isBeyondLoopback(address: ListenAddress): boolean {
  if ('path' in address || address.host === 'localhost') return false;
  return !isLoopback(address.host);
}

/** What must be set before firstbyte listens where other machines can connect, or nothing. */
export function exposureProblems(listen: readonly ListenAddress[], allowFrom: readonly IpNetwork[]): string[] {
  if (allowFrom.length > 0) return [];
  return listen.filter(isBeyondLoopback).map((address) => {
    const shown = 'path' in address ? address.path : address.host;
    return `listen: ${shown} can be reached from other machines: name the networks that may come with --allow-from, such as 192.168.1.0/24`;
  });
}
