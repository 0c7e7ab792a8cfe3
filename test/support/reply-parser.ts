/**
 * Reads HTTP/1.1 replies from a stream of bytes, as a strict player would (RFC 9112 §6.3).
 *
 * One parser reads one reply, from its first byte to its end; what is left over belongs to the next.
 */
import type { Fields } from '../../src/http/fields.ts';

export interface ReplyHead {
  /** The version after `HTTP/`. */
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** Names in lower case. */
  readonly fields: Fields;
}

export interface ReplyListener {
  onHead(head: ReplyHead): void;
  onBody(bytes: Buffer): void;
}

const lineEnd = '\r\n';
const headEnd = '\r\n\r\n';
/** Larger heads than this are a broken stream. */
const headLimit = 256 * 1024;

export class ReplyParser {
  readonly #method: string;
  readonly #listener: ReplyListener;
  #rest: Buffer = Buffer.alloc(0);
  #expects: 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'close' | 'nothing' = 'head';
  #left = 0;

  /** `method` is that of the request: the reply to a HEAD has no body. */
  constructor(method: string, listener: ReplyListener) {
    this.#method = method;
    this.#listener = listener;
  }

  /** Whether the reply has come to its end. */
  get complete(): boolean {
    return this.#expects === 'nothing';
  }

  /** Whether the connection's end is the reply's end. */
  get endsWithConnection(): boolean {
    return this.#expects === 'close';
  }

  /** Reads on; returns the bytes behind the end of this reply. Throws an `Error` where it is no HTTP. */
  read(bytes: Buffer): Buffer {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#step());
    if (!this.complete) return Buffer.alloc(0);
    const behind = this.#rest;
    this.#rest = Buffer.alloc(0);
    return behind;
  }

  /** One step forward; false where more bytes are needed. */
  #step(): boolean {
    switch (this.#expects) {
      case 'head':
        return this.#readHead();
      case 'length':
      case 'chunk':
        return this.#readCounted();
      case 'close':
        return this.#give(this.#rest.length);
      case 'chunk-size':
        return this.#readChunkSize();
      case 'chunk-end':
        return this.#readLine((line) => {
          if (line !== '') throw new Error('A chunk is longer than its size.');
          this.#expects = 'chunk-size';
        });
      case 'trailers':
        return this.#readLine((line) => {
          if (line === '') this.#expects = 'nothing';
        });
      case 'nothing':
        return false;
    }
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf(headEnd);
    if (end < 0 && this.#rest.length > headLimit) throw new Error('The head has no end.');
    if (end < 0) return false;
    const head = parseHead(this.#rest.toString('latin1', 0, end));
    this.#rest = this.#rest.subarray(end + headEnd.length);
    this.#listener.onHead(head);
    if (head.status >= 200) this.#expectBody(head);
    return true;
  }

  #expectBody({ status, fields }: ReplyHead): void {
    const values = (name: string) => fields.filter(([given]) => given === name).map(([, value]) => value);
    const lengths = new Set(values('content-length'));
    const chunked = values('transfer-encoding').some((value) => value.toLowerCase().endsWith('chunked'));
    if (lengths.size > 1 || (chunked && lengths.size > 0)) throw new Error('The length of the body is told twice.');
    const [length] = lengths;
    if (this.#method === 'HEAD' || status === 204 || status === 304) this.#expects = 'nothing';
    else if (chunked) this.#expects = 'chunk-size';
    else if (length === undefined) this.#expects = 'close';
    else this.#expect('length', Number(length));
  }

  #readChunkSize(): boolean {
    return this.#readLine((line) => {
      const size = Number.parseInt(line, 16);
      if (!/^[0-9a-f]+(;|$)/i.test(line)) throw new Error(`"${line}" is no chunk size.`);
      if (size === 0) this.#expects = 'trailers';
      else this.#expect('chunk', size);
    });
  }

  #expect(what: 'length' | 'chunk', size: number): void {
    this.#left = size;
    this.#expects = size === 0 ? 'nothing' : what;
  }

  #readCounted(): boolean {
    const more = this.#give(Math.min(this.#left, this.#rest.length));
    if (this.#left === 0) this.#expects = this.#expects === 'chunk' ? 'chunk-end' : 'nothing';
    return more;
  }

  #give(size: number): boolean {
    if (size === 0) return false;
    const bytes = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    this.#left -= size;
    this.#listener.onBody(bytes);
    return true;
  }

  #readLine(onLine: (line: string) => void): boolean {
    const end = this.#rest.indexOf(lineEnd);
    if (end < 0) return false;
    const line = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + lineEnd.length);
    onLine(line);
    return true;
  }
}

function parseHead(text: string): ReplyHead {
  const [statusLine = '', ...lines] = text.split(lineEnd);
  const [, version, status, reason] = /^HTTP\/(\d\.\d) (\d{3}) ?(.*)$/.exec(statusLine) ?? [];
  if (version === undefined || status === undefined) throw new Error(`"${statusLine}" is no status line.`);
  const fields = lines.map((line) => {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9a-z-]+):[ \t]*(.*?)[ \t]*$/i.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`"${line}" is no header field.`);
    return [name.toLowerCase(), value] as const;
  });
  return { version, status: Number(status), reason: reason ?? '', fields };
}
