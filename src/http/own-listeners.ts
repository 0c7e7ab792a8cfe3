/**
 * The addresses at which firstbyte itself listens: no origin, redirect or hook may lead there, whatever is set.
 *
 * An address is judged, not its spelling: names were resolved before, and numbers were read as `URL` reads them. A proxy
 * that forwards to a listener has an address of its own, and is recognised by `Via`.
 */
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { plainAddress } from './ip-address.ts';
import { isLoopback } from './loopback.ts';

export interface OwnListener {
  /** An IP literal; `0.0.0.0` and `::` for every address of this machine. */
  readonly address: string;
  readonly port: number;
}

export class OwnListeners {
  readonly #addresses: () => readonly string[];
  readonly #listeners: OwnListener[] = [];

  /** @param addresses those of this machine, which may be others at any time */
  constructor(addresses = machineAddresses) {
    this.#addresses = addresses;
  }

  add({ address, port }: OwnListener): void {
    this.#listeners.push({ address: canonical(address), port });
  }

  /** It listens there no more. */
  remove({ address, port }: OwnListener): void {
    const index = this.#listeners.findIndex((own) => own.port === port && own.address === canonical(address));
    if (index >= 0) this.#listeners.splice(index, 1);
  }

  /**
   * Whether a connection to `address` (an IP literal) and `port` would end here. `from` is its near end, where there is
   * one already: a machine that connects to an address of its own does it from that address.
   */
  has(address: string, port: number, from?: string): boolean {
    const near = this.#listeners.filter((listener) => listener.port === port);
    if (near.length === 0) return false;
    const to = reached(canonical(address));
    const isHere = () => isLoopback(to) || [...this.#addresses(), ...(from ? [from] : [])].map(canonical).includes(to);
    return near.some(({ address: bound }) => {
      if (bound === '::') return isHere();
      return bound === '0.0.0.0' ? !isIPv6(to) && isHere() : bound === to;
    });
  }
}

/** The addresses that a host (as `URL` has it) names by itself, without being resolved. */
export function literalAddresses(host: string): readonly string[] {
  const name = host.replace(/^\[|\]$/g, '');
  if (isIP(name) !== 0) return [name];
  return /(^|\.)localhost\.?$/i.test(name) ? ['127.0.0.1', '::1'] : [];
}

function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));
}

function canonical(address: string): string {
  return plainAddress(address) ?? address;
}

/** A connection to the unspecified address goes to loopback. */
function reached(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}
