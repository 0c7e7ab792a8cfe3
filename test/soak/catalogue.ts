/** What lies at the origin of a soak: films of every size, some of whose versions are replaced while they are watched. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownVersion } from '../faults/witness.ts';
import { Film, film } from '../support/film.ts';
import { etagOf } from '../support/film-fields.ts';

/** By path, in bytes: none, a few, one block of the store and its neighbours, and more than the cache holds. */
const sizes = {
  '/empty.mp4': 0,
  '/byte.mp4': 1,
  '/few.mp4': 7,
  '/under.mp4': 262_143,
  '/block.mp4': 262_144,
  '/over.mp4': 262_145,
  '/clip.mp4': 700_001,
  '/part.mp4': 3_000_017,
  '/episode.mp4': 24_000_011,
  '/film.mp4': 60_000_049,
  '/other.mp4': 48_000_053,
  '/long.mp4': 3_000_000_019,
} as const;
export type Path = keyof typeof sizes;
export const paths = Object.keys(sizes) as [Path, ...Path[]];

/** Those whose next version differs in length, so that both can be told apart. */
export const changing: readonly [Path, ...Path[]] = ['/clip.mp4', '/part.mp4', '/episode.mp4'];

/** A film that players of other makes can decode, beside those above. */
export const picture = '/picture.mp4';
export const pictureFile = join(import.meta.dirname, '../../demo/film.mp4');

/** Versions of one film whose bytes differ; as many in a row must. */
const seedsOfFilm = 4;

export function sizeOf(path: Path): number {
  return sizes[path];
}

export function versionOf(path: Path, number: number): Film {
  return film(sizes[path] + number, paths.indexOf(path) * seedsOfFilm + (number % seedsOfFilm) + 1);
}

/** A film whose bytes lie in a file. */
export class FilmFile extends Film {
  readonly #bytes: Buffer;

  constructor(file: string) {
    const bytes = readFileSync(file);
    super(bytes.length, 0);
    this.#bytes = bytes;
  }

  override bytesAt(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end);
  }
}

/** Every version that ever stood under each path; who asks may get any of them, but never a mixture. */
export class Catalogue {
  readonly #versions = new Map<Path, KnownVersion[]>();

  constructor() {
    for (const path of paths) this.#add(path, 0);
  }

  /** A list that grows: a reply that is still to come may be of a version that is still to come, too. */
  of(path: Path): readonly KnownVersion[] {
    return this.#versions.get(path) ?? [];
  }

  /** Another version of `path` will stand there from now on; returns its number. */
  replace(path: Path): number {
    const number = this.of(path).length;
    this.#add(path, number);
    return number;
  }

  #add(path: Path, number: number): void {
    const version = versionOf(path, number);
    const known = this.#versions.get(path) ?? [];
    this.#versions.set(path, known);
    known.push({ film: version, tag: etagOf(version) });
  }
}
