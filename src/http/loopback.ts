/** Which addresses belong to this machine alone. */
import { addressSet } from './ip-address.ts';

/** `address` is an IP literal, IPv4-mapped IPv6 included. */
export const isLoopback = addressSet([
  { address: '127.0.0.0', prefix: 8, family: 'ipv4' },
  { address: '::1', prefix: 128, family: 'ipv6' },
]);
