/**
 * One request on one connection: turns undici's callbacks into a head to await and a body to pull.
 *
 * At most one network read lies unread here; then the parser pauses, the socket's buffer fills up, and the rest
 * stays in the network. A body ends with `null` only where its framing says so (RFC 9112 §6.3), and a socket that
 * failed ends no body, not even one whose end is the end of the connection.
 */
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { ProxyError } from '../errors.ts';
import { type Fields, fieldsFromRaw } from '../http/fields.ts';
import type { HeadMender } from './head-mender.ts';
import type { OriginBody, OriginReply } from './origin.ts';
import { originError } from './origin-errors.ts';

type Controller = Dispatcher.DispatchController;

export class OriginExchange implements Dispatcher.DispatchHandler, OriginBody {
  readonly #host: string;
  readonly #method: string;
  readonly #socket: Duplex;
  readonly #signal: AbortSignal;
  readonly #onDone: (ended: boolean) => void;
  readonly #mender: Pick<HeadMender, 'isInHead' | 'isOld'>;
  readonly #head = Promise.withResolvers<OriginReply>();
  readonly #unread: Buffer[] = [];
  #controller: Controller | null = null;
  #reader: PromiseWithResolvers<Buffer | null> | null = null;
  #stage: 'head' | 'body' = 'head';
  #outcome: { readonly error: unknown } | 'ended' | null = null;
  #answered = false;
  #closeDelimited = false;

  /**
   * @param onDone called once, with whether the answer `ended` as its framing promised
   * @param mender knows what has come of the answer's head
   */
  constructor(
    { host, method, socket }: { readonly host: string; readonly method: string; readonly socket: Duplex },
    signal: AbortSignal,
    onDone: (ended: boolean) => void,
    mender: Pick<HeadMender, 'isInHead' | 'isOld'>,
  ) {
    this.#host = host;
    this.#method = method;
    this.#socket = socket;
    this.#signal = signal;
    this.#onDone = onDone;
    this.#mender = mender;
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  get head(): Promise<OriginReply> {
    return this.#head.promise;
  }

  /** Whether any byte of an answer has come. */
  get answered(): boolean {
    return this.#answered || this.#mender.isInHead;
  }

  read(): Promise<Buffer | null> {
    if (this.#reader !== null) return Promise.reject(new Error('read() was called while another read() waits'));
    const bytes = this.#unread.shift();
    if (bytes !== undefined) {
      if (this.#unread.length === 0) this.#controller?.resume();
      return Promise.resolve(bytes);
    }
    if (this.#outcome === 'ended') return Promise.resolve(null);
    if (this.#outcome !== null) return Promise.reject(this.#outcome.error);
    const reader = Promise.withResolvers<Buffer | null>();
    this.#reader = reader;
    this.#controller?.resume();
    return reader.promise;
  }

  cancel(): void {
    this.#giveUp(new DOMException('The rest of the body was given up.', 'AbortError'));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart(controller: Controller, status: number): void {
    if (status < 200) return;
    const fields = fieldsOf(controller);
    this.#closeDelimited = this.#method !== 'HEAD' && isCloseDelimited(status, fields, this.#host, this.#mender.isOld);
    this.#stage = 'body';
    this.#head.resolve({ status, fields, body: this, closeDelimited: this.#closeDelimited });
  }

  onResponseData(controller: Controller, bytes: Buffer): void {
    // The parser, woken while nothing has come, reports an empty piece.
    if (bytes.length === 0 || this.#outcome !== null) return;
    if (this.#reader === null) {
      this.#unread.push(bytes);
      controller.pause();
    } else {
      this.#reader.resolve(bytes);
      this.#reader = null;
    }
  }

  onResponseEnd(): void {
    if (this.#closeDelimited && this.#socket.errored !== null) this.#fail(this.#socket.errored);
    else if (this.#settle('ended')) this.#onDone(true);
  }

  onResponseError(_controller: Controller | null, error: unknown): void {
    this.#fail(error);
  }

  readonly #abort = (): void => this.#giveUp(this.#signal.reason);

  #giveUp(error: unknown): void {
    if (this.#outcome !== null) return;
    this.#unread.length = 0;
    this.#fail(error);
  }

  #fail(cause: unknown): void {
    const error = originError(cause, this.#host, this.#stage);
    if (this.#settle({ error })) this.#onDone(false);
  }

  #settle(outcome: { readonly error: unknown } | 'ended'): boolean {
    if (this.#outcome !== null) return false;
    this.#outcome = outcome;
    this.#signal.removeEventListener('abort', this.#abort);
    if (outcome === 'ended') {
      this.#reader?.resolve(null);
    } else {
      this.#head.reject(outcome.error);
      this.#reader?.reject(outcome.error);
    }
    this.#reader = null;
    return true;
  }
}

function fieldsOf({ rawHeaders }: Controller): Fields {
  if (!Array.isArray(rawHeaders)) return [];
  const fields = fieldsFromRaw(rawHeaders.map((raw) => raw.toString('latin1')));
  // Not trim(): read as Latin-1, the last byte of a UTF-8 letter can look like a space.
  return fields.map(([name, value]) => [name, value.replace(/^[ \t]+|[ \t]+$/g, '')]);
}

/** Whether only the end of the connection ends the body (RFC 9112 §6.3, rule 8). */
function isCloseDelimited(status: number, fields: Fields, host: string, old: boolean): boolean {
  const codings = fields.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value.toLowerCase());
  if (codings.length > 0) {
    if (old) throw new ProxyError('http_protocol_error', `${host} sent a transfer coding in HTTP/1.0, which has none.`);
    if (codings.join() === 'chunked') return false;
    throw new ProxyError('http_protocol_error', `${host} sent a transfer coding that nobody asked for.`);
  }
  return status !== 204 && status !== 304 && !fields.some(([name]) => name === 'content-length');
}
