/**
 * Sources: single URLs that somebody has handed in at run time, each playable for a while at a path that can't be
 * guessed.
 *
 *     add ─▶ mounted at `~/TOKEN` ─▶ expired or removed ─▶ its origin is closed when its last reader has gone
 *
 * Whoever knows the path may play it; nothing else here tells it, and no event, log or label tells the URL. The same
 * URL with the same fields and the same name is the same object in the cache, whenever it is handed in.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Cache, Mount } from '../cache/cache.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Fields } from '../http/fields.ts';

/** What sources are called where origins have names. */
export const sourceLabel = '~';

/** More than this are not kept at one time. */
export const mostSources = 1000;

export interface NewSource {
  /** http or https; without credentials and fragment. */
  readonly url: URL;
  /** Sent to that URL's scheme, host and port alone, never shown. */
  readonly fields: Fields;
  /** The last part of its path, such as `film.mkv`. */
  readonly name: string;
  /** In milliseconds. */
  readonly ttl: number;
  /** Asked where it is to be had now, as a refresh hook. */
  readonly refresh: URL | null;
  /** Which addresses it may have. */
  readonly network: 'public' | 'private';
}

export interface Source {
  readonly id: string;
  readonly name: string;
  /** Of its URL, the host and port alone. */
  readonly host: string;
  /** In wall-clock time. */
  readonly addedAt: number;
  readonly expiresAt: number;
}

/** A source with the path at which it plays: the one time that it is told. */
export interface AddedSource extends Source {
  readonly play: string;
}

export interface SourcesParts {
  readonly cache: Cache;
  readonly clock: Clock;
  /** Whether a host name can only mean a private network. */
  readonly isPrivateHost: (hostname: string) => boolean;
  /** What its bytes come through. */
  readonly open: (source: NewSource) => Omit<Mount, 'only' | 'base' | 'identity'>;
}

interface Kept extends Source {
  readonly mountName: string;
  readonly mount: Mount;
  readonly timer: Timer;
}

export class Sources {
  readonly #parts: SourcesParts;
  readonly #kept = new Map<string, Kept>();
  /** Of all that are mounted or still read. */
  readonly #origins = new Set<Mount['origin']>();

  constructor(parts: SourcesParts) {
    this.#parts = parts;
  }

  /** Or says why not: there are too many already, or a host is private that may not be. */
  add(added: NewSource): AddedSource | 'too many' | 'private' {
    if (this.#kept.size >= mostSources) return 'too many';
    const { cache, clock, isPrivateHost } = this.#parts;
    const { url, name, ttl, refresh, network } = added;
    const hosts = [url.hostname, ...(refresh === null ? [] : [refresh.hostname])];
    if (network === 'public' && hosts.some(isPrivateHost)) return 'private';
    const id = randomBytes(8).toString('hex');
    const token = randomBytes(24).toString('base64url');
    const mountName = `${sourceLabel}/${token}`;
    const mount = this.#mountOf(added);
    const addedAt = clock.wallTime();
    const source = { id, name, host: url.host, addedAt, expiresAt: addedAt + ttl };
    const timer = clock.after(ttl, () => this.remove(id));
    this.#kept.set(id, { ...source, mountName, mount, timer });
    this.#origins.add(mount.origin);
    cache.mount(mountName, mount);
    return { ...source, play: `/${mountName}${mount.only}` };
  }

  list(): Source[] {
    return Array.from(this.#kept.values(), ({ id, name, host, addedAt, expiresAt }) => ({
      id,
      name,
      host,
      addedAt,
      expiresAt,
    }));
  }

  /** No new request finds it. `false`: there is no such source. */
  remove(id: string): boolean {
    const source = this.#kept.get(id);
    if (source === undefined) return false;
    this.#kept.delete(id);
    source.timer.cancel();
    const { origin } = source.mount;
    const closed = this.#parts.cache.unmount(source.mountName).then(() => origin.close());
    void closed.then(() => this.#origins.delete(origin));
    return true;
  }

  /** Ends every one, and every connection. */
  async close(): Promise<void> {
    for (const { timer } of this.#kept.values()) timer.cancel();
    await Promise.all([...this.#origins].map((origin) => origin.close()));
  }

  #mountOf(added: NewSource): Mount {
    const { url, fields, name, refresh, network } = added;
    return {
      ...this.#parts.open(added),
      only: `/${encodeURIComponent(name)}`,
      base: hash('sha256', JSON.stringify([url.href, fields, refresh?.href ?? null, network])),
      // What a client sends proves nothing here: the path was what it had to know.
      identity: { ignoreQuery: [], keyHeaders: [], ownCredentials: true },
    };
  }
}
