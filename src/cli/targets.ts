/** The target that a user names: `/NAME/path`, `NAME/path`, or the origin's own URL. */

import type { OriginReport } from '../control/answers.ts';
import { showableText } from '../showable.ts';
import type { ControlClient } from './control-client.ts';
import { CommandError } from './exit-codes.ts';

export interface Target {
  readonly origin: string;
  /** Path and query at the origin, percent-encoded. */
  readonly target: string;
}

export async function listOrigins(control: ControlClient): Promise<readonly OriginReport[]> {
  const { origins } = await control.get<{ origins: readonly OriginReport[] }>('origins');
  return origins;
}

/** `null` where no origin has the URL; rejects where a path names no origin. */
export function targetOf(written: string, origins: readonly Pick<OriginReport, 'name' | 'base'>[]): Target | null {
  if (/^https?:\/\//i.test(written)) return targetOfUrl(written, origins);
  const [, name = '', path = ''] = /^\/?([^/?#]+)(\/[^#]+)/.exec(written) ?? [];
  if (origins.some((origin) => origin.name === name)) return { origin: name, target: encoded(path) };
  throw new CommandError('unmatched', `"${showableText(written)}" is under no origin; ${knownWords(origins)}`);
}

export function knownWords(origins: readonly Pick<OriginReport, 'name' | 'base'>[]): string {
  if (origins.length === 0) return 'none is configured, name one with --origin NAME=URL';
  return `there are ${origins.map(({ name, base }) => `/${name}/ (${base})`).join(', ')}`;
}

/** The origin with the longest base URL that is a prefix of the URL, without credentials and fragment. */
function targetOfUrl(written: string, origins: readonly Pick<OriginReport, 'name' | 'base'>[]): Target | null {
  const url = URL.parse(written);
  if (url === null)
    throw new CommandError('usage', `"${showableText(written)}" is not a URL such as https://media.example/a.mkv`);
  const found = origins
    .map(({ name, base }) => ({ name, base: new URL(base) }))
    .map(({ name, base }) => ({ name, host: base.origin, path: base.pathname.replace(/\/$/, '') }))
    .filter(({ host, path }) => url.origin === host && url.pathname.startsWith(`${path}/`))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  return found === undefined
    ? null
    : { origin: found.name, target: url.pathname.slice(found.path.length) + url.search };
}

/** Percent-encodes what is not encoded yet. */
function encoded(path: string): string {
  return path.replace(/[^\w!$&'()*+,;=:@/?%.~[\]-]/gu, encodeURIComponent);
}
