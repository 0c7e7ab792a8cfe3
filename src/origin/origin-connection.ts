/**
 * One HTTP/1.1 connection over a stream that somebody else has opened.
 *
 * It is an undici `Client` that may connect exactly once: the address guard has judged its stream, and no other may take
 * its place. undici's own timers are off, since budgets are the caller's. What it reads of an answer's head was put right
 * before (`head-mender.ts`).
 */
import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { Client, type Dispatcher } from 'undici';
import type { Fields } from '../http/fields.ts';
import { HeadMender } from './head-mender.ts';
import { OriginExchange } from './origin-exchange.ts';

/** Bytes of a head, names and values together. */
const maxHeadSize = 64 * 1024;

/** undici's own timers never fire. */
const longestTimerMs = 2 ** 31 - 1;

/** One request as it is written. */
export interface ExchangeRequest {
  readonly method: string;
  readonly path: string;
  readonly fields: Fields;
  readonly content: Readable | null;
}

export class OriginConnection {
  readonly #url: URL;
  readonly #stream: Duplex;
  readonly #client: Client;
  readonly #onBytes: () => void;
  readonly #mender = new HeadMender();
  #used = false;
  readonly connectMs: number;

  /**
   * @param url its scheme, host and port name the origin that `stream` leads to
   * @param onBytes called for every read that brings bytes
   * @param connectMs what TCP took to connect, in milliseconds
   */
  constructor(url: URL, stream: Duplex, onBytes: () => void = () => {}, connectMs = 0) {
    this.connectMs = connectMs;
    this.#url = url;
    this.#onBytes = onBytes;
    this.#stream = stream;
    // Nobody else listens before the first request. `usable` tells that the connection is dead.
    stream.on('error', () => {});
    this.#watch();
    let taken = false;
    this.#client = new Client(url.origin, {
      connect: (_options, connected) => {
        const again = taken;
        taken = true;
        // undici uses nothing of a socket that other streams lack, and expects the answer in a later turn.
        queueMicrotask(() => (again ? connected(closedError(), null) : connected(null, stream as Socket)));
      },
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: longestTimerMs,
      keepAliveMaxTimeout: longestTimerMs,
      maxHeaderSize: maxHeadSize,
    });
  }

  /** Scheme, host and port of the server. */
  get origin(): string {
    return this.#url.origin;
  }

  /** Whether another request may be tried on it. */
  get usable(): boolean {
    return !this.#stream.destroyed;
  }

  /** Whether it had a request: it has shown how fast it may be, and one that never had any begins slowly (RFC 5681 §3.1). */
  get used(): boolean {
    return this.#used;
  }

  onceClosed(listener: () => void): void {
    this.#stream.once('close', listener);
  }

  /** Sends a request; `onReusable` is called when its answer has ended and another request may follow. */
  send(
    { path, method, fields, content }: ExchangeRequest,
    signal: AbortSignal,
    onReusable: () => void,
  ): OriginExchange {
    this.#used = true;
    this.#mender.expect();
    const onDone = (ended: boolean) => {
      if (ended) onReusable();
      else this.close();
    };
    const exchange = new OriginExchange(
      { host: this.#url.host, method, socket: this.#stream },
      signal,
      onDone,
      this.#mender,
    );
    // undici names only some methods, and takes every token.
    const named = method as Dispatcher.HttpMethod;
    this.#client.dispatch({ path, method: named, headers: fields.flat(), body: content }, exchange);
    return exchange;
  }

  #watch(): void {
    const read = this.#stream.read.bind(this.#stream);
    this.#stream.read = (size) => {
      for (;;) {
        const bytes: unknown = read(size);
        if (!Buffer.isBuffer(bytes)) return bytes;
        this.#onBytes();
        const mended = this.#mender.mend(bytes);
        if (mended !== null) return mended;
      }
    };
  }

  close(): void {
    this.#stream.destroy();
  }
}

function closedError(): Error {
  return Object.assign(new Error('The connection is closed.'), { code: 'ECONNRESET' });
}
