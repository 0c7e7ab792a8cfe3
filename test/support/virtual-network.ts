/**
 * Everything beyond firstbyte's origin side, on one virtual clock: a relay that is the network, an HTTP origin behind.
 *
 * `connect` is what the origin adapter takes in place of TCP. A connection takes one round trip to be there; an origin
 * that is `down` refuses it, or answers nothing.
 */
import type { Connect } from '../../src/origin/dial.ts';
import { Relay, type RelayOptions } from '../network/relay.ts';
import { type Behaviour, HttpOriginServer, type HttpOriginServerOptions } from './http-origin-server.ts';
import { pause } from './pause.ts';
import { SerialDoor } from './serial-door.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface VirtualNetworkOptions {
  readonly films: HttpOriginServerOptions['films'];
  readonly origin?: Behaviour;
  readonly relay?: Omit<RelayOptions, 'clock'>;
  /** The origin serves one connection at a time, until that is closed, while so many more wait; any number unless given. */
  readonly backlog?: number;
  /** One of its own, unless given. */
  readonly clock?: VirtualClock;
}

/** In milliseconds. */
const forever = 2 ** 31 - 1;

export class VirtualNetwork {
  readonly clock: VirtualClock;
  readonly origin: HttpOriginServer;
  readonly relay: Relay;
  /** Whether the origin refuses connections, as a server does that is still waking up. */
  down = false;
  /** How a connection fails while it is down, as the system says it. */
  downBy: 'silence' | 'ECONNREFUSED' | 'EHOSTUNREACH' | 'EAI_AGAIN' | 'ENOTFOUND' = 'ECONNREFUSED';
  /** Addresses at which nobody answers. */
  readonly deserted = new Set<string>();
  /** Connections that did not come about. */
  refused = 0;
  readonly #roundTrip: number;
  readonly #door: SerialDoor | null;

  constructor({ films, origin = {}, relay = {}, backlog, clock = new VirtualClock() }: VirtualNetworkOptions) {
    this.clock = clock;
    this.origin = new HttpOriginServer({ clock: this.clock, films, behaviour: origin });
    this.relay = new Relay({ clock: this.clock, ...relay });
    this.#roundTrip = 2 * (relay.delay ?? 0);
    this.#door = backlog === undefined ? null : new SerialDoor(this.clock, backlog, (far) => this.origin.accept(far));
  }

  readonly connect: Connect = async ({ addresses }, signal) => {
    if (addresses.some((address) => this.deserted.has(address))) await pause(this.clock, forever, signal);
    await pause(this.clock, this.#roundTrip, signal);
    if (this.down) {
      this.refused += 1;
      if (this.downBy === 'silence') await pause(this.clock, forever, signal);
      const syscall = ['EAI_AGAIN', 'ENOTFOUND'].includes(this.downBy) ? 'getaddrinfo' : 'connect';
      throw Object.assign(new Error(`${syscall} ${this.downBy}`), { code: this.downBy, syscall });
    }
    await this.#door?.room(signal);
    return this.relay.connect((far) => (this.#door ?? this.origin).accept(far));
  };

  /** Breaks every connection. */
  close(): void {
    this.relay.close();
    this.origin.close();
  }
}
