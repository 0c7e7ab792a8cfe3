/**
 * Which addresses belong to the public internet, and which host names mean a private network on purpose.
 *
 * Pure: nothing is resolved here. The special-purpose registries of RFC 6890 decide; an IPv6 address that carries
 * an IPv4 one (NAT64, RFC 6052) is judged by the address it carries.
 */
import { BlockList, isIP } from 'node:net';
import { isLocalName } from '../http/host.ts';

/** What an origin may connect to: `public` addresses alone, or any that its name resolves to. */
export type Network = 'public' | 'private';

const specialIPv4 = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // shared by a carrier's customers
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // the machine agent of one large cloud, though its registry calls it public
  ['169.254.0.0', 16], // link-local, and most clouds' metadata
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
] as const;

/** Inside the two prefixes that are public in principle; everything outside them is special anyway. */
const specialIPv6 = [
  ['2001::', 23], // protocol assignments, among them Teredo and ORCHID
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4
  ['3fff::', 20], // documentation
] as const;

const nat64 = '64:ff9b::';

const publicIPv6 = new BlockList();
publicIPv6.addSubnet('2000::', 3, 'ipv6');
publicIPv6.addSubnet(nat64, 96, 'ipv6');

const special = new BlockList();
for (const [network, prefix] of specialIPv4) {
  special.addSubnet(network, prefix, 'ipv4');
  special.addSubnet(`${nat64}${network}`, 96 + prefix, 'ipv6');
}
for (const [network, prefix] of specialIPv6) special.addSubnet(network, prefix, 'ipv6');

/** Whether `address`, an IP literal without brackets, is one that anybody on the internet could reach. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4');
    case 6:
      return !address.includes('%') && publicIPv6.check(address, 'ipv6') && !special.check(address, 'ipv6');
    default:
      return false;
  }
}

/** Whether a configured `hostname` (a name, or a literal as `URL` writes it) can only mean a private network. */
export function isPrivateHost(hostname: string): boolean {
  const name = bareHost(hostname).toLowerCase().replace(/\.$/, '');
  if (isIP(name) !== 0) return !isPublicAddress(name);
  return isLocalName(name);
}

/** `hostname` as `URL` writes it, without the brackets of an IPv6 literal. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
