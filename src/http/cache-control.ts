/** Directives to caches: `Cache-Control` (RFC 9111 §5.2) and its form for caches of this kind (RFC 9213). */
import { parseDictionary } from 'structured-headers';
import { recalled, remembered } from '../kit/remembered.ts';
import { type Fields, fieldValue } from './fields.ts';

/** Names in lower case, each with its argument, unquoted; `null` where it has none. */
export type CacheControl = ReadonlyMap<string, string | null>;

/** Directives whose argument is an Integer in a targeted field; one of another type is ignored (RFC 9213 §2.1). */
const lifetimes: ReadonlySet<string> = new Set(['max-age', 's-maxage']);

const none: CacheControl = new Map();

const directive = /(?:^|,)[ \t]*([!#$%&'*+.^_`|~\w-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[ \t]*(?=,|$)/g;

/** The first of several directives of one name counts (RFC 9111 §4.2.1); what is no directive is skipped. */
export function parseCacheControl(value: string | null): CacheControl {
  return value === null ? none : directivesIn(value);
}

const directivesIn = recalled((value): CacheControl => {
  const directives = new Map<string, string | null>();
  for (const [, name = '', quoted, token] of value.matchAll(directive)) {
    const argument = quoted?.replace(/\\(.)/g, '$1') ?? token ?? null;
    if (!directives.has(name.toLowerCase())) directives.set(name.toLowerCase(), argument);
  }
  return directives;
});

/** What an origin says to this cache: the targeted field where it is valid, and then nothing else (RFC 9213 §2.2). */
export const responseDirectives = remembered(
  (fields: Fields): CacheControl =>
    targetedDirectives(fields) ?? parseCacheControl(fieldValue(fields, 'cache-control')),
);

/** `CDN-Cache-Control` (RFC 9213 §3.1); `null` where it is absent, malformed, or says nothing (§2.1). */
export function targetedDirectives(fields: Fields): CacheControl | null {
  const value = fieldValue(fields, 'cdn-cache-control');
  if (value === null) return null;
  const directives = new Map<string, string | null>();
  try {
    for (const [name, [argument]] of parseDictionary(value)) {
      if (argument === false || (lifetimes.has(name) && !Number.isInteger(argument))) continue;
      directives.set(name, argument === true ? null : String(argument));
    }
  } catch {
    return null;
  }
  return directives.size === 0 ? null : directives;
}

/** The seconds that a directive gives (RFC 9111 §1.2.2); 0 where they are malformed, `null` where it is absent. */
export function deltaSeconds(directives: CacheControl, name: string): number | null {
  const argument = directives.get(name);
  if (argument === undefined) return null;
  if (argument === null || !/^\d+$/.test(argument)) return 0;
  return Math.min(Number(argument), 2 ** 31);
}
