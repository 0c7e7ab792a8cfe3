/**
 * Who a client is, for the limits that each client has. Pure.
 *
 * A client is the address that it connects from; of IPv6 the /64, since a client that has one address of it has them all.
 * Where a trusted proxy connects, the client of a request is the last address in `Forwarded` or `X-Forwarded-For` that is
 * no trusted proxy. Only what a trusted proxy wrote is believed. So the request counts as the proxy's own where that hop
 * is missing or malformed, or where the two fields differ: a proxy that knows one of them passes the other on as the
 * client wrote it.
 */
import type { Fields } from '../http/fields.ts';
import { forwardedFor, type Hop } from '../http/forwarded.ts';
import { addressSet, clientNetwork, type IpNetwork, plainAddress } from '../http/ip-address.ts';
import { isLoopback } from '../http/loopback.ts';
import { recalled } from '../kit/remembered.ts';

export interface ClientIdentity {
  /** As the log shows it: an address, a network, or `unix` for a Unix socket. */
  readonly name: string;
  /** Whether many people may stand behind it: this machine, or a trusted proxy. */
  readonly isShared: boolean;
}

export interface ClientIdentities {
  /** The client of a connection. */
  ofPeer(remoteAddress: string | undefined): ClientIdentity;
  /** The client of a request that came on a connection from this peer. */
  ofRequest(remoteAddress: string | undefined, fields: Fields): ClientIdentity;
}

const unixSocket: ClientIdentity = { name: 'unix', isShared: true };

export function createClientIdentities(trustedProxies: readonly IpNetwork[]): ClientIdentities {
  const isTrusted = addressSet(trustedProxies);

  const identityOf = (address: string): ClientIdentity => ({
    name: isLoopback(address) ? address : clientNetwork(address),
    isShared: isLoopback(address) || isTrusted(address),
  });

  const ofAddress = recalled((remoteAddress): ClientIdentity => {
    const address = plainAddress(remoteAddress);
    return address === null ? { name: remoteAddress, isShared: false } : identityOf(address);
  });
  const ofPeer = (remoteAddress: string | undefined) =>
    remoteAddress === undefined ? unixSocket : ofAddress(remoteAddress);

  /** The address of a trusted proxy; `null` for any other peer. */
  const trusted = recalled((remoteAddress) => {
    const address = plainAddress(remoteAddress);
    return address !== null && isTrusted(address) ? address : null;
  });

  /** The last hop that is no trusted proxy; the first of all where every one is; `null` where it is not told. */
  const clientAmong = (hops: readonly Hop[]): Hop => {
    const untrusted = hops.findLast((hop) => hop === null || !isTrusted(hop));
    return untrusted === undefined ? (hops[0] ?? null) : untrusted;
  };

  return {
    ofPeer,
    ofRequest(remoteAddress, fields) {
      const peer = remoteAddress === undefined ? null : trusted(remoteAddress);
      if (peer === null) return ofPeer(remoteAddress);
      const { forwarded, xForwardedFor } = forwardedFor(fields);
      const [client = null, ...others] = [forwarded, xForwardedFor].flatMap((hops) =>
        hops === null ? [] : [clientAmong(hops)],
      );
      if (client === null || others.some((other) => other !== client)) return identityOf(peer);
      return identityOf(client);
    },
  };
}
