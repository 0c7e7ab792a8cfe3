/** The two names of a film: its URL at the origin, by which programs call it, and its path at firstbyte, `/films/a.mkv`. */
import { ConfigError } from '../config.ts';
import { upTo } from '../kit/up-to.ts';
import { UnknownOriginError } from './errors.ts';

/** A film: its URL below one of the origins, or its path at firstbyte, such as `/films/a.mkv` or that of a source. */
export type MediaUrl = string | URL;

/** Where a film is: under which mount, and its target there, which begins with `/`. */
export interface MediaPlace {
  readonly mount: string;
  readonly target: string;
}

/** An origin as its mount knows it. */
interface NamedBase {
  readonly name: string;
  /** Without credentials. */
  readonly base: string;
}

export class Places {
  /** The longest base first, so that what lies in one that lies in another is found in the inner one. */
  readonly #bases: readonly { readonly name: string; readonly start: string }[];

  /** @throws {ConfigError} where two origins have the same base: a URL below it would name either. */
  constructor(origins: readonly NamedBase[]) {
    const bases = origins.map(({ name, base }) => ({ name, start: withoutRest(new URL(base)).replace(/\/$/, '') }));
    this.#bases = bases.sort((one, other) => other.start.length - one.start.length);
    for (const [index, { name, start }] of this.#bases.entries()) {
      const same = this.#bases.slice(0, index).find((other) => other.start === start);
      if (same !== undefined) throw new ConfigError([`origins: ${same.name} and ${name} have the same URL`]);
    }
  }

  /** @throws {UnknownOriginError} */
  of(media: MediaUrl): MediaPlace {
    if (typeof media === 'string' && media.startsWith('/')) return placeAt(media);
    const url = URL.parse(String(media));
    if (url === null) throw new UnknownOriginError(`"${media}" is neither a URL nor a path such as /films/a.mkv.`);
    const path = withoutRest(url);
    const found = this.#bases.find(({ start }) => path.startsWith(`${start}/`));
    if (found !== undefined) return { mount: found.name, target: path.slice(found.start.length) + url.search };
    const known = this.#bases.map(({ start }) => start).join(', ') || 'none';
    throw new UnknownOriginError(`${path} lies below no origin; the origins are: ${known}.`);
  }

  /** The URL of a place at its origin; its path where nobody is told that, as of a source. */
  urlOf(place: MediaPlace): string {
    const start = this.#bases.find(({ name }) => name === place.mount)?.start;
    return start === undefined ? pathOf(place) : start + place.target;
  }

  /** Where a redirect leads; `null` for any other answer, and where no origin is. */
  redirected({ status, headers }: Response, from: MediaPlace): MediaPlace | null {
    const location = headers.get('location');
    const url = location === null || !redirects.has(status) ? null : URL.parse(location, this.urlOf(from));
    if (url === null || !this.#bases.some(({ start }) => withoutRest(url).startsWith(`${start}/`))) return null;
    return this.of(url);
  }
}

/** Statuses by which an answer is elsewhere (RFC 9110 §15.4). */
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What a place is called at firstbyte. */
export function pathOf({ mount, target }: MediaPlace): string {
  return `/${mount}${target}`;
}

/** What no request can carry is written as in a URL; what only a program can mean by it, a fragment, is no part of it. */
function placeAt(written: string): MediaPlace {
  const path = upTo(written, '#')
    .toWellFormed()
    .replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  const slash = path.indexOf('/', path.startsWith('/~/') ? 3 : 1);
  if (slash === -1) throw new UnknownOriginError(`${path} names no file; a path is such as /films/a.mkv.`);
  return { mount: path.slice(1, slash), target: path.slice(slash) };
}

/** A URL without credentials, query and fragment: what may be compared, and shown. */
function withoutRest({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}
