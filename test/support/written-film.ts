/** Films that begin with a text. */
import assert from 'node:assert/strict';
import { Film } from './film.ts';

/** A file that begins with a text; `version` makes the rest another one. */
export function beginning(text: string, size: number, version: number): Film {
  return new WrittenFilm(text, size, version);
}

class WrittenFilm extends Film {
  readonly #text: Buffer;

  constructor(text: string, size: number, version: number) {
    super(size, version);
    this.#text = Buffer.from(text);
  }

  override bytesAt(start: number, end: number, into?: Buffer): Buffer {
    const bytes = super.bytesAt(start, end, into);
    this.#text.copy(bytes, 0, Math.min(start, this.#text.length));
    return bytes;
  }

  override assertBytes(offset: number, bytes: Uint8Array): void {
    assert.ok(this.bytesAt(offset, offset + bytes.length).equals(bytes), `other bytes at ${offset}`);
  }
}
