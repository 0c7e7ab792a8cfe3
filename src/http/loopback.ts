/** What belongs to this machine alone: loopback addresses, and the host names that no stranger can point there. */
import { BlockList, isIP, isIPv6 } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** `address` is an IP literal, IPv4-mapped IPv6 included. */
export function isLoopback(address: string): boolean {
  if (address === '127.0.0.1' || address === '::1') return true;
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Whether a `Host` field names loopback, or one of the `allowed` names (lower case, without port). */
export function isOwnHost(host: string | undefined, allowed: readonly string[] = []): boolean {
  const [, literal, hostName] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d+)?$/i.exec(host ?? '') ?? [];
  const name = literal ?? hostName?.toLowerCase();
  if (name === undefined) return false;
  return name === 'localhost' || allowed.includes(name) || (isIP(name) !== 0 && isLoopback(name));
}
