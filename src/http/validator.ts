/** Validators and their comparison (RFC 9110 §8.8). */
import { type Fields, fieldValue } from './fields.ts';
import { parseHttpDate } from './http-date.ts';

/** `value` is the entity tag without `W/` but with its quotes, or the Last-Modified date as it was sent. */
export interface Validator {
  readonly kind: 'etag' | 'last-modified';
  readonly value: string;
  /** Whether it may combine partial content (§8.8.1; for a date, §8.8.2.2). */
  readonly strong: boolean;
}

const entityTag = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"';
const oneEntityTag = new RegExp(`^${entityTag}$`);
const listOfEntityTags = new RegExp(`^[ \\t,]*(?:${entityTag}[ \\t]*(?:,[ \\t,]*|$))+$`);

/** What identifies the version that `fields` describe: the entity tag where there is one, or else the date. */
export function validatorOf(fields: Fields): Validator | null {
  return parseEntityTag(fieldValue(fields, 'etag') ?? '') ?? lastModifiedOf(fields);
}

/**
 * The date of last modification as a validator. It is strong only if the origin's own clock had moved on by a second
 * when it answered (§8.8.2.2): within the same second the content may have changed again.
 */
export function lastModifiedOf(fields: Fields): Validator | null {
  const value = fieldValue(fields, 'last-modified');
  if (value === null) return null;
  const modified = parseHttpDate(value);
  if (modified === null) return null;
  const date = parseHttpDate(fieldValue(fields, 'date') ?? '');
  return { kind: 'last-modified', value, strong: date !== null && modified + 1000 <= date };
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

/** As it is sent in If-None-Match, If-Modified-Since or If-Range. */
export function formatValidator(validator: Validator): string {
  return validator.kind === 'etag' && !validator.strong ? `W/${validator.value}` : validator.value;
}

/** Whether both are the very same validator, of the same strength. */
export function sameValidator(a: Validator, b: Validator): boolean {
  return a.kind === b.kind && a.value === b.value && a.strong === b.strong;
}

/** Strong comparison (§8.8.3.2): for If-Match and If-Range. */
export function stronglyEqual(a: Validator, b: Validator): boolean {
  return weaklyEqual(a, b) && a.strong && b.strong;
}

/** Weak comparison (§8.8.3.2): for If-None-Match. */
export function weaklyEqual(a: Validator, b: Validator): boolean {
  return a.kind === b.kind && a.value === b.value;
}
