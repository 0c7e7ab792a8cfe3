/**
 * One request on one connection: makes a head to await and a body to pull of the bytes that come.
 *
 * At most one network read lies unread here; then the connection is paused, the socket's buffer fills up, and the rest
 * stays in the network. A body ends with `null` only where its framing says so (RFC 9112 §6.3), and a connection that
 * failed ends no body, not even one whose end is the end of the connection.
 */
import { type AnswerHead, AnswerHeadReader, type Framing, Refused } from './answer-head.ts';
import { ChunkedContent } from './chunked-content.ts';
import type { OriginBody, OriginReply } from './origin.ts';
import { bodyGivenUp, cutError, originError, refusalError } from './origin-errors.ts';

/** What an exchange needs of its connection. */
export interface ExchangeHost {
  pause(): void;
  resume(): void;
  /** Called once: the answer has ended as its framing promised, and its connection may have another request; or not. */
  over(isReusable: boolean): void;
}

/** What lies in memory that may be used again after `release`. */
interface Piece {
  readonly bytes: Buffer;
  release(): void;
}

export class OriginExchange implements OriginBody {
  readonly #host: string;
  readonly #method: string;
  readonly #signal: AbortSignal;
  readonly #connection: ExchangeHost;
  readonly #head = Promise.withResolvers<OriginReply>();
  readonly #headReader = new AnswerHeadReader();
  readonly #unread: Piece[] = [];
  #reader: PromiseWithResolvers<Buffer | null> | null = null;
  /** Of what was read last. */
  #release = () => {};
  #answer: AnswerHead | null = null;
  #chunks: ChunkedContent | null = null;
  /** Of a body of announced length. */
  #missing = Number.POSITIVE_INFINITY;
  /** All of the answer has come: whether another may follow. What is unread ends when it is read. */
  #whole: { readonly isReusable: boolean } | null = null;
  #outcome: { readonly error: unknown } | 'ended' | null = null;

  /** `host` is named in errors. */
  constructor(
    { host, method }: { readonly host: string; readonly method: string },
    signal: AbortSignal,
    connection: ExchangeHost,
  ) {
    this.#host = host;
    this.#method = method;
    this.#signal = signal;
    this.#connection = connection;
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  get head(): Promise<OriginReply> {
    return this.#head.promise;
  }

  /** Whether any byte of an answer has come. */
  get answered(): boolean {
    return this.#answer !== null || this.#headReader.hasBegun;
  }

  /** Whether all of the answer has come and been read. */
  get isWhole(): boolean {
    return this.#outcome === 'ended';
  }

  /** Whether the connection goes on after the answer, by what that says. */
  get isKept(): boolean {
    return this.#answer?.isKept ?? true;
  }

  /** What is missing of a body of announced length, in bytes; 0 of any other. */
  get missing(): number {
    return this.#missing === Number.POSITIVE_INFINITY ? 0 : this.#missing;
  }

  /** For how many milliseconds the connection may be idle after the answer, as far as that says it. */
  get keptFor(): number {
    return this.#answer?.keptFor ?? Number.POSITIVE_INFINITY;
  }

  read(): Promise<Buffer | null> {
    if (this.#reader !== null) return Promise.reject(new Error('read() was called while another read() waits'));
    this.#release();
    const piece = this.#unread.shift();
    if (piece !== undefined) {
      this.#release = piece.release;
      if (this.#unread.length === 0) this.#readOn();
      return Promise.resolve(piece.bytes);
    }
    if (this.#outcome === 'ended') return Promise.resolve(null);
    if (this.#outcome !== null) return Promise.reject(this.#outcome.error);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  cancel(): void {
    this.#giveUp(bodyGivenUp);
  }

  /** Bytes have come. `release` is called when nobody looks at them any more; never where that is not known. */
  take(bytes: Buffer, release: () => void): void {
    try {
      if (this.#whole !== null) throw new Refused('malformed');
      const body = this.#answer === null ? this.#takeHead(bytes) : bytes;
      if (body !== null) this.#takeBody(body, release);
    } catch (error) {
      this.fail(error instanceof Refused ? refusalError(error.why, this.#host) : error);
    }
  }

  /** The connection has come to its end in an orderly way. */
  end(): void {
    if (this.#framing === 'close' && this.#answer !== null) this.#finish(false);
    else this.fail(cutError(this.#answer === null ? 'head' : 'body', this.#host));
  }

  /** Nothing more will come. */
  fail(cause: unknown): void {
    if (this.#whole !== null) this.#whole = { isReusable: false };
    else this.#fail(cause);
  }

  #fail(cause: unknown): void {
    const error = originError(cause, this.#host, this.#answer === null ? 'head' : 'body');
    if (this.#settle({ error })) this.#connection.over(false);
  }

  /** What is behind the head, where a body begins there; `null` where nothing more comes of it. */
  #takeHead(bytes: Buffer): Buffer | null {
    const read = this.#headReader.take(bytes);
    if (read === null) return null;
    const { head, rest } = read;
    this.#answer = head;
    const { status, fields } = head;
    const framing = this.#framing;
    if (framing === 'chunked') this.#chunks = new ChunkedContent();
    if (typeof framing === 'number') this.#missing = framing;
    this.#head.resolve({ status, fields, body: this, closeDelimited: framing === 'close' });
    if (framing === 0) {
      this.#finish(head.isKept && rest.length === 0 && !this.#mayHaveContent);
      return null;
    }
    return rest;
  }

  /** How its body ends: HEAD, 204 and 304 have none (RFC 9112 §6.3, rule 1). */
  get #framing(): Framing {
    const { status, framing } = this.#answer ?? { status: 0, framing: 'close' };
    return this.#method === 'HEAD' || status === 204 || status === 304 ? 0 : framing;
  }

  /** Whether something may follow an answer that has no content, because its head says so or the server does not care. */
  get #mayHaveContent(): boolean {
    return this.#method === 'HEAD' || (this.#answer?.framing !== 0 && this.#answer?.framing !== 'close');
  }

  #takeBody(bytes: Buffer, release: () => void): void {
    if (this.#chunks !== null) {
      const { content, rest } = this.#chunks.take(bytes);
      this.#give({ bytes: content, release });
      if (this.#chunks.isOver) this.#finish(rest.length === 0 && this.#answer?.isKept === true);
      return;
    }
    const content = bytes.length > this.#missing ? bytes.subarray(0, this.#missing) : bytes;
    this.#missing -= content.length;
    this.#give({ bytes: content, release });
    if (this.#missing === 0) this.#finish(content === bytes && this.#answer?.isKept === true);
  }

  #give(piece: Piece): void {
    if (piece.bytes.length === 0) {
      piece.release();
    } else if (this.#reader === null) {
      this.#unread.push(piece);
      this.#connection.pause();
    } else {
      this.#release = piece.release;
      this.#reader.resolve(piece.bytes);
      this.#reader = null;
    }
  }

  readonly #abort = (): void => this.#giveUp(this.#signal.reason);

  #giveUp(error: unknown): void {
    if (this.#outcome !== null) return;
    this.#unread.length = 0;
    this.#fail(error);
  }

  #finish(isReusable: boolean): void {
    this.#whole = { isReusable };
    if (this.#unread.length === 0) this.#readOn();
  }

  /** Nothing is unread any more. */
  #readOn(): void {
    if (this.#whole === null) this.#connection.resume();
    else if (this.#settle('ended')) this.#connection.over(this.#whole.isReusable);
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
