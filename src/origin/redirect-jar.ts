/**
 * The cookies of one chain of redirects (RFC 6265): what one answer of it sets, later requests of the same chain send. They
 * end with the chain, and no client ever sees them.
 */
import { type Fields, fieldsWhere, fieldValue } from '../http/fields.ts';
import { upTo } from '../kit/up-to.ts';
import type { RedirectHop } from './redirect.ts';

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  /** Whether hosts below `host` get it as well. */
  readonly wide: boolean;
  readonly path: string;
  readonly secure: boolean;
}

/** More than this no chain sets. */
const mostCookies = 50;

export class RedirectJar {
  #cookies: readonly Cookie[] = [];

  /** Takes what the answer to `hop` sets. */
  keep(hop: RedirectHop, fields: Fields): void {
    for (const [name, value] of fields) {
      if (name !== 'set-cookie') continue;
      const cookie = cookieIn(value, hop);
      if (cookie === null) continue;
      const others = this.#cookies.filter((other) => !isSame(other, cookie));
      this.#cookies = cookie.value === '' ? others : [...others, cookie].slice(-mostCookies);
    }
  }

  /** `fields` with the cookies for `hop`, behind those that they have. */
  addTo(fields: Fields, { url, path }: RedirectHop): Fields {
    const place = upTo(path, '?');
    const fitting = this.#cookies.filter(
      ({ host, wide, path: below, secure }) =>
        (url.hostname === host || (wide && url.hostname.endsWith(`.${host}`))) &&
        (place === below || place.startsWith(below.endsWith('/') ? below : `${below}/`)) &&
        (!secure || url.protocol === 'https:'),
    );
    if (fitting.length === 0) return fields;
    const own = fieldValue(fields, 'cookie');
    const pairs = [...(own === null ? [] : [own]), ...fitting.map(({ name, value }) => `${name}=${value}`)];
    return [...fieldsWhere(fields, (name) => name !== 'cookie'), ['cookie', pairs.join('; ')]];
  }
}

/** `null` where it is none, or not for the host that sets it. A cookie that is over has no value. */
function cookieIn(written: string, { url, path }: RedirectHop): Cookie | null {
  const [pair = '', ...attributes] = written.split(';');
  const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=\s*"?([\x21-\x7e]*?)"?\s*$/.exec(pair) ?? [];
  if (name === '') return null;
  const given = new Map(
    attributes.map((attribute) => {
      const [key = '', ...rest] = attribute.split('=');
      return [key.trim().toLowerCase(), rest.join('=').trim()];
    }),
  );
  const domain = given.get('domain')?.replace(/^\./, '').toLowerCase() || null;
  if (domain !== null && domain !== url.hostname && !isBelow(url.hostname, domain)) return null;
  const folder = upTo(path, '?').replace(/\/[^/]*$/, '') || '/';
  const below = given.get('path')?.startsWith('/') ? (given.get('path') ?? folder) : folder;
  const isOver = Number(given.get('max-age') ?? 1) <= 0;
  return {
    name,
    value: isOver ? '' : value,
    host: domain ?? url.hostname,
    wide: domain !== null,
    path: below,
    secure: given.has('secure'),
  };
}

/** Whether a host may set cookies for a domain above it: for one with a dot, and never for a part of an address. */
function isBelow(host: string, domain: string): boolean {
  return domain.includes('.') && !/^[\d.]+$|:/.test(host) && host.endsWith(`.${domain}`);
}

function isSame(one: Cookie, other: Cookie): boolean {
  return one.name === other.name && one.host === other.host && one.path === other.path;
}
