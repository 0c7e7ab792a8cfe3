/**
 * URLs that name a place at an origin, in the words of a mount, and the other way round: in the multistatus of a folder
 * (RFC 4918 §14.7), in `Location`, and in the `Destination` of a copy. Pure.
 */
import { type Fields, fieldsWhere, fieldValue } from '../http/fields.ts';
import { showablePath } from '../showable.ts';

/** Where an origin is, and where it is mounted: without a slash at the end. */
export interface MountPlace {
  /** `null` where none of its URLs is to be told. */
  readonly base: URL | null;
  /** Such as `/films`. */
  readonly mount: string;
}

/** What `written`, in an answer about `target`, is called under the mount; `null` for what lies elsewhere. */
function mappedUrl(written: string, target: string, { base, mount }: MountPlace): string | null {
  if (base === null) return null;
  const path = base.pathname.replace(/\/$/, '');
  const url = URL.parse(written.trim(), base.origin + path + target);
  const rest = url !== null && url.origin === base.origin ? restBelow(url.pathname, path) : null;
  return rest === null || url === null ? null : mount + rest + url.search;
}

/** What a URL of the mount, as a client calls it, is at the origin; `null` for what lies elsewhere. */
function unmappedUrl(written: string, host: string, { base, mount }: MountPlace): string | null {
  if (base === null) return null;
  const url = URL.parse(written, `http://${host}`);
  const rest = url !== null && url.host === host.toLowerCase() ? restBelow(url.pathname, mount) : null;
  return rest === null || url === null ? null : base.origin + base.pathname.replace(/\/$/, '') + rest + url.search;
}

/** A request's fields in which the place of a copy is called as at the origin; a place elsewhere is left out. */
export function unmappedFields(fields: Fields, at: MountPlace): Fields {
  const host = fieldValue(fields, 'host') ?? '';
  return fields.flatMap(([name, value]) => {
    const mapped = name === 'destination' ? unmappedUrl(value, host, at) : value;
    return mapped === null ? [] : [[name, mapped] as const];
  });
}

/** An answer's fields with its places as the mount calls them; those elsewhere are left out. */
export function mappedFields(fields: Fields, target: string, at: MountPlace): Fields {
  return fields.flatMap(([name, value]) => {
    const mapped = name === 'location' || name === 'content-location' ? mappedUrl(value, target, at) : value;
    return mapped === null ? [] : [[name, mapped] as const];
  });
}

/** Finds a path for a URL that has none below the mount; `null` where nobody is to come there. */
export type EntranceTo = (url: URL) => string | null;

/** The same of a redirect: where it has no path below the mount, or one with a secret, by an entrance. */
export function mappedRedirect(fields: Fields, target: string, at: MountPlace, entranceTo: EntranceTo): Fields {
  const mapped = mappedFields(fields, target, at);
  const url = URL.parse(fieldValue(fields, 'location') ?? '');
  const below = fieldValue(mapped, 'location');
  if (url === null || (below !== null && !tellsSecret(below, target))) return mapped;
  const location = entranceTo(url);
  const others = fieldsWhere(mapped, (name) => name !== 'location');
  return location === null ? others : [...others, ['location', location]];
}

/** Whether a path holds what may be a secret, and what the client has not sent itself. */
function tellsSecret(path: string, target: string): boolean {
  const mark = target.indexOf('?');
  const query = mark === -1 ? '' : target.slice(mark);
  const other = path.endsWith(query) ? path.slice(0, path.length - query.length) : path;
  return showablePath(other) !== other;
}

/** A multistatus with its places as the mount calls them; those elsewhere stay as they are. */
export function mappedMultistatus(xml: string, target: string, at: MountPlace): string {
  return xml.replace(/(<(?:[\w-]+:)?href(?:\s[^>]*)?>)([^<]*)/gi, (_, tag: string, written: string) => {
    const plain = written.replaceAll('&amp;', '&');
    const mapped = mappedUrl(plain, target, at);
    return tag + (mapped === null ? written : mapped.replaceAll('&', '&amp;'));
  });
}

/** What a path has below `folder`, in whatever spelling; `null` where it lies elsewhere. */
function restBelow(path: string, folder: string): string | null {
  const depth = folder.split('/').length;
  const segments = path.split('/');
  const above = segments.slice(0, depth).join('/');
  return plain(above) === plain(folder)
    ? segments
        .slice(depth)
        .map((segment) => `/${segment}`)
        .join('')
    : null;
}

function plain(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
