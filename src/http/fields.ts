/**
 * Header fields as they came: pairs in order, names in lower case, duplicates kept (RFC 9110 §5), and the few ways
 * of reading them that do not depend on which field it is.
 */

import { recalled } from '../kit/remembered.ts';

export type Fields = ReadonlyArray<readonly [name: string, value: string]>;

/** Fields for one hop (RFC 9110 §7.6.1) or one proxy (§11.7): never forwarded, never stored (RFC 9111 §3.1). */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

// Heads are looked through some dozens of times for each request. These functions go by index: to take pairs apart, as in
// `([name]) => …`, costs ten times as much in code that has not run for long.

/** The value of the field `name` (lower case), its lines joined by `, ` (RFC 9110 §5.3); `null` where there is none. */
export function fieldValue(fields: Fields, name: string): string | null {
  let value: string | null = null;
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index];
    if (field?.[0] === name) value = value === null ? field[1] : `${value}, ${field[1]}`;
  }
  return value;
}

/** Whether there is a field of that name (lower case). */
export function hasField(fields: Fields, name: string): boolean {
  for (let index = 0; index < fields.length; index += 1) if (fields[index]?.[0] === name) return true;
  return false;
}

type FieldTest = (name: string, value: string) => boolean;

/** Whether one of them is such a field. */
export function someField(fields: Fields, is: FieldTest): boolean {
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index];
    if (field !== undefined && is(field[0], field[1])) return true;
  }
  return false;
}

/** Those of them that are such fields. */
export function fieldsWhere(fields: Fields, is: FieldTest): Fields {
  return fields.filter((field) => is(field[0], field[1]));
}

/** Fields from names and values in turn, as `node:http` reports them. */
export function fieldsFromRaw(rawHeaders: readonly string[]): Fields {
  const fields: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    fields.push([(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? '']);
  }
  return fields;
}

/** Names, as programs write them, and values in turn, as `node:http` takes them. */
export function rawFrom(fields: Fields): string[] {
  const raw: string[] = [];
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index];
    if (field !== undefined) raw.push(titled(field[0]), field[1]);
  }
  return raw;
}

/** `fields` without those of the hop they came by, among them all that `Connection` lists (RFC 9110 §7.6.1). */
export function endToEnd(fields: Fields): Fields {
  const options = listMembers(fieldValue(fields, 'connection') ?? '');
  const listed = options.map((option) => option.toLowerCase());
  return fieldsWhere(fields, (name) => !hopByHop.has(name) && !listed.includes(name));
}

/** The members of a comma-separated list without quoted strings; empty ones do not count (RFC 9110 §5.6.1.2). */
export function listMembers(value: string): string[] {
  if (value === '') return [];
  return value.match(/[^ \t,]+(?:[ \t]+[^ \t,]+)*/g) ?? [];
}

/** `1*DIGIT` as a number; `null` for anything else, and where it is above 2^53 - 1. */
export function parseDecimal(text: string): number | null {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : null;
}

/** Fields that belong to one connection or one request, or that firstbyte sets itself. */
const ours =
  /^(accept-encoding|cdn-loop|connection|content-.*|expect|host|icy-metadata|if-.*|keep-alive|proxy-.*|range|te|trailer|transfer-encoding|upgrade|via)$/;

/** The name, in lower case, of a field that an operator may have sent; `null` where it is no such name. */
export function operatorFieldName(written: string): string | null {
  const name = /^[\w!#$%&'*+.^`|~-]+$/.test(written) ? written.toLowerCase() : null;
  return name === null || ours.test(name) ? null : name;
}

/** Names that are not written as their words are. */
const titles: Readonly<Record<string, string>> = {
  'cdn-cache-control': 'CDN-Cache-Control',
  'content-md5': 'Content-MD5',
  dnt: 'DNT',
  etag: 'ETag',
  te: 'TE',
  'www-authenticate': 'WWW-Authenticate',
  'x-xss-protection': 'X-XSS-Protection',
};

/** A name as HTTP/1.1 programs write it, which some compare letter by letter; radio is known by `icy-` in lower case. */
export const titled = recalled((name: string): string => {
  if (name.startsWith('icy-')) return name;
  return titles[name] ?? name.replace(/(?<![^-])[a-z]/g, (letter) => letter.toUpperCase());
});

/** Whether a field can carry a text as it is (RFC 9110 §5.5): printable ASCII without space at its ends. */
export function isFieldText(text: string): boolean {
  return /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text);
}
