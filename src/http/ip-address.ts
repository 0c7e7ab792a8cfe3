/** IP addresses as text: one spelling for each, and the part of it that tells one client from another. */
import { isIP } from 'node:net';

/** In lower case, without a zone, IPv4-mapped IPv6 as the IPv4 address that it is; `null` for what is no address. */
export function plainAddress(text: string): string | null {
  const [address = ''] = text.toLowerCase().split('%', 1);
  const version = isIP(address);
  if (version !== 6) return version === 4 ? address : null;
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}` : address;
}

/**
 * What one client has at least, of an address without a zone: an IPv4 address, or the 64 bits before the interface
 * identifier of an IPv6 one (RFC 4291 §2.5.4), which is the client's own to choose.
 */
export function clientNetwork(address: string): string {
  if (isIP(address) !== 6) return address;
  const network = groupsOf(address)
    .slice(0, 4)
    .map((group) => group.toString(16));
  return `${network.join(':').replace(/(:0)+$/, '')}::/64`;
}

/** The eight groups of 16 bits of an IPv6 address (RFC 4291 §2.2). */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::', 2);
  const [first, last] = [numbersOf(head), numbersOf(tail ?? '')];
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}

function numbersOf(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
