/**
 * The next episode of a series: its beginning and its end are downloaded while the one before it comes to its end, so that
 * it begins as if it were cached.
 *
 *     80 % of a film sent ─▶ the folder's list, or the name alone ─▶ head, then tail
 *
 * It is done once for each play of a film, behind all playback, and never where an origin fetches nothing ahead.
 */
import type { Cache } from '../cache/cache.ts';
import type { BytesSentEvent, EventBus } from '../events.ts';
import { isMediaName } from '../http/folder-links.ts';
import { episodeAfter, nameAfter } from '../media/episode.ts';
import type { Folders } from './folders.ts';
import type { Holdings } from './holdings.ts';

/** From how much of the film on, and how much of it must have been sent: players look at the end of a file first. */
const shares = { position: 0.8, sent: 0.2 } as const;

/** In bytes. */
const headSize = 8 * 1024 * 1024;
const tailSize = 1024 * 1024;
/** A fill of an episode, and how much of it was sent. */
interface Watched {
  readonly length: number;
  bytes: number;
}

export interface NextEpisodesParts {
  readonly cache: Cache;
  readonly folders: Folders;
  readonly holdings: Holdings;
  readonly events: EventBus;
}

export class NextEpisodes {
  readonly #parts: NextEpisodesParts;
  /** By the number of the fill; `null` for what is no episode, or is done with. */
  readonly #watched = new Map<number, Watched | null>();
  readonly #stopped = new AbortController();
  readonly #unsubscribe: () => void;

  constructor(parts: NextEpisodesParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.events.subscribe((event) => {
      if (event.type === 'bytes-sent' && event.fill !== null) this.#sent(event.fill, event);
      else if (event.type === 'fill-state' && event.to === 'idle') this.#watched.delete(event.fill);
    });
  }

  /** Stops listening to events, and what is being downloaded. */
  stop(): void {
    this.#unsubscribe();
    this.#stopped.abort();
  }

  #sent(fill: number, { origin, path, offset, bytes }: BytesSentEvent): void {
    let watched = this.#watched.get(fill);
    if (watched === undefined) {
      const length = nameAfter(path) === null ? null : this.#lengthOf(fill);
      watched = length === null ? null : { length, bytes: 0 };
      this.#watched.set(fill, watched);
    }
    if (watched === null) return;
    const { length } = watched;
    watched.bytes += bytes;
    if (offset + bytes < length * shares.position || watched.bytes < length * shares.sent) return;
    this.#watched.set(fill, null);
    // Nobody waits for it: what fails is fetched when it is played.
    void this.#fetchAfter(origin, path).catch(() => {});
  }

  #lengthOf(id: number): number | null {
    for (const { fills } of this.#parts.cache.entries())
      for (const fill of fills) if (fill.id === id) return fill.known?.length ?? null;
    return null;
  }

  async #fetchAfter(origin: string, path: string): Promise<void> {
    const { cache, folders, holdings } = this.#parts;
    const { signal } = this.#stopped;
    const mount = cache.mountOf(origin);
    if (mount === null || mount.policy?.fill === 'none') return;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const listed = await folders.filesBelow(origin, folder, signal, 0).catch(() => null);
    const target = listed === null ? nameAfter(path) : episodeAfter(path, listed.filter(isMediaName));
    if (target === null) return;
    const fetch = async (start: number, end: number) => {
      const work = holdings.warm(origin, target, [{ start, end }]);
      return typeof work === 'string' ? null : work({ add: () => {}, expect: () => {} }, signal);
    };
    const head = await fetch(0, headSize);
    const length = head === null ? null : ((await holdings.one(head.objectId))?.length ?? null);
    if (length !== null && length > headSize) await fetch(Math.max(headSize, length - tailSize), length);
  }
}
