/**
 * Who a client is, for the bounds that each client has: pure.
 *
 * That is the address it connects from; of IPv6 the /64, since whoever has one address of it has them all. Where that
 * address is a trusted proxy's, a request is its client's: the last address in `Forwarded` or `X-Forwarded-For` that is
 * no trusted proxy. Only what a trusted proxy wrote is believed. So the request is the proxy's own where that hop is not
 * told, is malformed, or is told in two ways: a proxy that knows one of the two fields passes the other on as the client
 * wrote it.
 */
import type { Fields } from '../http/fields.ts';
import { forwardedFor, type Hop } from '../http/forwarded.ts';
import { addressSet, clientNetwork, type IpNetwork, plainAddress } from '../http/ip-address.ts';
import { isLoopback } from '../http/loopback.ts';

export interface ClientIdentity {
  /** As the log shows it: an address, a network, or `unix` for who comes by a socket of this machine. */
  readonly name: string;
  /** Whether many people may stand behind it: this machine, or a trusted proxy. */
  readonly isShared: boolean;
}

export interface ClientIdentities {
  /** Whose connection it is. */
  ofPeer(remoteAddress: string | undefined): ClientIdentity;
  /** Whose request it is that came on a connection of this peer's. */
  ofRequest(remoteAddress: string | undefined, fields: Fields): ClientIdentity;
}

const unixSocket: ClientIdentity = { name: 'unix', isShared: true };

export function createClientIdentities(trustedProxies: readonly IpNetwork[]): ClientIdentities {
  const isTrusted = addressSet(trustedProxies);

  const identityOf = (address: string): ClientIdentity => ({
    name: isLoopback(address) ? address : clientNetwork(address),
    isShared: isLoopback(address) || isTrusted(address),
  });

  const ofPeer = (remoteAddress: string | undefined): ClientIdentity => {
    if (remoteAddress === undefined) return unixSocket;
    const address = plainAddress(remoteAddress);
    return address === null ? { name: remoteAddress, isShared: false } : identityOf(address);
  };

  /** The last hop that is no trusted proxy; the first of all where every one is; `null` where it is not told. */
  const clientAmong = (hops: readonly Hop[]): Hop => {
    const untrusted = hops.findLast((hop) => hop === null || !isTrusted(hop));
    return untrusted === undefined ? (hops[0] ?? null) : untrusted;
  };

  return {
    ofPeer,
    ofRequest(remoteAddress, fields) {
      const peer = remoteAddress === undefined ? null : plainAddress(remoteAddress);
      if (peer === null || !isTrusted(peer)) return ofPeer(remoteAddress);
      const { forwarded, xForwardedFor } = forwardedFor(fields);
      const [client = null, ...others] = [forwarded, xForwardedFor].flatMap((hops) =>
        hops === null ? [] : [clientAmong(hops)],
      );
      if (client === null || others.some((other) => other !== client)) return identityOf(peer);
      return identityOf(client);
    },
  };
}
