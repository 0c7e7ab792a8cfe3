/** Which addresses belong to this machine alone. */
import { BlockList, isIPv6 } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** `address` is an IP literal, IPv4-mapped IPv6 included. */
export function isLoopback(address: string): boolean {
  if (address === '127.0.0.1' || address === '::1') return true;
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
