/** IP addresses as text: one spelling for each, sets of networks, and the part that tells one client from another. */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { recalled } from '../kit/remembered.ts';
import { upTo } from '../kit/up-to.ts';

/** A network in CIDR notation. */
export interface IpNetwork {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Whether an IP literal, IPv4-mapped IPv6 included, is in one of `networks`. */
export function addressSet(networks: readonly IpNetwork[]): (address: string) => boolean {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return recalled((address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'));
}

/** Without a zone, IPv6 in its shortest form, IPv4-mapped IPv6 as the IPv4 address that it is; `null` for no address. */
export function plainAddress(text: string): string | null {
  const address = upTo(text, '%');
  const version = isIP(address);
  if (version !== 6) return version === 4 ? address : null;
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

/**
 * What one client has at least, of a plain address: an IPv4 address, or the 64 bits before the interface identifier of an
 * IPv6 one (RFC 4291 §2.5.4), which is the client's own to choose.
 */
export function clientNetwork(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail = ''] = address.split('::', 2);
  const [first, last] = [head, tail].map((groups) => (groups === '' ? [] : groups.split(':'))) as [string[], string[]];
  const zeros = Array<string>(8 - first.length - last.length).fill('0');
  const network = [...first, ...zeros, ...last].slice(0, 4).join(':');
  return `${network.replace(/(:0)+$/, '')}::/64`;
}
