/** Who can reach an address that firstbyte listens on. */
import { BlockList, isIPv6 } from 'node:net';
import type { ListenAddress, Network } from './values.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether other machines can connect to the address; a Unix socket is guarded by its permissions. */
export function isBeyondLoopback(address: ListenAddress): boolean {
  if ('path' in address || address.host === 'localhost') return false;
  return !loopback.check(address.host, isIPv6(address.host) ? 'ipv6' : 'ipv4');
}

/** What must be set before firstbyte listens where other machines can connect, or nothing. */
export function exposureProblems(listen: readonly ListenAddress[], allowFrom: readonly Network[]): string[] {
  if (allowFrom.length > 0) return [];
  return listen.filter(isBeyondLoopback).map((address) => {
    const shown = 'path' in address ? address.path : address.host;
    return `listen: ${shown} can be reached from other machines: name the networks that may come with --allow-from, such as 192.168.1.0/24`;
  });
}
