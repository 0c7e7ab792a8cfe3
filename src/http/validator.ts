/** Validators and their comparison (RFC 9110 §8.8). */
import { type Fields, fieldValue } from './fields.ts';
import { parseOriginDate } from './http-date.ts';

/** `value` is the entity tag without `W/` but with its quotes, or the Last-Modified date as it was sent. */
export interface Validator {
  readonly kind: 'etag' | 'last-modified';
  readonly value: string;
  /** Whether it may combine partial content (§8.8.1; for a date, §8.8.2.2). */
  readonly strong: boolean;
  /** Of a strong date: the value of the weak entity tag that stands beside it. Both have to be the same. */
  readonly weakTag?: string;
}

const entityTag = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"';
const oneEntityTag = new RegExp(`^${entityTag}$`);
const listOfEntityTags = new RegExp(`^[ \\t,]*(?:${entityTag}[ \\t]*(?:,[ \\t,]*|$))+$`);

/** Clocks of two machines, a file server's and its web server's for instance, may differ by so much. */
const mostSkewMs = 60_000;

/**
 * What identifies the version that `fields` describe: a strong entity tag, or else a strong date, with the weak tag that
 * stands beside it; without those, whatever there is. `arrivedAt` is wall-clock milliseconds.
 */
export function validatorOf(fields: Fields, arrivedAt?: number): Validator | null {
  const tag = parseEntityTag(fieldValue(fields, 'etag') ?? '');
  if (tag?.strong) return tag;
  const date = lastModifiedOf(fields, arrivedAt);
  if (tag === null) return date ?? entityTagOf(fields);
  return date?.strong ? { ...date, weakTag: tag.value } : tag;
}

/**
 * The date of last modification as a validator. It is strong only if the origin's own clock had moved on by a second
 * when it answered (§8.8.2.2): within the same second the content may have changed again. Where the origin tells no time,
 * the one of arrival counts (§6.6.1). A date that lies in the future was set, and not by a change of this moment.
 */
export function lastModifiedOf(fields: Fields, arrivedAt?: number): Validator | null {
  const value = fieldValue(fields, 'last-modified');
  if (value === null) return null;
  const modified = parseOriginDate(value);
  if (modified === null) return null;
  const date = parseOriginDate(fieldValue(fields, 'date') ?? '');
  const strong =
    date === null
      ? arrivedAt !== undefined && modified + mostSkewMs <= arrivedAt
      : modified + 1000 <= date || modified > date + mostSkewMs;
  return { kind: 'last-modified', value, strong };
}

/** The entity tag of an answer, also where it is not quoted: what compares tags compares their text. */
export function entityTagOf(fields: Fields): Validator | null {
  const text = fieldValue(fields, 'etag') ?? '';
  const tag = parseEntityTag(text);
  if (tag !== null) return tag;
  return /^(?!W\/)[\x21\x23-\x2b\x2d-\x7e]+$/i.test(text) ? { kind: 'etag', value: text, strong: true } : null;
}

/** The tag that a version is known by, strong or weak; `null` where only a date is. */
export function tagIn({ kind, value, strong, weakTag }: Validator): Validator | null {
  if (kind === 'etag') return { kind, value, strong };
  return weakTag === undefined ? null : { kind: 'etag', value: weakTag, strong: false };
}

/**
 * Whether it stands for every byte (§8.8.1). A date tells versions apart to the second only, and a tag that is not quoted
 * is by a server that does not know the standard: with these, bytes are compared wherever two answers meet.
 */
export function standsForBytes({ kind, value, strong }: Validator): boolean {
  return kind === 'etag' && strong && value.startsWith('"');
}

/** One entity tag (§8.8.3); `null` where it is anything else, a list for instance. */
export function parseEntityTag(text: string): Validator | null {
  if (!oneEntityTag.test(text)) return null;
  const strong = !text.startsWith('W/');
  return { kind: 'etag', value: strong ? text : text.slice(2), strong };
}

/** The tags of If-Match or If-None-Match; none where the list is malformed. */
export function parseEntityTags(value: string): Validator[] {
  if (!listOfEntityTags.test(value)) return [];
  return Array.from(value.matchAll(new RegExp(entityTag, 'g')), ([text]) => parseEntityTag(text)).filter(
    (tag) => tag !== null,
  );
}

/** The fields that ask whether a version is current (§13.1.2, §13.1.3): by all that it is known by. */
export function whetherCurrent(validator: Validator): Fields {
  const tag = tagIn(validator);
  const conditions: Fields[number][] = [];
  if (tag !== null) conditions.push(['if-none-match', formatValidator(tag)]);
  if (validator.kind === 'last-modified') conditions.push(['if-modified-since', validator.value]);
  return conditions;
}

/** As it is sent in If-None-Match, If-Modified-Since or If-Range. */
export function formatValidator(validator: Validator): string {
  return validator.kind === 'etag' && !validator.strong ? `W/${validator.value}` : validator.value;
}

/** Whether both are the very same validator, of the same strength. */
export function sameValidator(a: Validator, b: Validator): boolean {
  return a.kind === b.kind && a.value === b.value && a.strong === b.strong && a.weakTag === b.weakTag;
}

/** Strong comparison (§8.8.3.2): for If-Match and If-Range. */
export function stronglyEqual(a: Validator, b: Validator): boolean {
  return weaklyEqual(a, b) && a.strong && b.strong;
}

/** Weak comparison (§8.8.3.2): for If-None-Match. */
export function weaklyEqual(a: Validator, b: Validator): boolean {
  return a.kind === b.kind && a.value === b.value;
}
