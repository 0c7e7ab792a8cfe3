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
import type { Fields } from '../../src/http/fields.ts';
import { type Behaviour, withFields } from './behaviour.ts';
import { Coverage } from './coverage.ts';
import type { SocketLike } from './duplex-pair.ts';
import type { Film } from './film.ts';
import { askedRange, filmFields, satisfied } from './film-fields.ts';
import { chooseStatus } from './honest-answer.ts';
import { durationOf, pieceSize } from './pace.ts';
import { pause } from './pause.ts';

export type { Behaviour } from './behaviour.ts';

/** One request as the origin saw it. */
export interface SeenRequest {
  readonly at: number;
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
  /** The number of its connection, from 1. */
  readonly connection: number;
  /** `null` until there is one, and for good where the origin hung up. */
  status: number | null;
  /** Bytes of the body that the network took. */
  bytes: number;
  /** Whether the whole answer went out. */
  complete: boolean;
}

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
  #always: Behaviour;
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

  /** From now on it behaves like this. */
  always(behaviour: Behaviour): void {
    this.#always = behaviour;
  }

  /** The next requests behave like this, one after the other, on top of what is always so. */
  next(...behaviours: readonly Behaviour[]): void {
    this.#next.push(...behaviours);
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
    const behaviour = { ...this.#always, ...this.#next.shift() };
    const closed = new AbortController();
    response.once('close', () => closed.abort(new Error('The connection is closed.')));
    response.on('error', () => {});
    try {
      await this.#reply(seen, behaviour, response, closed.signal);
    } catch (error) {
      if (!closed.signal.aborted) throw error;
    }
  }

  async #reply(seen: SeenRequest, behaviour: Behaviour, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const film = behaviour.film ?? this.#filmAt(pathOf(seen.target));
    await pause(this.#clock, behaviour.headAfter ?? 0, signal);
    if (behaviour.hangUp !== undefined) return hangUp(response, behaviour.hangUp);
    const status = behaviour.status ?? (film === null ? 404 : chooseStatus(film, seen.fields, behaviour.ignoreRange));
    seen.status = status;
    if (film === null || (status !== 200 && status !== 206)) {
      const text = status === 304 ? '' : `This is the origin's ${status}.\n`;
      const fields: Fields = film !== null && (status === 304 || status === 416) ? filmFields(film, status) : [];
      const length: Fields = [['content-length', String(text.length)]];
      this.#writeHead(
        response,
        status,
        [...fields.filter(([name]) => name !== 'content-length'), ...length],
        behaviour,
      );
      response.end(text);
      seen.complete = true;
      return;
    }
    const asked = status === 206 ? askedRange(seen.fields, film.size) : null;
    const range = satisfied(film, asked?.start ?? 0, asked?.end ?? null) ?? { start: 0, end: 0 };
    this.#writeHead(response, status, filmFields(film, status, range.start, range.end), behaviour);
    if (seen.method !== 'HEAD') {
      response.flushHeaders();
      await pause(this.#clock, behaviour.bodyAfter ?? 0, signal);
      const wrote = await this.#writeBody(film, range, seen, behaviour, response, signal);
      if (!wrote) return;
    }
    response.end();
    seen.complete = true;
  }

  #writeHead(response: ServerResponse, status: number, fields: Fields, behaviour: Behaviour): void {
    const { framing = 'length' } = behaviour;
    const date = ['date', new Date(this.#clock.wallTime()).toUTCString()] as const;
    const framed = framing === 'length' ? fields : fields.filter(([name]) => name !== 'content-length');
    if (framing === 'close') {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
    }
    response.sendDate = false;
    const own = withFields([...framed, date], behaviour.fields);
    response.writeHead(status, own.flat());
  }

  /** Writes a body piece by piece; false where the behaviour was to break it off. */
  async #writeBody(
    film: Film,
    range: ByteRange,
    seen: SeenRequest,
    behaviour: Behaviour,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { rate = Number.POSITIVE_INFINITY, cutAfter = Number.POSITIVE_INFINITY, sendTimeout } = behaviour;
    const { stallAfter = Number.POSITIVE_INFINITY } = behaviour;
    const coverage = this.#covered(pathOf(seen.target));
    // Small writes show the progress of a slow reader in time.
    const size = sendTimeout === undefined ? pieceSize(rate) : Math.min(pieceSize(rate), 4096);
    const stop = range.start + Math.min(range.end - range.start, cutAfter, stallAfter);
    for (let at = range.start; at < stop; ) {
      const end = Math.min(stop, at + size);
      await pause(this.#clock, durationOf(end - at, rate), signal);
      const slow = sendTimeout === undefined ? null : this.#clock.after(sendTimeout, () => response.destroy());
      try {
        await write(response, film.bytesAt(at, end), signal);
      } finally {
        slow?.cancel();
      }
      coverage.add(at, end);
      seen.bytes += end - at;
      at = end;
    }
    if (stop === range.end) return true;
    if (seen.bytes >= stallAfter) await pause(this.#clock, Number.POSITIVE_INFINITY, signal);
    hangUp(response, behaviour.cutBy ?? 'end');
    return false;
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

/** Resolves when the network has taken the bytes. */
function write(response: ServerResponse, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    response.write(bytes, (error) => {
      signal.removeEventListener('abort', onAbort);
      if (error) reject(error);
      else resolve();
    });
  });
}

function hangUp(response: ServerResponse, how: 'end' | 'reset'): void {
  if (how === 'reset') response.socket?.resetAndDestroy();
  else response.socket?.destroySoon();
}
