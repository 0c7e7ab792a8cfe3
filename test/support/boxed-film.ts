/** A film of numbers in the boxes of an MP4 file whose index lies behind the media. */
import { Film } from './film.ts';

/** A box with its size in 32 bits, and a content that begins with these bytes. */
function box(type: string, size: number, content: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(size);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

export class BoxedFilm extends Film {
  /** Where the index begins, which ends with the film. */
  readonly index: number;
  readonly #pieces: ReadonlyMap<number, Buffer>;

  constructor(size: number, indexSize: number, durationMs: number) {
    super(size, 1);
    this.index = size - indexSize;
    const times = Buffer.alloc(100);
    times.writeUInt32BE(1000, 12);
    times.writeUInt32BE(durationMs, 16);
    this.#pieces = new Map([
      [0, Buffer.concat([box('ftyp', 32), Buffer.alloc(24), box('mdat', this.index - 32)])],
      [this.index, Buffer.concat([box('moov', indexSize), box('mvhd', 108, times)])],
    ]);
  }

  override bytesAt(start: number, end: number): Buffer {
    const bytes = super.bytesAt(start, end);
    for (const [at, piece] of this.#pieces) {
      const from = Math.max(start, at);
      const to = Math.min(end, at + piece.length);
      if (from < to) piece.copy(bytes, from - start, from - at, to - at);
    }
    return bytes;
  }
}
