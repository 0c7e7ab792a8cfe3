/**
 * The kinds of values that a setting can have, each with the words that say what would be right.
 *
 * Every kind reads what a person writes (in a flag, a variable or the file) and gives what the program wants:
 * milliseconds, bytes, addresses. The words are the error message and the reference page.
 */
import { METHODS } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import type { IpNetwork } from '../http/ip-address.ts';
import { type Kind, kind } from './kind.ts';

/** An address to listen on, as `net.Server.listen` takes it. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** So many bytes, or a share from 0 to 1 of something. */
export type AmountSetting = { readonly bytes: number } | { readonly share: number };

const milliseconds: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds, written with a unit. */
export function duration({ atLeast = '0s' } = {}): Kind<number> {
  const least = inUnits(atLeast, milliseconds) ?? 0;
  const words = least > 0 ? `a duration of at least ${atLeast}` : 'a duration';
  return kind(
    { description: `${words}, such as 100ms, 30s, 2m or 24h`, unit: 'milliseconds', placeholder: 'DURATION' },
    (raw) => noLess(inUnits(raw, milliseconds), least),
  );
}

/** As `type`, or `off`, which reads as `null`. */
export function orOff<T>(type: Kind<T>): Kind<T | null> {
  return kind({ ...type, description: `${type.description}, or off` }, (raw) =>
    raw === 'off' ? null : type.read(raw),
  );
}

const bytes: Record<string, number> = {
  b: 1,
  ...{ k: 1e3, m: 1e6, g: 1e9, t: 1e12 },
  ...{ kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
};

/** Bytes, written with a unit. */
export function size({ atLeast }: { atLeast: string }): Kind<number> {
  const least = inBytes(atLeast) ?? 0;
  return kind(
    { description: `a size of at least ${atLeast}, such as 64MB or 1.5G`, unit: 'bytes', placeholder: 'SIZE' },
    (raw) => noLess(inBytes(raw), least),
  );
}

/** Bytes, or a share of something that the setting names. */
export function amount({ atLeast }: { atLeast: string }): Kind<AmountSetting> {
  const bytesKind = size({ atLeast });
  const description = `${bytesKind.description}, or a share from 0% to 100%, such as 50%`;
  return kind({ description, unit: 'text', placeholder: 'SIZE|SHARE%' }, (raw) => {
    const share = typeof raw === 'string' ? /^(\d+(?:\.\d+)?) ?%$/.exec(raw.trim())?.[1] : undefined;
    if (share !== undefined) return Number(share) <= 100 ? { share: Number(share) / 100 } : undefined;
    const read = bytesKind.read(raw);
    return read === undefined ? undefined : { bytes: read };
  });
}

function inUnits(raw: unknown, units: Record<string, number>): number | undefined {
  const match = typeof raw === 'string' ? /^(\d+(?:\.\d+)?) ?([a-zA-Z]+)$/.exec(raw.trim()) : null;
  const unit = match?.[2] !== undefined && Object.hasOwn(units, match[2]) ? units[match[2]] : undefined;
  if (unit === undefined) return undefined;
  const value = Math.round(Number(match?.[1]) * unit);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Units of bytes in any case: nobody means bits. */
function inBytes(raw: unknown): number | undefined {
  return inUnits(typeof raw === 'string' ? raw.toLowerCase() : raw, bytes);
}

function noLess(value: number | undefined, least: number): number | undefined {
  return value !== undefined && value >= least ? value : undefined;
}

/** A whole number. */
export function count({ atLeast }: { atLeast: number }): Kind<number> {
  const description = `a whole number of at least ${atLeast}`;
  return kind({ description, unit: 'number', placeholder: 'NUMBER' }, (raw) => {
    const value = typeof raw === 'string' && /^\d{1,15}$/.test(raw) ? Number(raw) : raw;
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= atLeast ? value : undefined;
  });
}

/** Yes or no. */
export const truth: Kind<boolean> = kind(
  { description: 'true or false', unit: 'text', placeholder: 'true|false' },
  (raw) => ({ true: true, false: false })[String(raw)],
);

/** Bytes a second, written as a size. */
export function rate({ atLeast }: { atLeast: string }): Kind<number> {
  const least = inBytes(atLeast) ?? 0;
  return kind(
    { description: `a size a second of at least ${atLeast}, such as 500kB or 2M`, unit: 'bytes', placeholder: 'SIZE' },
    (raw) => noLess(inBytes(raw), least),
  );
}

/** A name in the query of a URL, not encoded. */
export const queryName: Kind<string> = kind(
  { description: 'a name in the query of a URL', unit: 'text', placeholder: 'NAME' },
  (raw) => (typeof raw === 'string' && /^[^\s&=#]+$/.test(raw) ? raw : undefined),
);

/** A method that may change something at an origin; tunnels and traces are none of an origin's. */
export const method: Kind<string> = kind(
  { description: 'a method of HTTP in capital letters, such as PUT', unit: 'text', placeholder: 'METHOD' },
  (raw) => (typeof raw === 'string' && METHODS.includes(raw) && !['CONNECT', 'TRACE'].includes(raw) ? raw : undefined),
);

/** Pages that may read: a web origin, or a word for some. */
export const pages: Kind<string> = kind(
  {
    description: 'the web origin of a page such as https://player.example, `loopback`, `*` or `upstream`',
    unit: 'text',
    placeholder: 'ORIGIN',
  },
  (raw) => {
    if (typeof raw !== 'string') return undefined;
    if (['loopback', '*', 'upstream'].includes(raw)) return raw;
    return /^https?:/.test(raw) && URL.parse(raw)?.origin === raw ? raw : undefined;
  },
);

/** One of a few words. */
export function choice<const T extends string>(words: readonly T[]): Kind<T> {
  return kind({ description: `one of ${words.join(', ')}`, unit: 'text', placeholder: words.join('|') }, (raw) =>
    words.find((word) => word === raw),
  );
}

/** A path on this machine, not yet made absolute. */
export const path: Kind<string> = kind({ description: 'a path', unit: 'text', placeholder: 'PATH' }, (raw) =>
  typeof raw === 'string' && raw !== '' && !raw.includes('\0') ? raw : undefined,
);

/** A secret that is sent in a header field. */
export const secret: Kind<string> = kind(
  { description: 'a text of at least 16 letters, digits or -._~+/=', unit: 'text', placeholder: 'SECRET' },
  (raw) => (typeof raw === 'string' && /^[\w.~+/=-]{16,}$/.test(raw) ? raw : undefined),
);

/** A secret that is a part of a path. */
export const pathSecret: Kind<string> = kind(
  { description: 'a text of at least 16 letters, digits, - or _', unit: 'text', placeholder: 'SECRET' },
  (raw) => (typeof raw === 'string' && /^[\w-]{16,200}$/.test(raw) ? raw : undefined),
);

export const listenAddress: Kind<ListenAddress> = kind(
  {
    description:
      'an address such as 127.0.0.1:8787, [::1]:8787, 8787 (this machine), :8787 (every address) or unix:/run/firstbyte.sock',
    unit: 'text',
    placeholder: 'ADDRESS',
  },
  (raw) => {
    if (typeof raw !== 'string') return undefined;
    if (raw.startsWith('unix:/')) return { path: raw.slice('unix:'.length) };
    // As people write it: a port alone is for this machine, and with a colon for all.
    const full = raw.replace(/^(?=\d+$)/, '127.0.0.1:').replace(/^\*?(?=:\d+$)/, '0.0.0.0');
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(full);
    const port = Number(match?.[3]);
    const host = match?.[1] ?? match?.[2] ?? '';
    const known = match?.[1] === undefined ? host === 'localhost' || isIP(host) === 4 : isIPv6(host);
    return known && port <= 65_535 ? { host, port } : undefined;
  },
);

export const hostName: Kind<string> = kind(
  {
    description: 'a host name without port, such as media.example.org, or *.example.org for all names below that',
    unit: 'text',
    placeholder: 'NAME',
  },
  (raw) => {
    const [, wild = '', written = ''] = (typeof raw === 'string' && /^(\*\.)?([^*:/?#@\s]+)$/.exec(raw)) || [];
    const name = domainToASCII(written).replace(/\.$/, '');
    if (!/^[\w-]+(\.[\w-]+)*$/.test(name) || isIP(name) !== 0) return undefined;
    return wild === '' || name.includes('.') ? wild + name : undefined;
  },
);

export const network: Kind<IpNetwork> = kind(
  { description: 'a network such as 192.168.1.0/24 or fd00::/8', unit: 'text', placeholder: 'NETWORK' },
  (raw) => {
    const match = typeof raw === 'string' ? /^([^/]+)(?:\/(\d{1,3}))?$/.exec(raw) : null;
    const address = match?.[1] ?? '';
    const version = isIP(address);
    if (version === 0 || address.includes('%')) return undefined;
    const longest = version === 4 ? 32 : 128;
    const prefix = match?.[2] === undefined ? longest : Number(match[2]);
    return prefix <= longest ? { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' } : undefined;
  },
);
