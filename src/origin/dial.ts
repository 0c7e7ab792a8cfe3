/**
 * From a host name to a stream that is ready for HTTP: resolve, judge the addresses, connect, agree on TLS.
 *
 * The guard judges addresses, and exactly these are connected to: nothing is resolved twice, so a name that changes its
 * answer in between gains nothing. firstbyte's own listeners are never connected to, whatever the network is.
 * `connectTimeout` spans all steps. A proxy resolves names by itself: then the guard can judge only literal addresses and
 * names that mean a private network.
 */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { type Clock, within } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { literalAddresses, type OwnListeners } from '../http/own-listeners.ts';
import { untilAborted } from '../until-aborted.ts';
import { bareHost, isPrivateHost, isPublicAddress, type Network } from './address-guard.ts';
import { AddressRace } from './address-race.ts';
import { type ConnectProxy, openTunnel } from './connect-proxy.ts';
import { originError } from './origin-errors.ts';
import { portOf } from './redirect.ts';
import { openSocket, openWide } from './tcp-socket.ts';

/** Where to connect to, with addresses that have been judged. */
export interface Destination {
  /** A name or an IP literal without brackets. */
  readonly hostname: string;
  /** At least one, in the order that the resolver prefers. */
  readonly addresses: readonly string[];
  readonly port: number;
}

/** Opens a byte stream; rejects with the signal's reason, and leaves nothing open, once it aborts. */
export type Connect = (destination: Destination, signal: AbortSignal) => Promise<Duplex>;

/** All addresses of a host name. */
type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface DialOptions {
  readonly clock: Clock;
  /** Milliseconds for everything from the name to the end of the TLS handshake. */
  readonly connectTimeout: number;
  /** Finds the addresses of a name; the system's resolver where absent. */
  readonly resolve?: Resolve | undefined;
  /** Opens the stream below TLS; TCP where absent. */
  readonly connect?: Connect | undefined;
  /** Every connection goes through it, where there is one. */
  readonly proxy?: ConnectProxy | undefined;
  /** Which address of a host is tried first; where absent, nothing is remembered. */
  readonly race?: AddressRace | undefined;
  /** Where firstbyte itself listens. */
  readonly own?: OwnListeners | undefined;
}

export interface DialTarget {
  /** Only its scheme, host and port matter. */
  readonly url: URL;
  readonly network: Network;
  /** The setting that says so; `network` where absent. */
  readonly setting?: string | undefined;
  /** Certificates (PEM) to trust in place of the public ones. */
  readonly ca?: string | undefined;
  /**
   * Called when the host is connected to, by TCP or by a tunnel, before TLS; with what TCP's own connection took, in
   * milliseconds.
   */
  readonly onConnected?: ((connectMs: number) => void) | undefined;
}

/**
 * Rejects with the signal's reason, or with a `ProxyError`: `destination_ip_prohibited` where an address is not
 * public and the network must be, `proxy_loop_detected` where it is firstbyte's own, `dns_timeout` or
 * `connection_timeout` after `connectTimeout`, and whatever `originError` makes of the rest.
 */
export async function dial(target: DialTarget, options: DialOptions, signal: AbortSignal): Promise<Duplex> {
  const { url, network, ca, setting = 'network', onConnected } = target;
  const hostname = bareHost(url.hostname);
  const secure = url.protocol === 'https:';
  const { clock, connectTimeout, resolve = resolveName, race = new AddressRace(), proxy, own } = options;
  const { connect = connectTcp(race, clock, !secure && proxy === undefined ? openWide : openSocket) } = options;
  /** Where the next connection goes: to the proxy first, where there is one. */
  let near = proxy?.url ?? url;

  let resolved = false;
  const late = () => timeoutError(near.host, connectTimeout, resolved);
  return within({ clock, limit: connectTimeout, late, signal }, async (inTime) => {
    let stream: Duplex | null = null;
    try {
      if (proxy !== undefined) {
        judgeUnresolved(url, network, setting);
        judgeOwn(url, literalAddresses(hostname), own);
      }
      const name = bareHost(near.hostname);
      const addresses = isIP(name) === 0 ? await untilAborted(resolve(name), inTime) : [name];
      resolved = true;
      judgeOwn(near, addresses, own);
      judge(near.host, addresses, proxy === undefined ? network : 'private', setting);
      const startedAt = clock.now();
      stream = await connect({ hostname: name, addresses, port: portOf(near) }, inTime);
      const connectMs = clock.now() - startedAt;
      judgeConnected(stream, near, own);
      if (proxy !== undefined) {
        await openTunnel(stream, `${url.hostname}:${portOf(url)}`, proxy, inTime);
        near = url;
      }
      onConnected?.(connectMs);
      return secure ? await agreeOnTls(stream, hostname, ca, inTime) : stream;
    } catch (error) {
      stream?.destroy();
      inTime.throwIfAborted();
      throw originError(error, near.host, 'connect');
    }
  });
}

function judge(host: string, addresses: readonly string[], network: Network, setting: string): void {
  if (addresses.length === 0) throw new ProxyError('dns_error', `${host} has no address.`);
  if (network === 'public' && !addresses.every(isPublicAddress)) {
    throw new ProxyError('destination_ip_prohibited', `${host} has an address that is not public.`, { setting });
  }
}

function judgeOwn(url: URL, addresses: readonly string[], own: OwnListeners | undefined): void {
  if (addresses.some((address) => own?.has(address, portOf(url)))) throw ownListener(url);
}

/** An open connection tells more than the address that was asked for. */
function judgeConnected(stream: Duplex, url: URL, own: OwnListeners | undefined): void {
  if (!(stream instanceof Socket)) return;
  const { remoteAddress, remotePort, localAddress } = stream;
  if (remoteAddress === undefined || !own?.has(remoteAddress, remotePort ?? portOf(url), localAddress)) return;
  throw ownListener(url);
}

function ownListener({ host }: URL): ProxyError {
  return new ProxyError('proxy_loop_detected', `${host} is firstbyte itself.`);
}

/** Judges a host whose name the proxy resolves. */
function judgeUnresolved(url: URL, network: Network, setting: string): void {
  if (network === 'public' && isPrivateHost(url.hostname)) {
    throw new ProxyError('destination_ip_prohibited', `${url.host} is in a private network.`, { setting });
  }
}

function timeoutError(host: string, connectTimeout: number, resolved: boolean): ProxyError {
  const after = `within ${connectTimeout / 1000} s`;
  return resolved
    ? new ProxyError('connection_timeout', `Could not connect to ${host} ${after}.`, governed)
    : new ProxyError('dns_timeout', `The name of ${host} was not resolved ${after}.`, governed);
}

const governed = { setting: 'connectTimeout' };

async function resolveName(hostname: string): Promise<readonly string[]> {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}

/** TCP to whichever of the addresses answers first. */
function connectTcp(race: AddressRace, clock: Clock, openTo: typeof openSocket): Connect {
  return ({ hostname, addresses, port }, signal) => {
    const connectOne = (host: string, given: AbortSignal): Promise<Duplex> =>
      ready(openTo({ host, port }), 'connect', given);
    const drop = (late: Duplex) => late.destroy();
    return race.run({ hostname, addresses }, connectOne, { clock, signal, drop });
  };
}

function agreeOnTls(stream: Duplex, hostname: string, ca: string | undefined, signal: AbortSignal): Promise<Duplex> {
  const socket = connectTls({
    socket: stream,
    host: hostname,
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ...(ca !== undefined && { ca }),
    ALPNProtocols: ['http/1.1'],
  });
  return ready(socket, 'secureConnect', signal);
}

/** `socket` after its `event`; destroyed where it fails or the signal aborts first. */
async function ready(socket: Duplex, event: string, signal: AbortSignal): Promise<Duplex> {
  // A wait on the socket rejects with its errors; between two waits, an error without a listener would end the process.
  socket.on('error', () => {});
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
