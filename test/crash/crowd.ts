/**
 * Viewers by chance: they come to a few films from the start and by seeking, several to one film, read at paces of
 * their own and leave early; and films are replaced under them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../faults/chance.ts';
import type { Firstbyte } from './firstbyte.ts';
import type { Library } from './library.ts';
import { watch } from './viewer.ts';

/** The films, in bytes; a version is so many bytes longer. The first begin with nothing, and with one block of the store. */
const sizes = {
  '/nothing': 0,
  '/block': 262_143,
  '/clip': 100_003,
  '/short': 600_011,
  '/part': 1_100_009,
  '/episode': 2_200_013,
  '/film': 17_000_003,
};
export type Path = keyof typeof sizes;
export const paths = Object.keys(sizes) as [Path, ...Path[]];

/** Versions of one film whose bytes differ; as many in a row must. */
const seedsOfFilm = 8;

/** What has been begun in one round. */
export interface Gathering {
  /** Films that have a new version since. */
  readonly replaced: readonly Path[];
  /** Resolves when every viewer has ended; rejects where one saw what is wrong. */
  readonly ended: Promise<unknown>;
  /** Nobody comes any more, and everybody takes at once what there still is. */
  hurry(): void;
}

export class Crowd {
  readonly #library: Library;
  readonly #versions = new Map<Path, number>();

  constructor(library: Library) {
    this.#library = library;
    for (const path of paths) this.#replace(path);
  }

  gather(firstbyte: Firstbyte, chance: Chance): Gathering {
    const replaced = paths.filter(() => chance.is(0.5));
    for (const path of replaced) this.#replace(path);
    this.#library.rate = chance.one([1_000_000, 3_000_000, 10_000_000, Number.POSITIVE_INFINITY]);
    const viewers = chance.many(2, 6, () => {
      const path = chance.one([chance.one(paths), ...replaced]);
      const from = chance.is(0.4) ? {} : { from: chance.between(0, Math.max(0, sizes[path] - 1)) };
      const leaves = chance.one(['end', 'reset'] as const);
      const most = chance.is(0.3) ? { most: chance.about(1, 5_000_000), leaves } : {};
      return { path, after: chance.between(0, 300), watching: { ...from, ...most, rate: chance.about(200_000, 5e7) } };
    });
    const hurried = new AbortController();
    const ended = Promise.all(
      viewers.map(async ({ path, after, watching }) => {
        await sleep(after);
        if (hurried.signal.aborted) return;
        await watch(firstbyte, this.#library, path, { ...watching, unhurried: hurried.signal });
      }),
    );
    // What is wrong is told to whoever waits for the end; until then it must not be an unheard rejection.
    ended.catch(() => {});
    return { replaced, ended, hurry: () => hurried.abort() };
  }

  /** The next version of a film stands under `path` from now on. */
  #replace(path: Path): void {
    const version = this.#versions.get(path) ?? 0;
    this.#versions.set(path, version + 1);
    this.#library.put(path, sizes[path] + version, paths.indexOf(path) * seedsOfFilm + (version % seedsOfFilm) + 1);
  }
}
