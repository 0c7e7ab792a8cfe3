/** Who can reach an address that firstbyte listens on. */

import type { IpNetwork } from '../http/ip-address.ts';
import { isLoopback } from '../http/loopback.ts';
import type { ListenAddress } from './values.ts';

/** Whether other machines can connect to the address; a Unix socket is guarded by its permissions. */
function isBeyondLoopback(address: ListenAddress): boolean {
  if ('path' in address || address.host === 'localhost') return false;
  return !isLoopback(address.host);
}

interface Exposed {
  readonly listen: readonly ListenAddress[];
  readonly allowFrom: readonly IpNetwork[];
  readonly secretPath: string | null;
}

/** What must be set before firstbyte listens where other machines can connect, or nothing. */
export function exposureProblems({ listen, allowFrom, secretPath }: Exposed): string[] {
  if (allowFrom.length > 0 || secretPath !== null) return [];
  return listen.filter(isBeyondLoopback).map((address) => {
    const shown = 'path' in address ? address.path : address.host;
    return `listen: ${shown} can be reached from other machines: name the networks that may come with --allow-from, such as 192.168.1.0/24`;
  });
}
