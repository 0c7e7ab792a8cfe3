/**
 * The content of a body in chunks (RFC 9112 §7.1), as bytes come. Extensions and trailers are left out. Where readers differ
 * in where a chunk ends, it is refused: all later answers on the connection depend on that.
 */
import { Refused } from './answer-head.ts';

/** Bytes of a line, and of all trailers. */
const mostLine = 16 * 1024;
const mostTrailers = 64 * 1024;

/** No size is above what a number holds. Space behind it is read away (RFC 9112 §7.1.1): some servers fill a size up. */
const sizeLine = /^0*([\da-f]{1,13})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/i;
const trailerLine = /^[!#$%&'*+.^_`|~\w-]+:[\t\x20-\x7e\x80-\xff]*$/;

export class ChunkedContent {
  #state: 'size' | 'bytes' | 'end of bytes' | 'trailers' | 'over' = 'size';
  /** Of the chunk. */
  #missing = 0;
  /** What has come of a line. */
  #line = '';
  #trailers = 0;

  /** Whether the last chunk has come, with all that belongs to it. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** The content in `bytes`, and what is behind the body. Throws `Refused`. */
  take(bytes: Buffer): { readonly content: Buffer; readonly rest: Buffer } {
    const pieces: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && this.#state !== 'over') {
      if (this.#state === 'bytes') {
        const piece = bytes.subarray(at, at + this.#missing);
        pieces.push(piece);
        at += piece.length;
        this.#missing -= piece.length;
        if (this.#missing === 0) this.#state = 'end of bytes';
      } else {
        at = this.#takeLine(bytes, at);
      }
    }
    const [first = bytes.subarray(0, 0)] = pieces;
    return { content: pieces.length > 1 ? Buffer.concat(pieces) : first, rest: bytes.subarray(at) };
  }

  /** Reads on in a line from `at`; returns where what follows begins. */
  #takeLine(bytes: Buffer, at: number): number {
    const lineFeed = bytes.indexOf(0x0a, at);
    const end = lineFeed === -1 ? bytes.length : lineFeed + 1;
    if (this.#line.length + end - at > mostLine) throw new Refused('malformed');
    this.#line += bytes.toString('latin1', at, end);
    // What can't become an end of bytes need not be waited for.
    if (this.#state === 'end of bytes' && !'\r\n'.startsWith(this.#line)) throw new Refused('malformed');
    if (lineFeed !== -1) {
      if (!this.#line.endsWith('\r\n')) throw new Refused('malformed');
      const line = this.#line.slice(0, -2);
      this.#line = '';
      this.#endLine(line);
    } else if (this.#state === 'size' && !/^[\da-f]*(?:[\t ;\r]|$)/i.test(this.#line)) {
      throw new Refused('malformed');
    }
    return end;
  }

  #endLine(line: string): void {
    if (this.#state === 'end of bytes') {
      this.#state = 'size';
    } else if (this.#state === 'size') {
      const [, size] = sizeLine.exec(line) ?? [];
      if (size === undefined) throw new Refused('malformed');
      this.#missing = Number.parseInt(size, 16);
      this.#state = this.#missing === 0 ? 'trailers' : 'bytes';
    } else if (line === '') {
      this.#state = 'over';
    } else {
      this.#trailers += line.length;
      if (this.#trailers > mostTrailers || !trailerLine.test(line)) throw new Refused('malformed');
    }
  }
}
