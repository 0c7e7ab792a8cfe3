/**
 * Which requests mean the same bytes, and which fields of a client's request the origin gets. Pure.
 *
 * Two requests share an entry where origin, target and key fields are equal. Query names that only prove a right
 * (tokens, signatures) do not count where the operator lists them; the order of the other names counts. A client's own
 * `Authorization`, `Cookie` and fields that are credentials by their name always count: its content is for that client alone. The other fields of a client go to the
 * origin beside them and tell nothing apart, unless the answer says so (`Vary`). What is not forwarded would say something
 * of another request than the one that is made, or is a key to something else: a browser's cookies for this address may
 * be of any program here, and credentials that open a connection would open it for all.
 */
import { endToEnd, type Fields, fieldsWhere, fieldValue } from '../http/fields.ts';
import { isCredential } from '../http/for-one-client.ts';
import { isLocalName } from '../http/host.ts';
import { isLoopback } from '../http/loopback.ts';
import { ownCookie } from '../http/proxy-name.ts';
import { recalled, remembered } from '../kit/remembered.ts';
import { cacheKey } from './cache-key.ts';

export interface IdentityPolicy {
  /** Query names that are no part of the identity; case does not matter. */
  readonly ignoreQuery: readonly string[];
  /** Client fields, in lower case, that are part of the identity and are forwarded. */
  readonly keyHeaders: readonly string[];
  /** Fields that the operator has sent in place of a client's, in lower case. */
  readonly ownFields: readonly string[];
}

export const plainIdentity: IdentityPolicy = { ignoreQuery: [], keyHeaders: [], ownFields: [] };

export interface RequestIdentity {
  readonly key: string;
  /** The client's fields that count, and that the origin gets. */
  readonly fields: Fields;
  /** The client's other fields that the origin gets. */
  readonly said: Fields;
}

export function identify(
  origin: string,
  target: string,
  clientFields: Fields,
  policy: IdentityPolicy,
): RequestIdentity {
  const { own, keys, ignored } = prepared(policy);
  // A browser says where a page stands that asks; other programs have their cookies for this very request.
  const isOfPage = fieldValue(clientFields, 'sec-fetch-site') !== null;
  const written = endToEnd(clientFields);
  const counting = [
    ...fieldsWhere(clientFields, (name) => keys.has(name) || (name === 'cookie' && !isOfPage)),
    ...fieldsWhere(written, (name) => natureOf(name) === 'credential'),
  ];
  const names = new Set(counting.map((field) => field[0]));
  const fields = (names.size === 0 ? [] : [...names].sort()).flatMap((name) => {
    const given = own.has(name) ? null : fieldValue(clientFields, name);
    const value = name === 'cookie' && given !== null ? withoutOwnCookies(given) : given;
    return value === null || (name === 'authorization' && unpassable.test(value)) ? [] : [[name, value] as const];
  });
  const host = fieldValue(clientFields, 'host') ?? '';
  const said = fieldsWhere(written, (name, value) => {
    if (own.has(name) || names.has(name) || natureOf(name) === 'unsaid') return false;
    return !(name === 'referer' || name === 'origin') || !isOwnUrl(value, host);
  });
  const named = inOneSpelling(withoutNames(target, ignored));
  return { key: cacheKey(origin, named, fields), fields, said };
}

/** What a policy says, in the form in which it is asked. */
const prepared = remembered(({ ownFields, keyHeaders, ignoreQuery }: IdentityPolicy) => ({
  own: new Set(ownFields),
  keys: new Set(keyHeaders).add('authorization'),
  ignored: new Set([...reporting, ...ignoreQuery].map((name) => name.toLowerCase())),
}));

/** What a client's field is by its name. */
const natureOf = recalled((name): 'unsaid' | 'credential' | 'other' => {
  if (unsaid.test(name)) return 'unsaid';
  return isCredential(name) ? 'credential' : 'other';
});

/** Names of the query by which players report on themselves (CTA-5004). */
const reporting = ['CMCD'];

/** Of several ways to write one target, one (RFC 3986 §6.2.2): hexadecimal digits are large, and what needs no code has none. */
function inOneSpelling(target: string): string {
  if (!target.includes('%')) return target;
  return target.replace(/%[\da-f]{2}/gi, (code) => {
    const letter = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[\w.~-]/.test(letter) ? letter : code.toUpperCase();
  });
}

/**
 * The fields of a request that is passed on: all of them in strict mode, else those that any request may have and what
 * describes its content, its conditions and what of the answer is wanted. No cookies of a browser's page in either.
 */
export function forwardedFields(clientFields: Fields, policy: IdentityPolicy, isStrict: boolean): Fields {
  const { fields, said } = identify('', '', clientFields, policy);
  const others = endToEnd(clientFields);
  const plain = ['accept-encoding', 'identity'] as const;
  if (!isStrict) return [...fields, ...said, ...fieldsWhere(others, (name) => ofOneRequest.test(name)), plain];
  return [...fieldsWhere(others, (name) => name !== 'cookie'), ...fieldsWhere(fields, (name) => name === 'cookie')];
}

const ofOneRequest = /^(cache-control|content-.*|if-.*|pragma|range)$/;

/**
 * Fields that are never forwarded: those of a connection, those that shape the answer or ask for another one, what only
 * proxies may say of a client, and by what some servers take another target or method than the one that is requested.
 */
const unsaid = new RegExp(
  `^(${[
    'accept-encoding|access-control-.*|authorization|cache-control|cdn-loop|content-.*|cookie2?|expect|host|icy-metadata|if-.*',
    'max-forwards|pragma|proxy.*|range|sec-.*|service-worker.*|upgrade.*|via',
    'cf-connecting-ip|forwarded|front-end-https|true-client-ip|x-(client|cluster-client|real)-ip|x-forwarded.*',
    'x-(original|rewrite)-.*|x-host|x-http-method.*|x-method-override',
  ].join('|')})$`,
);

/** Whether a page of firstbyte, or one that was read through it at `host`, has that URL: it may name a source. */
function isOwnUrl(written: string, host: string): boolean {
  const url = URL.parse(written);
  const own = URL.parse(`http://${host}`);
  if (url === null || own === null) return false;
  if (url.host === own.host) return true;
  const isHere = ({ hostname }: URL) => isLoopback(hostname.replace(/[[\]]/g, '')) || isLocalName(hostname);
  return url.port === own.port && isHere(url) && isHere(own);
}

/**
 * Schemes that authenticate the whole connection for one user (RFC 4559 §6, and NTLM), or one path, which is another one at
 * the origin (RFC 7616).
 */
const unpassable = /(^|,)\s*(negotiate|ntlm|kerberos|nego2|digest)\b/i;

/**
 * The cookies without firstbyte's own; `null` where none is left. A browser sends firstbyte's cookie to no mount, but
 * other clients may.
 */
function withoutOwnCookies(cookies: string): string | null {
  if (!cookies.includes(ownCookie)) return cookies;
  const kept = cookies.split(';').filter((pair) => !pair.trimStart().startsWith(ownCookie));
  return kept.length === 0 ? null : kept.join(';').trimStart();
}

/** The target without the query parts that have one of these names, in lower case. */
function withoutNames(target: string, ignored: ReadonlySet<string>): string {
  const mark = target.indexOf('?');
  if (mark === -1) return target;
  const parts = target.slice(mark + 1).split('&');
  const kept = parts.filter((part) => !ignored.has(nameOf(part)));
  if (kept.length === parts.length) return target;
  return kept.length === 0 ? target.slice(0, mark) : `${target.slice(0, mark)}?${kept.join('&')}`;
}

function nameOf(part: string): string {
  const end = part.indexOf('=');
  const written = end === -1 ? part : part.slice(0, end);
  if (!/[%+]/.test(written)) return written.toLowerCase();
  try {
    return decodeURIComponent(written.replaceAll('+', ' ')).toLowerCase();
  } catch {
    return written.toLowerCase();
  }
}
