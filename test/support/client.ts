/**
 * A player made for tests: sends requests as they are written, reads replies at its own pace, checks each byte.
 *
 * It speaks HTTP/1.1 or 1.0 over a connection in memory or a real socket, keeps the connection for further requests
 * (pipelined where several are sent at once) and notes on the test's clock when everything came.
 */
import { once } from 'node:events';
import { connect, type NetConnectOpts } from 'node:net';
import type { Clock } from '../../src/clock.ts';
import type { SocketLike } from './duplex-pair.ts';
import { Exchange, type Expected } from './exchange.ts';
import type { Film } from './film.ts';
import { durationOf, pieceSize } from './pace.ts';
import { pause } from './pause.ts';
import { Tap } from './tap.ts';

export { Exchange } from './exchange.ts';

export interface ClientOptions {
  readonly clock: Clock;
  /** What the bodies of 200 and 206 must be, byte for byte. */
  readonly film?: Film;
  /** Bytes per second that it reads at; unlimited unless given. */
  readonly rate?: number;
}

export interface RequestOptions {
  readonly method?: string;
  /** Without `bytes=`: `0-`, `-10`, `5-9`. */
  readonly range?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly version?: '1.0' | '1.1';
  /** What the body must be, in place of the client's film. */
  readonly film?: Expected;
}

/** How a client goes away: FIN and no more, RST, or FIN while it still reads. */
export type Leaving = 'end' | 'reset' | 'half';

export class Client {
  /** Bytes per second that it reads at; may be changed at any time. */
  rate: number;
  readonly #socket: SocketLike;
  readonly #clock: Clock;
  readonly #film: Film | null;
  readonly #unfinished: Exchange[] = [];
  readonly #left = new AbortController();
  #resumed: PromiseWithResolvers<void> | null = null;
  /** After how many more bytes it leaves, and how. */
  #leaving: { bytes: number; how: Leaving } | null = null;

  constructor(socket: SocketLike, options: ClientOptions) {
    this.rate = options.rate ?? Number.POSITIVE_INFINITY;
    this.#socket = socket;
    this.#clock = options.clock;
    this.#film = options.film ?? null;
    socket.on('error', () => {});
    void this.#listen();
  }

  /** Connects through the kernel: to a port of 127.0.0.1, or as `net.connect` is told. */
  static async connect(where: number | NetConnectOpts, options: ClientOptions): Promise<Client> {
    const socket = connect(typeof where === 'number' ? { port: where, host: '127.0.0.1' } : where);
    await once(socket, 'connect');
    return new Client(socket.setNoDelay(true), options);
  }

  /** Asks for a target; GET and HTTP/1.1 unless told otherwise. */
  get(target: string, options: RequestOptions = {}): Exchange {
    const { method = 'GET', version = '1.1', range, fields = {}, film } = options;
    const sent = { host: '127.0.0.1', ...(range === undefined ? {} : { range: `bytes=${range}` }), ...fields };
    const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.send(`${method} ${target} HTTP/${version}\r\n${lines.join('')}\r\n`, film);
  }

  /** Sends a request exactly as it is written here. */
  send(text: string, film: Expected = this.#film): Exchange {
    const exchange = new Exchange(text.split(' ', 1)[0] ?? '', this.#clock, film);
    if (this.#left.signal.aborted) exchange.finish('left');
    else this.#unfinished.push(exchange);
    this.#socket.write(text, 'latin1');
    return exchange;
  }

  /** Sends more of what belongs to the last request. */
  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Whether the connection is still there. */
  get connected(): boolean {
    return !this.#socket.destroyed && this.#socket.readable;
  }

  /** Stops reading: the network fills up and the server has to wait. */
  pause(): void {
    this.#resumed ??= Promise.withResolvers();
  }

  /** Reads on. */
  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = null;
  }

  /**
   * Closes the connection, whatever is still to come; or says that nothing more will be asked (`half`), as a client does
   * that shuts its side down, and reads on.
   */
  leave(how: Leaving = 'end'): void {
    if (how === 'half') {
      this.#socket.end();
      return;
    }
    this.#stop('left');
    if (how === 'reset') this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Leaves as soon as so many bytes have come, whatever they are of; in mid-head where they are few. */
  leaveAt(bytes: number, how: Leaving = 'end'): void {
    this.#leaving = { bytes, how };
  }

  /** Takes bytes from the network until its end, and gives them to the exchanges in turn. */
  async #listen(): Promise<void> {
    const tap = new Tap(this.#socket);
    const { signal } = this.#left;
    try {
      for (;;) {
        await this.#resumed?.promise;
        const bytes = await tap.pull(Math.min(pieceSize(this.rate), Math.max(1, this.#leaving?.bytes ?? Infinity)));
        if (bytes === null) break;
        if (!this.#take(bytes)) return;
        if (this.#leaves(bytes.length)) return;
        await pause(this.#clock, durationOf(bytes.length, this.rate), signal);
      }
      if (this.#unfinished[0]?.endsWithConnection) this.#unfinished.shift()?.finish('complete');
      this.#socket.end();
    } catch {
      this.#socket.destroy();
    }
    this.#stop('cut');
  }

  /** Whether it has gone now that so many more bytes have come. */
  #leaves(taken: number): boolean {
    if (this.#leaving === null) return false;
    this.#leaving.bytes -= taken;
    if (this.#leaving.bytes > 0) return false;
    const { how } = this.#leaving;
    this.#leaving = null;
    this.leave(how);
    return how !== 'half';
  }

  /** False, with the connection closed, where the bytes were wrong. */
  #take(bytes: Buffer): boolean {
    try {
      this.#distribute(bytes);
      return true;
    } catch (error) {
      this.#stop('cut', error);
      this.#socket.destroy();
      return false;
    }
  }

  #distribute(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      const exchange = this.#unfinished[0];
      if (exchange === undefined) throw new Error(`${rest.length} bytes came that nobody asked for.`);
      rest = exchange.read(rest);
      if (exchange.outcome !== null) this.#unfinished.shift();
    }
  }

  #stop(outcome: 'left' | 'cut', error: unknown = null): void {
    for (const exchange of this.#unfinished.splice(0)) exchange.finish(outcome, error);
    this.#left.abort();
  }
}
