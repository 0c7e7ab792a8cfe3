/**
 * One HTTP/1.1 connection over a stream that somebody else has opened: one request at a time, and reads that go to the
 * exchange whose answer comes. What comes unasked ends the connection, as does an answer after which none may follow.
 */
import type { Duplex } from 'node:stream';
import { unsendableError } from './origin-errors.ts';
import { OriginExchange } from './origin-exchange.ts';
import { type ExchangeRequest, requestHead, sendContent } from './sent-request.ts';
import type { ReadListener } from './tcp-socket.ts';

/** An idle connection is given up so many milliseconds before the server said that it would be. */
const beforeServer = 1000;

/** For streams whose memory is not used again. */
const keeps = () => {};

export class OriginConnection {
  readonly #url: URL;
  readonly #stream: Duplex;
  #exchange: OriginExchange | null = null;
  #used = false;
  #isAnswered = false;
  #isDone = false;
  #keptFor = Number.POSITIVE_INFINITY;
  readonly connectMs: number;

  /**
   * @param url its scheme, host and port name the origin that `stream` leads to
   * @param onBytes called for every read that brings bytes
   * @param connectMs what TCP took to connect, in milliseconds
   */
  constructor(url: URL, stream: Duplex, onBytes: () => void = () => {}, connectMs = 0) {
    this.connectMs = connectMs;
    this.#url = url;
    this.#stream = stream;
    const takes: ReadListener = (bytes, release = keeps) => {
      onBytes();
      if (this.#exchange === null) this.close();
      else this.#exchange.take(bytes, release);
    };
    stream.on('data', takes);
    stream.on('end', () => {
      this.#exchange?.end();
      this.close();
    });
    stream.on('error', (error) => this.#exchange?.fail(error));
    stream.on('close', () => this.#exchange?.fail(closedError()));
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

  /** Whether an answer has begun on it. */
  get answered(): boolean {
    return this.#isAnswered || this.#exchange?.answered === true;
  }

  /** Whether it goes on after the answer: else the server may be done with it long before the answer is read. */
  get isKept(): boolean {
    return this.#exchange?.isKept ?? true;
  }

  /** Whether its last answer has come to its end, rather than been given up. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** What of an answer is still to come, in bytes, as far as that is known. */
  get missing(): number {
    return this.#exchange?.missing ?? 0;
  }

  /** For how many milliseconds it may be idle, by what the server has said of it. */
  get keptFor(): number {
    return this.#keptFor;
  }

  onceClosed(listener: () => void): void {
    this.#stream.once('close', listener);
  }

  /** Sends a request; `onReusable` is called when its answer has ended and another request may follow. */
  send(request: ExchangeRequest, signal: AbortSignal, onReusable: () => void): OriginExchange {
    this.#used = true;
    this.#isDone = false;
    const { host } = this.#url;
    const { method, content } = request;
    let isSent = content === null;
    const exchange = new OriginExchange({ host, method }, signal, {
      pause: () => this.#stream.pause(),
      resume: () => this.#stream.resume(),
      over: (isReusable) => {
        this.#exchange = null;
        this.#isAnswered ||= exchange.answered;
        this.#isDone = exchange.isWhole;
        content?.destroy();
        this.#keptFor = exchange.keptFor - beforeServer;
        if (!isReusable || !isSent || this.#keptFor <= 0) {
          this.close();
        } else {
          this.#stream.resume();
          onReusable();
        }
      },
    });
    this.#exchange = exchange;
    // It was given up while it waited for its connection.
    if (signal.aborted) {
      exchange.fail(signal.reason);
      return exchange;
    }
    const head = requestHead(request, host);
    if (head === null) {
      exchange.fail(unsendableError(host));
      return exchange;
    }
    this.#stream.write(head, 'latin1');
    if (content !== null) {
      sendContent({ ...request, content }, this.#stream).then(
        () => {
          isSent = true;
        },
        (error: unknown) => exchange.fail(error),
      );
    }
    return exchange;
  }

  close(): void {
    this.#stream.destroy();
  }
}

function closedError(): Error {
  return Object.assign(new Error('The connection is closed.'), { code: 'ECONNRESET' });
}
