/**
 * A piece of network between two connections: rate, delay, late heads, stalls and cuts, byte for byte.
 *
 * `near` is the side that asks (firstbyte), `far` the side that answers (the origin). Answers share one line of the
 * given rate; requests are only delayed. The same code runs between duplex pairs on virtual time (`connect`) and
 * between real sockets (`listen`). What is not read on one side is not taken from the other: at most `window` bytes
 * are under way in each direction of a connection.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import type { Clock } from '../../src/clock.ts';
import { duplexPair, type SocketLike } from '../support/duplex-pair.ts';
import { Crossing, type Fault } from './crossing.ts';
import { Link } from './link.ts';

export interface RelayOptions {
  readonly clock: Clock;
  /** Bytes per second of all answers together; unlimited unless given. */
  readonly rate?: number;
  /** Milliseconds from one side to the other, in each direction. */
  readonly delay?: number;
  /** Milliseconds by which each answer begins later than it would. */
  readonly headDelay?: number;
  /** Bytes under way in one direction of a connection; 64 KiB and what rate and delay hold, unless given. */
  readonly window?: number;
  /** What goes wrong on a connection; they are numbered from 1. */
  readonly fault?: (connection: number) => Fault | null;
}

const smallestWindow = 64 * 1024;
const largestWindow = 4 * 1024 * 1024;

export class Relay {
  readonly #options: RelayOptions;
  readonly #line: Link;
  readonly #requestLine: Link;
  readonly #crossings = new Set<Crossing>();
  #server: Server | null = null;
  #connections = 0;
  #bytes = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#line = new Link(options.clock, options.rate ?? Number.POSITIVE_INFINITY);
    this.#requestLine = new Link(options.clock, Number.POSITIVE_INFINITY);
  }

  /** How many connections there were. */
  get connections(): number {
    return this.#connections;
  }

  /** How many there are. */
  get open(): number {
    return this.#crossings.size;
  }

  /** Bytes of answers that were carried. */
  get bytesCarried(): number {
    return this.#bytes;
  }

  get rate(): number {
    return this.#line.rate;
  }

  /** The line becomes slower or faster from the next piece on. */
  set rate(bytesPerSecond: number) {
    this.#line.rate = bytesPerSecond;
  }

  /** Carries everything between two connections until both are closed. */
  join(near: SocketLike, far: SocketLike): void {
    const { clock, delay = 0, headDelay = 0, window = this.#usualWindow(delay), fault } = this.#options;
    this.#connections += 1;
    const crossing = new Crossing({
      near,
      far,
      clock,
      delay,
      headDelay,
      window,
      fault: fault?.(this.#connections) ?? null,
      line: this.#line,
      requestLine: this.#requestLine,
      onCarried: (bytes) => {
        this.#bytes += bytes;
      },
      onClosed: () => this.#crossings.delete(crossing),
    });
    this.#crossings.add(crossing);
  }

  /** A new connection in memory through this relay: `accept` gets its far end, the caller its near one. */
  connect(accept: (far: SocketLike) => void): SocketLike {
    const [nearEnd, near] = duplexPair();
    const [far, farEnd] = duplexPair();
    // Neither a relay nor a film's origin writes to bytes again that it has sent.
    near.gives = true;
    far.gives = true;
    farEnd.gives = true;
    this.join(near, far);
    accept(farEnd);
    return nearEnd;
  }

  /** Listens on a free port of 127.0.0.1 and carries each connection to `port` of the same host. */
  async listen(port: number): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      this.join(near.setNoDelay(true), far.setNoDelay(true));
    });
    this.#server = server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Breaks every connection now. */
  cut(how: 'end' | 'reset' = 'reset'): void {
    for (const crossing of this.#crossings) crossing.cut(how);
  }

  /** Breaks every connection and stops listening. */
  close(): void {
    this.#server?.close();
    this.cut();
  }

  #usualWindow(delay: number): number {
    if (delay === 0) return smallestWindow;
    return Math.min(largestWindow, smallestWindow + Math.ceil((2 * delay * this.#line.rate) / 1000));
  }
}
