/** Films of numbers with the boxes of MP4 files between them. */
import { Film } from './film.ts';

/** A film with other bytes at some offsets. */
class BoxedFilm extends Film {
  readonly #pieces: ReadonlyMap<number, Buffer>;

  constructor(size: number, pieces: ReadonlyMap<number, Buffer>) {
    super(size, 1);
    this.#pieces = pieces;
  }

  override bytesAt(start: number, end: number, into?: Buffer): Buffer {
    const bytes = super.bytesAt(start, end, into);
    for (const [at, piece] of this.#pieces) {
      const from = Math.max(start, at);
      const to = Math.min(end, at + piece.length);
      if (from < to) piece.copy(bytes, from - start, from - at, to - at);
    }
    return bytes;
  }
}

/** A box of `size` bytes, whose content begins with these. */
function box(type: string, size: number, content: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(size);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [place, value] of values.entries()) bytes.writeUInt32BE(value, 4 * place);
  return bytes;
}

/** `mvhd` of 108 bytes. */
const times = (durationMs: number) =>
  box('mvhd', 108, Buffer.concat([numbers(0, 0, 0, 1000, durationMs), Buffer.alloc(80)]));

const type = Buffer.concat([box('ftyp', 32), Buffer.alloc(24)]);

export interface TailedFilm {
  readonly film: BoxedFilm;
  /** Where the index begins, which ends with the film. */
  readonly index: number;
}

/** The index lies behind the media. */
export function tailedFilm(size: number, indexSize: number, durationMs: number): TailedFilm {
  const index = size - indexSize;
  const pieces = new Map([
    [0, Buffer.concat([type, box('mdat', index - 32)])],
    [index, Buffer.concat([box('moov', indexSize), times(durationMs)])],
  ]);
  return { film: new BoxedFilm(size, pieces), index };
}

export interface FragmentedFilm {
  readonly film: BoxedFilm;
  /** Where each fragment begins. */
  readonly fragments: readonly number[];
  /** How large the head of each is. */
  readonly head: number;
}

/** A film in so many fragments of 1 MiB, with the index of them at its end or without. */
export function fragmentedFilm(count: number, isIndexed: boolean): FragmentedFilm {
  const [head, size] = [2000, 1024 * 1024];
  const movie = Buffer.concat([box('moov', 124), times(0), box('mvex', 8)]);
  const from = type.length + movie.length;
  const fragments = Array.from({ length: count }, (_, place) => from + place * size);
  const pieces = new Map<number, Buffer>([[0, Buffer.concat([type, movie])]]);
  for (const start of fragments) {
    pieces.set(start, box('moof', head));
    pieces.set(start + head, box('mdat', size - head));
  }
  const end = from + count * size;
  const places = Buffer.concat([
    numbers(0, 1, 0, count),
    ...fragments.map((start) => Buffer.concat([numbers(0, start), Buffer.alloc(3, 1)])),
  ]);
  const tracks = box('tfra', 8 + places.length, places);
  const index = Buffer.concat([
    box('mfra', 24 + tracks.length),
    tracks,
    box('mfro', 16, numbers(0, 24 + tracks.length)),
  ]);
  if (isIndexed) pieces.set(end, index);
  return { film: new BoxedFilm(isIndexed ? end + index.length : end, pieces), fragments, head };
}
