/** Conditional requests, judged against the representation that would be sent (RFC 9110 §13). */
import { type Fields, fieldValue } from './fields.ts';
import { parseHttpDate, parseOriginDate } from './http-date.ts';
import type { Representation } from './representation.ts';
import {
  lastModifiedOf,
  parseEntityTag,
  parseEntityTags,
  stronglyEqual,
  tagIn,
  type Validator,
  weaklyEqual,
} from './validator.ts';

/**
 * The status to answer at once, or `null` to go on with the request. To be asked before any look at Range, in the
 * order of RFC 9110 §13.2.2.
 */
export function evaluatePreconditions(
  method: string,
  requestFields: Fields,
  representation: Representation,
): 304 | 412 | null {
  const ifMatch = fieldValue(requestFields, 'if-match');
  const ifNoneMatch = fieldValue(requestFields, 'if-none-match');
  const reads = method === 'GET' || method === 'HEAD';

  if (ifMatch !== null) {
    // §13.1.1
    if (!matches(ifMatch, representation, stronglyEqual)) return 412;
  } else {
    // §13.1.4: ignored where the date is none, or there is no date of modification.
    const since = dateIn(requestFields, 'if-unmodified-since');
    const modified = since === null ? null : dateOf(representation, 'last-modified');
    if (since !== null && modified !== null && modified > since) return 412;
  }

  if (ifNoneMatch !== null) {
    // §13.1.2
    if (matches(ifNoneMatch, representation, weaklyEqual)) return reads ? 304 : 412;
  } else if (reads) {
    // §13.1.3; a cache takes the date of the answer where there is none of modification (RFC 9111 §4.3.2).
    const since = dateIn(requestFields, 'if-modified-since');
    if (since === null) return null;
    const modified = dateOf(representation, 'last-modified') ?? dateOf(representation, 'date');
    if (modified !== null && modified <= since) return 304;
  }
  return null;
}

/**
 * Whether Range counts, by the value of If-Range (RFC 9110 §13.1.5): it is absent, the same strong entity tag, or
 * exactly the date of modification, where that is strong.
 */
export function ifRangeHolds(value: string | null, representation: Representation): boolean {
  if (value === null) return true;
  const tag = parseEntityTag(value);
  if (tag !== null) return representation.validator !== null && stronglyEqual(tag, representation.validator);
  const modified = lastModifiedOf(representation.fields);
  return modified?.strong === true && modified.value === value;
}

function matches(
  value: string,
  { validator }: Representation,
  equal: (a: Validator, b: Validator) => boolean,
): boolean {
  if (value === '*') return true;
  const own = validator && tagIn(validator);
  return own !== null && ((own.strong && value === own.value) || parseEntityTags(value).some((tag) => equal(tag, own)));
}

function dateIn(requestFields: Fields, name: string): number | null {
  const written = fieldValue(requestFields, name);
  return written === null ? null : parseHttpDate(written);
}

function dateOf({ fields }: Representation, name: 'last-modified' | 'date'): number | null {
  return parseOriginDate(fieldValue(fields, name) ?? '');
}
