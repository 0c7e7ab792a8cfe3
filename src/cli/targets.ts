/** The target that a user names: `/NAME/path`, `NAME/path`, the origin's own URL, or the one that firstbyte gives players. */

import type { ObjectPage, OriginReport } from '../control/answers.ts';
import { isUnsafePath } from '../http/request-target.ts';
import { upTo } from '../kit/up-to.ts';
import { showableText } from '../showable.ts';
import type { ControlClient } from './control-client.ts';
import { CommandError } from './exit-codes.ts';
import { oneLine, placeWords } from './words.ts';

export interface Target {
  readonly origin: string;
  /** Path and query at the origin, percent-encoded. */
  readonly target: string;
}

export async function listOrigins(control: ControlClient): Promise<readonly OriginReport[]> {
  const { origins } = await control.get<{ origins: readonly OriginReport[] }>('origins');
  return origins;
}

/**
 * The same for a URL of firstbyte's own, as its playlists have it, and for a name as `firstbyte ls` prints it: decoded, so that
 * `%` and `?` in it are what they look like, where that is cached.
 */
export async function targetNamed(
  written: string,
  origins: readonly Pick<OriginReport, 'name' | 'base'>[],
  control: Pick<ControlClient, 'get' | 'address'>,
): Promise<Target | null> {
  const isAmbiguous = /[%?]/.test(written) && !isUrl(written);
  const named =
    (isAmbiguous ? await cachedTarget(written, control) : null) ??
    targetOf(written, origins) ??
    targetOfOwnUrl(written, origins, control.address.url);
  if (named === null || !isUnsafePath(upTo(named.target, '?'))) return named;
  throw new CommandError(
    'usage',
    `${quoted(written)} is not served: no part of a path is "..", nor has it \\ or control characters`,
  );
}

/** As a message repeats it: a list that somebody else made may hold anything. */
export function quoted(written: string): string {
  return `"${oneLine(showableText(written))}"`;
}

async function cachedTarget(written: string, control: Pick<ControlClient, 'get'>): Promise<Target | null> {
  const place = written.replace(/^(?!\/)/, '/');
  // The part that is the same however it is encoded narrows the search.
  const [plain = ''] = /[\w./-]*$/.exec(place) ?? [];
  const query = new URLSearchParams({ limit: '1000', ...(plain !== '' && { q: plain }) });
  const { objects } = await control.get<ObjectPage>(`objects?${query}`);
  const found = objects.find((object) => placeWords(object) === place);
  return found === undefined ? null : { origin: found.origin, target: found.path };
}

/** `null` where no origin has the URL; rejects where a path names no origin. */
export function targetOf(written: string, origins: readonly Pick<OriginReport, 'name' | 'base'>[]): Target | null {
  if (isUrl(written)) return targetOfUrl(written, origins);
  const [, name = '', path = ''] = /^\/?([^/?#]+)(\/.*)$/s.exec(written) ?? [];
  if (origins.some((origin) => origin.name === name)) return { origin: name, target: encodedPath(path) };
  throw new CommandError('unmatched', `${quoted(written)} belongs to no origin. ${knownWords(origins)}`);
}

export function knownWords(origins: readonly Pick<OriginReport, 'name' | 'base'>[]): string {
  if (origins.length === 0) return 'No origin is configured: add one with --origin NAME=URL';
  return `Configured: ${origins.map(({ name, base }) => `/${name}/ (${base})`).join(', ')}`;
}

/** The origin with the longest base URL that is a prefix of the URL, without credentials and fragment. */
function targetOfUrl(written: string, origins: readonly Pick<OriginReport, 'name' | 'base'>[]): Target | null {
  const url = URL.parse(written);
  if (url === null)
    throw new CommandError('usage', `${quoted(written)} is not a URL such as https://media.example/a.mkv`);
  const found = origins
    .map(({ name, base }) => ({ name, base: new URL(base) }))
    .map(({ name, base }) => ({ name, host: base.origin, path: base.pathname.replace(/\/$/, '') }))
    .filter(({ host, path }) => url.origin === host && url.pathname.startsWith(`${path}/`))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  return found === undefined
    ? null
    : { origin: found.name, target: url.pathname.slice(found.path.length) + url.search };
}

/** By whatever name other machines know this one: its port and the name of an origin are enough. */
function targetOfOwnUrl(
  written: string,
  origins: readonly Pick<OriginReport, 'name' | 'base'>[],
  own: string,
): Target | null {
  const url = URL.parse(written);
  if (url === null || url.port !== URL.parse(own)?.port) return null;
  const path = url.pathname + url.search;
  const name = origins.find((origin) => path.startsWith(`/${origin.name}/`))?.name;
  return name === undefined ? null : { origin: name, target: path.slice(name.length + 1) };
}

function isUrl(written: string): boolean {
  return /^https?:\/\//i.test(written);
}

/** Percent-encodes what is not encoded yet, a `%` that encodes nothing too. */
export function encodedPath(path: string): string {
  return path.replace(/%(?![0-9a-f]{2})/gi, '%25').replace(/[^\w!$&'()*+,;=:@/?%.~[\]-]/gu, encodeURIComponent);
}
