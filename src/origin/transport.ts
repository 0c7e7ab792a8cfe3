/**
 * Sends one request to one server, over a connection that is idle where there is one, and else over a new one.
 *
 * It holds the connections to the base of an origin and to wherever its redirects lead. Each is made under the address
 * guard; those to the base tell whether that can be reached. Some are opened in advance, for the requests that come next.
 */
import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { type Fields, someField } from '../http/fields.ts';
import { isSafe } from '../http/method.ts';
import { isPrivateHost, type Network } from './address-guard.ts';
import { AddressRace } from './address-race.ts';
import type { Concurrency } from './concurrency.ts';
import { ConnectAttempts } from './connect-attempts.ts';
import { ConnectionPool } from './connection-pool.ts';
import { type DialOptions, dial } from './dial.ts';
import type { OriginReply, OriginRequest } from './origin.ts';
import { OriginConnection } from './origin-connection.ts';
import type { Reachability } from './reachability.ts';
import { isSamePlace, networkOf, type RedirectPolicy } from './redirect.ts';
import type { ExchangeRequest } from './sent-request.ts';

export interface TransportOptions extends DialOptions {
  /** The name under which its origin is mounted. */
  readonly name: string;
  /** Scheme, host and port of the origin, and the path that it puts before every target; nothing else of it is used. */
  readonly base: URL;
  /** Whether the base's addresses may be private; judged from its host where absent. */
  readonly network?: Network | undefined;
  /** Where redirects may lead; `public` where absent. */
  readonly redirectTo?: RedirectPolicy | undefined;
  /** Certificates (PEM) to trust for the base's host, in place of the public ones. */
  readonly ca?: string | undefined;
  /** Milliseconds for which an idle connection is kept; 30,000 where absent. */
  readonly keepAlive?: number | undefined;
  /** Told of every attempt to connect to the base, and of what comes from it. */
  readonly reachability?: Reachability | undefined;
  /** Told when one more connection is at work, or one less; idle ones are not. */
  readonly onBusy?: ((change: 1 | -1) => void) | undefined;
  /** Learns from every answer; one of its own where absent. */
  readonly concurrency?: Concurrency | undefined;
}

type Spares = Pick<OriginRequest, 'maySpare' | 'onSpare' | 'keepsWarm'>;

export class Transport {
  readonly #options: TransportOptions;
  readonly #network: Network;
  readonly #pool: ConnectionPool;
  readonly #attempts: ConnectAttempts | null;
  readonly #race = new AddressRace();
  readonly #closing = new AbortController();

  constructor(options: TransportOptions) {
    const { clock, base, network, keepAlive = 30_000, onBusy, concurrency, reachability } = options;
    this.#options = options;
    this.#network = network ?? (isPrivateHost(base.hostname) ? 'private' : 'public');
    this.#pool = new ConnectionPool(clock, keepAlive, onBusy, concurrency);
    this.#attempts = reachability
      ? new ConnectAttempts({ clock, reachability, connect: (...given) => this.#connectForAll(...given) })
      : null;
  }

  /**
   * Sends `sent` to the scheme, host and port of `url`, and resolves with the head of the answer, which is watched over: an
   * upload may take any time before that. A kept connection that turns out to be dead is replaced by a new one, once.
   */
  async ask(
    url: URL,
    sent: ExchangeRequest,
    signal: AbortSignal,
    request: Spares & Pick<OriginRequest, 'onLate'>,
    onConnected?: (connectMs?: number) => void,
  ): Promise<OriginReply> {
    const { origin } = url;
    const { onLate = () => {} } = request;
    const waiting = sent.content === null ? this.#pool.awaited.begin(origin, onLate) : null;
    let answered: OriginConnection | null = null;
    const send = (connection: OriginConnection) => {
      waiting?.sent(connection);
      const exchange = connection.send(sent, signal, () => this.#pool.give(connection));
      // Over a long way they are there when the head is.
      this.#prepare(url, request);
      return exchange;
    };
    try {
      // What may change something at the origin is not sent twice, and content can't be: a kept connection may be dead.
      const isRepeatable = isSafe(sent.method) && sent.content === null;
      const warm = isRepeatable ? (this.#pool.take(origin) ?? (await this.#pool.takeComing(origin, signal))) : null;
      if (warm !== null) {
        onConnected?.();
        const exchange = send(warm);
        try {
          const reply = await exchange.head;
          this.#pool.keeps(origin);
          answered = warm;
          return reply;
        } catch (error) {
          if (exchange.answered || !isTerminated(error)) throw error;
        }
      }
      if (this.#options.concurrency?.isSerial) this.#pool.closeIdle(origin);
      const fresh = await this.#connect(url, signal, isRepeatable && warm === null);
      if (warm === null) onConnected?.(fresh.connectMs);
      const reply = await send(fresh).head;
      if (saysKeepAlive(reply.fields)) this.#pool.keeps(origin);
      answered = fresh;
      return reply;
    } finally {
      waiting?.end(answered);
      if (answered !== null) this.#prepare(url, request);
    }
  }

  /** Ends every connection. */
  close(): void {
    const { name, reachability } = this.#options;
    this.#closing.abort(new ProxyError('proxy_internal_response', `The origin ${name} has been closed.`));
    this.#attempts?.close();
    reachability?.close();
    this.#pool.close();
  }

  /** Opens connections in advance. */
  #prepare(url: URL, { maySpare, onSpare, keepsWarm = () => false }: Spares): void {
    const open = async (signal: AbortSignal) => {
      const connection = await this.#attempt(url, signal, this.#closing.signal);
      onSpare?.(connection.connectMs);
      return connection;
    };
    this.#pool.keepWarm(url.origin, keepsWarm, open);
    this.#pool.prepare(url.origin, maySpare?.() ?? 0, open);
  }

  /** A connection for one request; where it may not be an idle one, one of those makes room for it. */
  async #connect(url: URL, signal: AbortSignal, mayBeIdle: boolean): Promise<OriginConnection> {
    if (this.#isBase(url)) await this.#attempts?.share(signal);
    const idle = this.#pool.take(url.origin);
    if (idle !== null && mayBeIdle) return idle;
    idle?.close();
    return this.#attempt(url, signal);
  }

  /** Connects to the base for the requests that share the attempt; closes the connection where none is left. */
  async #connectForAll(onConnected: () => void, kept: () => boolean): Promise<void> {
    const { base, reachability } = this.#options;
    const connection = await this.#dial(base, this.#closing.signal, onConnected, reachability?.clock);
    if (kept()) this.#pool.give(connection);
    else connection.close();
  }

  /** `waiting` aborts where somebody stops waiting for it; until then it says nothing of the host that it was given up. */
  async #attempt(url: URL, asked: AbortSignal, waiting = asked): Promise<OriginConnection> {
    const signal = AbortSignal.any([asked, this.#closing.signal]);
    if (this.#attempts === null || !this.#isBase(url)) return this.#dial(url, signal);
    return this.#attempts.make((onConnected) => this.#dial(url, signal, onConnected), waiting);
  }

  #isBase(url: URL): boolean {
    return url.origin === this.#options.base.origin;
  }

  async #dial(
    url: URL,
    signal: AbortSignal,
    onConnected?: () => void,
    clock: Clock = this.#options.clock,
  ): Promise<OriginConnection> {
    const { base, redirectTo = 'public', ca, reachability } = this.#options;
    const network = networkOf(url, base, this.#network, redirectTo);
    const trusted = url.hostname === base.hostname ? ca : undefined;
    const setting = isSamePlace(base, url) ? 'network' : 'redirectTo';
    let connectMs = 0;
    const connected = (milliseconds: number) => {
      connectMs = milliseconds;
      onConnected?.();
    };
    const options = { ...this.#options, race: this.#race, clock };
    const stream = await dial({ url, network, setting, ca: trusted, onConnected: connected }, options, signal);
    if (signal.aborted) {
      stream.destroy();
      throw signal.reason;
    }
    const onBytes = this.#isBase(url) ? () => reachability?.alive() : undefined;
    const connection = new OriginConnection(url, stream, onBytes, connectMs);
    this.#pool.add(connection);
    return connection;
  }
}

/** Servers that speak HTTP/1.1 need not say it, but then they might as well speak HTTP/1.0 (RFC 9112 §9.3). */
function saysKeepAlive(fields: Fields): boolean {
  return someField(fields, (name, value) => name === 'connection' && /\bkeep-alive\b/i.test(value));
}

function isTerminated(error: unknown): boolean {
  return error instanceof ProxyError && error.type === 'connection_terminated';
}
