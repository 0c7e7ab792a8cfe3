/**
 * One request to a scripted origin, seen from the origin's side.
 *
 * It lives like this: asked → (`connected`) → `head` or `refuse` → `bytes` … → `end` or `cut`. What is given waits in
 * the network until it is read: nothing is counted, and nothing is taken from a rate, before.
 */
import { ProxyError } from '../../src/errors.ts';
import type { Fields } from '../../src/http/fields.ts';
import type { OriginBody, OriginReply, OriginRequest, ResolvedUrl } from '../../src/origin/origin.ts';
import { bump } from './activity.ts';
import type { Coverage } from './coverage.ts';
import type { Film } from './film.ts';
import { askedRange, filmFields } from './film-fields.ts';

/** What the next `read` finds: bytes, the end, or an error. */
type Piece = { readonly bytes: Buffer; readonly at: number } | { readonly end: true } | { readonly error: unknown };

interface PendingRead {
  resolve(bytes: Buffer | null): void;
  reject(error: unknown): void;
}

export class ScriptedRequest {
  readonly target: string;
  /** Where it was sent, if not to its own address. */
  readonly resolved: ResolvedUrl | null;
  readonly fields: Fields;
  /** First byte asked for: 0 without a Range field, and for a suffix the place where it begins. */
  readonly offset: number;
  /** One past the last byte asked for; `null` for an open end. */
  readonly until: number | null;
  /** Whether one more connection might have been opened in advance when it was asked. */
  readonly spare: boolean;
  /** What `open` returned. */
  readonly reply: Promise<OriginReply>;
  readonly #request: OriginRequest;
  readonly #signal: AbortSignal;
  readonly #film: Film;
  readonly #coverage: Coverage;
  readonly #opened: PromiseWithResolvers<OriginReply>;
  readonly #pieces: Piece[] = [];
  readonly #readWatchers: Array<() => void> = [];
  readonly #gone = new AbortController();
  readonly #onAbort: () => void;
  #position: number;
  #bytesRead = 0;
  #read: PendingRead | null = null;
  /** What the last read gave: overwritten by the next, as a network's memory is. */
  #given = Buffer.alloc(0);
  #phase: 'asked' | 'connected' | 'answered' | 'over' | 'cancelled' | 'aborted' = 'asked';

  constructor(request: OriginRequest, signal: AbortSignal, film: Film, coverage: Coverage) {
    const range = askedRange(request.fields, film.size);
    this.target = request.target;
    this.resolved = request.resolved ?? null;
    this.fields = request.fields;
    this.offset = range?.start ?? 0;
    this.until = range?.end ?? null;
    this.spare = (request.maySpare?.() ?? 0) > 0;
    this.#request = request;
    this.#signal = signal;
    this.#film = film;
    this.#coverage = coverage;
    this.#position = this.offset;
    this.#opened = Promise.withResolvers();
    this.reply = this.#opened.promise;
    this.#onAbort = () => this.#giveUp('aborted', signal.reason);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The signal was aborted before the request was over. */
  get aborted(): boolean {
    return this.#phase === 'aborted';
  }

  /** The body was given up before its end. */
  get cancelled(): boolean {
    return this.#phase === 'cancelled';
  }

  /** Neither over nor given up: it would hold a connection. */
  get live(): boolean {
    return this.#phase === 'asked' || this.#phase === 'connected' || this.#phase === 'answered';
  }

  /** Aborts as soon as the request is not live any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** A `read` is waiting for bytes. */
  get reading(): boolean {
    return this.#read !== null;
  }

  /** How many bytes of the body were read. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The offset of the next byte that `bytes` gives. */
  get position(): number {
    return this.#position;
  }

  /** The value of a field that was sent, or `null`. */
  field(name: string): string | null {
    return this.fields.find(([given]) => given === name)?.[1] ?? null;
  }

  /** Says that the connection is there; `connectMs` is what a new one took to come about, in milliseconds. */
  connected(connectMs?: number): this {
    if (this.#phase !== 'asked') return this;
    this.#phase = 'connected';
    this.#request.onConnected?.(connectMs);
    bump();
    return this;
  }

  /** Gives the head; without `fields`, those that are right for the film, the status and the range asked for. */
  head(status = 206, fields: Fields = filmFields(this.#film, status, this.offset, this.until)): this {
    if (!this.live) return this;
    this.connected();
    if (this.#phase === 'answered') throw new Error('The head of this request was given before.');
    this.#phase = 'answered';
    if (status === 200) this.#position = 0;
    const body: OriginBody = { read: () => this.#readOne(), cancel: () => this.#cancel() };
    const framed = fields.some(([name]) => name === 'content-length' || name === 'transfer-encoding');
    this.#opened.resolve({ status, fields, body, closeDelimited: !framed && status !== 304 });
    bump();
    return this;
  }

  /** Gives one network read: these bytes, or the next so many of the film. */
  bytes(given: Buffer | number): this {
    const bytes = typeof given === 'number' ? this.#film.bytesAt(this.#position, this.#position + given) : given;
    if (bytes.length === 0) return this;
    const at = this.#position;
    this.#position += bytes.length;
    return this.#give({ bytes, at });
  }

  /** The body ends as its framing promised. */
  end(): this {
    return this.#give({ end: true });
  }

  /** The body breaks off, after what was given. */
  cut(error: unknown = new ProxyError('connection_terminated', 'The origin closed the connection.')): this {
    return this.#give({ error });
  }

  /** No head comes: `open` rejects. */
  refuse(error: ProxyError): this {
    if (this.#phase === 'answered') throw new Error('A request that has a head can only be cut.');
    if (!this.live) return this;
    this.#close('over');
    this.#opened.reject(error);
    return this;
  }

  /** Resolves when somebody waits to read, or the request is not live any more. */
  wanted(): Promise<void> {
    if (this.#read !== null || !this.live) return Promise.resolve();
    return new Promise((resolve) => this.#readWatchers.push(resolve));
  }

  /** The origin closes: whatever was to come does not. */
  abandon(): void {
    if (!this.live) return;
    const error = new ProxyError('connection_terminated', 'The origin was closed.');
    this.#giveUp('cancelled', error);
  }

  #give(piece: Piece): this {
    if (!this.live) return this;
    if (this.#phase !== 'answered') throw new Error('A body needs a head before it.');
    this.#pieces.push(piece);
    const read = this.#read;
    if (read !== null) {
      this.#read = null;
      this.#serve(read);
    }
    bump();
    return this;
  }

  #readOne(): Promise<Buffer | null> {
    if (this.#read !== null) return Promise.reject(new Error('A second read before the first was answered.'));
    this.#given.fill('used again');
    return new Promise((resolve, reject) => {
      const read: PendingRead = { resolve, reject };
      if (this.#phase === 'aborted') reject(this.#signal.reason);
      else if (this.#phase === 'cancelled') reject(cancellation());
      else if (this.#pieces.length > 0 || this.#phase === 'over') this.#serve(read);
      else this.#read = read;
      this.#wakeWatchers();
    });
  }

  /** Answers a read with the next piece; an end or an error stays where it is. */
  #serve(read: PendingRead): void {
    const piece = this.#pieces[0];
    if (piece === undefined) return;
    bump();
    if ('bytes' in piece) {
      this.#pieces.shift();
      this.#bytesRead += piece.bytes.length;
      this.#coverage.add(piece.at, piece.at + piece.bytes.length);
      this.#given = Buffer.from(piece.bytes);
      read.resolve(this.#given);
      return;
    }
    if (this.live) this.#close('over');
    if ('error' in piece) read.reject(piece.error);
    else read.resolve(null);
  }

  #cancel(): void {
    if (this.live) this.#giveUp('cancelled', cancellation());
  }

  #giveUp(phase: 'cancelled' | 'aborted', reason: unknown): void {
    this.#close(phase);
    this.#opened.reject(reason);
    this.#read?.reject(reason);
    this.#read = null;
  }

  #close(phase: 'over' | 'cancelled' | 'aborted'): void {
    this.#phase = phase;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#gone.abort();
    this.#wakeWatchers();
    bump();
  }

  #wakeWatchers(): void {
    for (const wake of this.#readWatchers.splice(0)) wake();
  }
}

function cancellation(): DOMException {
  return new DOMException('The body was given up.', 'AbortError');
}
