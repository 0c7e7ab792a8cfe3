/**
 * An HTTP/1.1 origin that serves films, on `node:http`, over connections in memory or real sockets.
 *
 * It does right what nobody tells it to do wrong: `always` sets its lasting behaviour, `next` that of single requests
 * to come, in order. It counts connections, requests and each byte that the network accepted from it.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { Clock } from '../../src/clock.ts';
import type { Behaviour } from './behaviour.ts';
import { Coverage } from './coverage.ts';
import type { SocketLike } from './duplex-pair.ts';
import type { Film } from './film.ts';
import { FilmReply, type SeenRequest } from './film-reply.ts';

export type { Behaviour } from './behaviour.ts';
export type { SeenRequest } from './film-reply.ts';

export interface HttpOriginServerOptions {
  readonly clock: Clock;
  /** One film for every target, or one for each path; any other path is 404. */
  readonly films: Film | Readonly<Record<string, Film>>;
  readonly behaviour?: Behaviour;
}

export class HttpOriginServer {
  /** Every request so far, in order. */
  readonly requests: SeenRequest[] = [];
  readonly #clock: Clock;
  readonly #films: HttpOriginServerOptions['films'];
  readonly #server: Server;
  readonly #connections = new Map<Duplex, number>();
  readonly #coverage = new Map<string, Coverage>();
  readonly #next: Behaviour[] = [];
  #always: Behaviour | ((seen: SeenRequest) => Behaviour);
  #accepted = 0;

  constructor(options: HttpOriginServerOptions) {
    this.#clock = options.clock;
    this.#films = options.films;
    this.#always = options.behaviour ?? {};
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
    this.#server.on('connection', (socket: Duplex) => this.#onConnection(socket));
    this.#server.on('request', (request, response) => void this.#answer(request, response));
    this.#server.on('clientError', (_, socket) => socket.destroy());
  }

  /** Serves one connection in memory. */
  accept(connection: SocketLike): void {
    this.#server.emit('connection', connection);
  }

  /** Listens on a free port of 127.0.0.1, which it returns. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops listening and breaks every connection. */
  close(): void {
    this.#server.close();
    for (const connection of this.#connections.keys()) connection.destroy();
  }

  /** From now on it behaves like this, or as each request makes it. */
  always(behaviour: Behaviour | ((seen: SeenRequest) => Behaviour)): void {
    this.#always = behaviour;
  }

  /** The next requests behave like this, one after the other, on top of what is always so. */
  next(...behaviours: readonly Behaviour[]): void {
    this.#next.push(...behaviours);
  }

  /** What was said of requests to come counts no more. */
  forgetNext(): void {
    this.#next.length = 0;
  }

  /** How many connections there were. */
  get connections(): number {
    return this.#accepted;
  }

  /** How many there are. */
  get open(): number {
    return this.#connections.size;
  }

  /** Bytes of the film at `path` that went out at least once. */
  given(path = '/'): readonly ByteRange[] {
    return this.#covered(path).given;
  }

  /** Bytes of the film at `path` that went out more than once. */
  fetchedTwice(path = '/'): readonly ByteRange[] {
    return this.#covered(path).twice;
  }

  /** Bytes of all films that went out, repeated ones counted each time. */
  get bytesGiven(): number {
    return this.requests.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #onConnection(connection: Duplex): void {
    this.#accepted += 1;
    this.#connections.set(connection, this.#accepted);
    connection.on('error', () => connection.destroy());
    connection.once('close', () => this.#connections.delete(connection));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = this.#note(request);
    const path = pathOf(seen.target);
    const next = this.#next.shift() ?? {};
    const always = typeof this.#always === 'function' ? this.#always(seen) : this.#always;
    const fields = { ...always.fields, ...next.fields };
    const behaviour = { film: this.#filmAt(path), ...always, ...next, fields };
    await new FilmReply({ clock: this.#clock, coverage: this.#covered(path), seen, behaviour, response }).run();
  }

  #note(request: IncomingMessage): SeenRequest {
    const pairs = request.rawHeaders.flatMap((name, index, raw) =>
      index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? ''] as const] : [],
    );
    const seen: SeenRequest = {
      at: this.#clock.now(),
      method: request.method ?? '',
      target: request.url ?? '',
      fields: pairs,
      connection: this.#connections.get(request.socket) ?? 0,
      status: null,
      bytes: 0,
      complete: false,
    };
    this.requests.push(seen);
    return seen;
  }

  #filmAt(path: string): Film | null {
    const films = this.#films;
    return 'bytesAt' in films ? (films as Film) : (films[path] ?? null);
  }

  /** One film for every target has one coverage, too. */
  #covered(path: string): Coverage {
    const key = 'bytesAt' in this.#films ? '/' : path;
    const coverage = this.#coverage.get(key) ?? new Coverage();
    this.#coverage.set(key, coverage);
    return coverage;
  }
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? target;
}
