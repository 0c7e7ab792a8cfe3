/**
 * Sources: single URLs that a program hands in at run time. Each plays for a while at a path that can't be guessed.
 *
 *     add ─▶ mounted at `~/TOKEN` ─▶ expired or removed ─▶ its origin is closed when its last reader has left
 *
 * Whoever knows the path may play it. Only the answer to `add` tells the path, and no event, log or label tells the
 * URL. The same URL with the same fields and name is always the same object in the cache.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Cache, Mount } from '../cache/cache.ts';
import { tokenLabel } from '../cache/entrances.ts';
import type { Clock, Timer } from '../clock.ts';
import { type Fields, isFieldText, operatorFieldName } from '../http/fields.ts';
import { showablePath } from '../showable.ts';

/** At most so many sources exist at one time. */
export const mostSources = 1000;

/** For how long new requests are accepted where nobody says otherwise. */
export const usualTtlMs = 6 * 3_600_000;

export interface NewSource {
  /** http or https; without credentials and fragment. */
  readonly url: URL;
  /** Fields for requests to the URL's scheme, host and port alone. They are never shown. */
  readonly fields: Fields;
  /** The last part of the play path, such as `film.mkv`. */
  readonly name: string;
  /** In milliseconds. */
  readonly ttl: number;
  /** An endpoint that is asked for the current URL, as a refresh hook. */
  readonly refresh: URL | null;
  /** Which addresses its host may have. */
  readonly network: 'public' | 'private';
}

export interface Source {
  readonly id: string;
  readonly name: string;
  /** Host and port of its URL; the rest is never shown. */
  readonly host: string;
  /** In wall-clock time. */
  readonly addedAt: number;
  readonly expiresAt: number;
}

/** A source with its play path. Only the answer to `add` has it. */
export interface AddedSource extends Source {
  readonly play: string;
}

export interface SourcesParts {
  readonly cache: Cache;
  readonly clock: Clock;
  /** Whether a host name can only name a host of a private network. */
  readonly isPrivateHost: (hostname: string) => boolean;
  /** Makes the mount of a source, but for what `Sources` decides. */
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
  /** The origins of all sources that are mounted or still read. */
  readonly #origins = new Set<Mount['origin']>();

  constructor(parts: SourcesParts) {
    this.#parts = parts;
  }

  /** Or the reason: there are too many sources, or a host is in a private network and `network` says `public`. */
  add(added: NewSource): AddedSource | 'too many' | 'private' {
    if (this.#kept.size >= mostSources) return 'too many';
    const { cache, clock, isPrivateHost } = this.#parts;
    const { url, name, ttl, refresh, network } = added;
    const hosts = [url.hostname, ...(refresh === null ? [] : [refresh.hostname])];
    if (network === 'public' && hosts.some(isPrivateHost)) return 'private';
    const id = randomBytes(8).toString('hex');
    const token = randomBytes(24).toString('base64url');
    const mountName = `${tokenLabel}/${token}`;
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

  /** New requests do not find it any more. `false`: there is no such source. */
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

  /** Ends all sources and closes their connections. */
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
      // A client's fields prove nothing here: it had to know the path.
      identity: {
        ignoreQuery: [],
        keyHeaders: [],
        ownFields: ['authorization', 'cookie', ...fields.map(([name]) => name)],
      },
    };
  }
}

/** The URL without its credentials, and the credentials as a field. */
export function readSourceUrl(text: string): { readonly url: URL; readonly fields: Fields } | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  const { username, password } = url;
  url.username = url.password = url.hash = '';
  if (username + password === '') return { url, fields: [] };
  try {
    const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    return { url, fields: [['authorization', `Basic ${credentials.toString('base64')}`]] };
  } catch {
    return null;
  }
}

/** Whether it can be the last part of a play path. */
export function isSourceName(name: string): boolean {
  return /^[^/\\\p{Cc}\p{Cs}]{1,200}$/u.test(name) && name !== '.' && name !== '..';
}

/** What is wrong of a source, in words that tell no secret. */
export function sourceProblem({ name, ttl, fields, refresh, network }: NewSource): string | null {
  if (!isSourceName(name)) return `name: "${name}" is not a file name of at most 200 characters`;
  if (!Number.isSafeInteger(ttl) || ttl <= 0) return `ttl: "${ttl}" is not a whole number of milliseconds above 0`;
  if (network !== 'public' && network !== 'private') return `network: "${network}" is not public or private`;
  if (refresh !== null && readSourceUrl(refresh.href) === null) return 'refresh is not an http or https URL';
  const foreign = fields.find(([field]) => operatorFieldName(field) === null);
  if (foreign !== undefined) return `headers: "${foreign[0]}" is no field, or one that firstbyte sets itself`;
  const unsendable = fields.find(([, value]) => !isFieldText(value));
  return unsendable === undefined
    ? null
    : `headers: that of ${unsendable[0]} is not a text of visible ASCII characters`;
}

/** The file name in the path; `media` where the last part may be a secret. */
export function sourceNameOf({ pathname }: URL): string {
  const last = showablePath(pathname).split('/').at(-1) ?? '';
  try {
    const name = decodeURIComponent(last);
    return /^[^/\\\p{Cc}]{1,190}\.\w{2,5}$/u.test(name) ? name : 'media';
  } catch {
    return 'media';
  }
}
