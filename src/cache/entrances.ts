/**
 * Entrances: paths that can't be guessed, by which clients reach a playlist or a page to which an origin redirects. They are
 * for those that have no path below the mount, because they lie outside the base or their URL holds a secret; the relative
 * references in them lead on there.
 *
 *     https://cdn.example/hls/7/live.m3u8?sig=…  ◀─  /~/TOKEN/-/-/live.m3u8
 *
 * `-` stands for each folder of the URL, so that `../` leads on as well and no path tells the URL. Where the operator's
 * credentials go along, nothing above the folder is reached. Whoever knows the path may play it; it ends with the mount
 * that led there, and when nobody has used it for a day.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { keepNewest } from '../kit/keep-newest.ts';
import type { Origin } from '../origin/origin.ts';
import { showablePath } from '../showable.ts';

/** The name of what is mounted under a token, where origins have names of their own. */
export const tokenLabel = '~';

const mostEntrances = 1000;
const unusedMs = 24 * 3_600_000;

/** A URL that is refused so soon after it was given was not good before either, in milliseconds. */
const freshMs = 10_000;

/** Statuses of a signed URL that has expired. */
const expired: ReadonlySet<number> = new Set([401, 403, 404, 410]);

/** What led to an entrance. */
interface EntranceSource {
  /** The mount whose origin redirects, and the target that it redirects. */
  readonly under: string;
  readonly target: string;
  readonly origin: Origin;
  /** Whether credentials go along that open more than this place. */
  readonly closed: boolean;
}

/** What is mounted there. */
export interface Entrance {
  readonly under: string;
  /** Its name as a mount. */
  readonly name: string;
  readonly origin: Origin;
  /** The target by which clients come in. */
  readonly target: string;
  /** Stand for the URL and for its folder in the keys of what is stored. */
  readonly url: string;
  readonly folder: string;
}

export class Entrances {
  readonly #clock: Clock;
  readonly #all = new Map<string, Entrance & { usedAt: number }>();
  /** The name of the newest entrance to each place. */
  readonly #names = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The entrance of that name, which is used now. */
  find(name: string): Entrance | null {
    const entrance = this.#all.get(name);
    const now = this.#clock.now();
    if (entrance === undefined || now - entrance.usedAt > unusedMs) return null;
    entrance.usedAt = now;
    this.#all.delete(name);
    this.#all.set(name, entrance);
    return entrance;
  }

  /** The entrance to what `source` has led to. */
  to(source: EntranceSource, url: URL): Entrance {
    const place = digest(source.under, source.target, url.href);
    const known = this.find(this.#names.get(place) ?? '');
    if (known !== null) return known;
    const name = `${tokenLabel}/${randomBytes(24).toString('base64url')}`;
    const way = wayTo(url, source.closed);
    const entrance = {
      under: source.under,
      name,
      origin: entranceOrigin(source, way, this.#clock),
      target: way.target,
      url: digest(source.under, url.href),
      folder: digest(source.under, way.root.href, way.folders.join('/')),
      usedAt: this.#clock.now(),
    };
    this.#all.set(name, entrance);
    this.#names.set(place, name);
    keepNewest(this.#all, mostEntrances);
    keepNewest(this.#names, mostEntrances);
    return entrance;
  }
}

/** How the targets of an entrance are to be read. */
interface Way {
  readonly url: URL;
  /** What no target leads above. */
  readonly root: URL;
  /** Those below it in which the URL lies. */
  readonly folders: readonly string[];
  readonly target: string;
}

function wayTo(url: URL, closed: boolean): Way {
  const segments = url.pathname.split('/').slice(1);
  const name = segments.pop() ?? '';
  const root = new URL(closed ? new URL('.', url).pathname : '/', url);
  const folders = closed ? [] : segments;
  return { url, root, folders, target: `/${folders.map(() => '-/').join('')}${showablePath(name)}` };
}

function urlOf({ url, root, folders, target: own }: Way, target: string): URL {
  if (target === own) return url;
  const [path = '', ...query] = target.split('?');
  const isOwn = path === own;
  const written = path.split('/').slice(1);
  const shown = written.findIndex((segment, index) => index >= folders.length || segment !== '-');
  const segments = [...folders.slice(0, shown), ...written.slice(shown)];
  const at = isOwn ? url.pathname : root.pathname + segments.join('/');
  return new URL(root.origin + at + (query.length === 0 ? '' : `?${query.join('?')}`));
}

function entranceOrigin({ origin, target: from }: EntranceSource, way: Way, clock: Clock): Origin {
  const since = clock.now();
  return {
    name: tokenLabel,
    // What is nearer to the network than this has been told where the target is already.
    open: async (request, signal) => {
      if (request.resolved !== undefined) return origin.open(request, signal);
      const url = urlOf(way, request.target);
      const reply = await origin.open({ ...request, resolved: { url, fields: [] } }, signal);
      const isOver = expired.has(reply.status) && request.target === way.target && clock.now() - since > freshMs;
      if (!isOver) return reply;
      reply.body.cancel();
      return origin.open({ ...request, target: from, onConnected: () => {} }, signal);
    },
    close: async () => {},
  };
}

function digest(...parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts));
}
