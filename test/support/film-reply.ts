/** One reply of an HTTP origin: what an honest one would send, bent by the behaviour it was told. */
import type { ServerResponse } from 'node:http';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { Clock } from '../../src/clock.ts';
import type { Fields } from '../../src/http/fields.ts';
import { reset } from '../../src/proxy/client-connection.ts';
import { type Behaviour, withFields } from './behaviour.ts';
import type { Coverage } from './coverage.ts';
import type { Film } from './film.ts';
import { askedRange, filmFields, satisfied } from './film-fields.ts';
import { chooseStatus } from './honest-answer.ts';
import { durationOf, pieceSize } from './pace.ts';
import { pause } from './pause.ts';

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

export interface FilmReplyParts {
  readonly clock: Clock;
  readonly seen: SeenRequest;
  /** With the film that stands under the request's target; `null` where there is none. */
  readonly behaviour: Omit<Behaviour, 'film'> & { readonly film: Film | null };
  readonly coverage: Coverage;
  readonly response: ServerResponse;
}

/** The largest write where progress is watched, so that a slow reader's shows in time. */
const watchedSize = 4096;

export class FilmReply {
  readonly #parts: FilmReplyParts;
  readonly #closed = new AbortController();

  constructor(parts: FilmReplyParts) {
    this.#parts = parts;
    const { response } = parts;
    response.once('close', () => this.#closed.abort(new Error('The connection is closed.')));
    response.on('error', () => {});
  }

  /** Replies to the end, or until the connection is closed. */
  async run(): Promise<void> {
    try {
      await this.#reply();
    } catch (error) {
      const gone = this.#closed.signal.aborted || (this.#parts.response.socket?.destroyed ?? true);
      if (!gone) throw error;
    }
  }

  async #reply(): Promise<void> {
    const { behaviour, seen, clock } = this.#parts;
    const { headAfter = 0, hangUp, raw, interimEvery, signedFor } = behaviour;
    await this.#pause(headAfter);
    if (hangUp !== undefined) return this.#hangUp(hangUp);
    if (raw !== undefined) return void this.#parts.response.socket?.write(raw);
    while (interimEvery !== undefined) {
      this.#parts.response.writeEarlyHints({ link: '</next>; rel=preload' });
      await this.#pause(interimEvery);
    }
    const [, until] = /[?&]signed-until=(\d+)/.exec(seen.target) ?? [];
    if (signedFor !== undefined && until === undefined) return this.#redirect(signedFor);
    const { film, ...own } = behaviour;
    const expired = until !== undefined && clock.now() > Number(until) ? 403 : undefined;
    const forHead = seen.method === 'HEAD' ? behaviour.statusOfHead : undefined;
    const status =
      forHead ?? behaviour.status ?? expired ?? (film === null ? 404 : chooseStatus(film, seen.fields, own));
    seen.status = status;
    if (film !== null && (status === 200 || status === 206)) await this.#sendFilm(film, status);
    else this.#sendText(status, film === null || (status !== 304 && status !== 416) ? [] : filmFields(film, status));
  }

  /** To an address that only this host has given out. */
  #redirect(goodFor: number): void {
    const { seen, clock, behaviour } = this.#parts;
    const { signedAt = '93.184.216.34' } = behaviour;
    seen.status = 302;
    const until = Math.ceil(clock.now() + goodFor);
    const joint = seen.target.includes('?') ? '&' : '?';
    this.#sendText(302, [['location', `http://${signedAt}${seen.target}${joint}signed-until=${until}`]]);
  }

  #sendText(status: number, fields: Fields): void {
    const text = status === 304 ? '' : `This is the origin's ${status}.\n`;
    const described = fields.filter(([name]) => name !== 'content-length');
    this.#sendHead(status, [...described, ['content-length', String(text.length)]]);
    this.#end(text);
  }

  async #sendFilm(film: Film, status: 200 | 206): Promise<void> {
    const { seen, behaviour, response } = this.#parts;
    const range = status === 206 ? this.#partOf(film) : { start: 0, end: film.size };
    seen.status = behaviour.success ?? status;
    this.#sendHead(seen.status, filmFields(film, status, range.start, range.end));
    if (seen.method !== 'HEAD') {
      response.flushHeaders();
      await this.#pause(behaviour.bodyAfter ?? 0);
      const { cutAfter = Number.POSITIVE_INFINITY, stallAfter = Number.POSITIVE_INFINITY } = behaviour;
      const { stallFor = Number.POSITIVE_INFINITY, surplus = 0 } = behaviour;
      const cut = Math.min(range.end, range.start + cutAfter);
      const stall = Math.min(cut, range.start + stallAfter);
      await this.#sendBody(film, { start: range.start, end: stall });
      if (stall < range.end && stallAfter < cutAfter) await this.#pause(stallFor);
      await this.#sendBody(film, { start: stall, end: cut });
      if (cut < range.end) return this.#hangUp(behaviour.cutBy ?? 'end');
      if (surplus > 0) await this.#write(Buffer.alloc(surplus));
    }
    this.#end();
  }

  /** The part asked for, or the one that the behaviour has in its place. */
  #partOf(film: Film): ByteRange {
    const { seen, behaviour } = this.#parts;
    const { start = 0, end = null } = askedRange(seen.fields, film.size) ?? {};
    const { shift = 0 } = behaviour;
    const part = shift === 0 ? null : satisfied(film, start + shift, end);
    return part ?? satisfied(film, start, end) ?? { start: 0, end: 0 };
  }

  #sendHead(status: number, fields: Fields): void {
    const { behaviour, clock, response } = this.#parts;
    const { framing = 'length' } = behaviour;
    if (framing === 'close') {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
    }
    const framed = framing === 'length' ? fields : fields.filter(([name]) => name !== 'content-length');
    const date = new Date(clock.wallTime()).toUTCString();
    response.sendDate = false;
    response.writeHead(status, withFields([...framed, ['date', date]], behaviour.fields).flat());
  }

  async #sendBody(film: Film, range: ByteRange): Promise<void> {
    const { behaviour, clock, coverage, response, seen } = this.#parts;
    const { rate = Number.POSITIVE_INFINITY, sendTimeout } = behaviour;
    const size = sendTimeout === undefined ? pieceSize(rate) : Math.min(pieceSize(rate), watchedSize);
    for (let at = range.start; at < range.end; ) {
      const end = Math.min(range.end, at + size);
      await this.#pause(durationOf(end - at, rate));
      const slow = sendTimeout === undefined ? null : clock.after(sendTimeout, () => response.destroy());
      try {
        await this.#write(film.bytesAt(at, end));
      } finally {
        slow?.cancel();
      }
      coverage.add(at, end);
      seen.bytes += end - at;
      at = end;
    }
  }

  /** Resolves when the network has taken the bytes. */
  #write(bytes: Buffer): Promise<void> {
    const { signal } = this.#closed;
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#parts.response.write(bytes, (error) => {
        signal.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  #end(text = ''): void {
    this.#parts.response.end(text);
    this.#parts.seen.complete = true;
  }

  #hangUp(how: 'end' | 'reset'): void {
    const { socket } = this.#parts.response;
    if (how === 'reset' && socket !== null) reset(socket);
    else socket?.destroySoon();
  }

  #pause(duration: number): Promise<void> {
    return pause(this.#parts.clock, duration, this.#closed.signal);
  }
}
