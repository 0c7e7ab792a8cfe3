/** The `Content-Range` field (RFC 9110 §14.4), read from origins and written for clients. */
import type { ByteRange } from '../bytes/byte-range.ts';
import { type Fields, fieldValue, parseDecimal } from './fields.ts';

/** Of a 206: never empty; `total`, the length of the file, is `null` for `*`. */
export type ContentPart = ByteRange & { readonly total: number | null };

export type ContentRange =
  | ContentPart
  /** Of a 416: the length of the file. */
  | { readonly unsatisfiedTotal: number };

/** The part that the field names; `null` where it names none. */
export function partIn(fields: Fields): ContentPart | null {
  const range = parseContentRange(fieldValue(fields, 'content-range'));
  return range !== null && 'start' in range ? range : null;
}

/** The length of the file that the field names, of a 206 or a 416; `null` where it names none. */
export function totalIn(fields: Fields): number | null {
  const range = parseContentRange(fieldValue(fields, 'content-range'));
  return range !== null && 'start' in range ? range.total : (range?.unsatisfiedTotal ?? null);
}

/**
 * `null` where the field is absent, malformed, contradicts itself, or counts in another unit than bytes. A total that no
 * number can hold is not known, and neither is what lies beyond a last position that none can hold.
 */
export function parseContentRange(value: string | null): ContentRange | null {
  const match = /^bytes (?:(?<first>\d+)-(?<last>\d+)|\*)\/(?<total>\d+|\*)$/i.exec(value ?? '');
  if (match === null) return null;
  const { first, last, total: complete = '*' } = match.groups ?? {};
  const total = parseDecimal(complete);
  if (first === undefined || last === undefined) return total === null ? null : { unsatisfiedTotal: total };

  const start = parseDecimal(first);
  if (start === null) return null;
  // Invalid, and not to be recombined with anything (§14.4).
  if (BigInt(last) < start || (complete !== '*' && BigInt(complete) <= BigInt(last))) return null;
  return { start, end: Math.min(Number(last) + 1, Number.MAX_SAFE_INTEGER), total };
}

/** For a 206: `range` is not empty. */
export function formatContentRange(range: ByteRange, total: number | null): string;
/** For a 416. */
export function formatContentRange(range: null, total: number): string;
export function formatContentRange(range: ByteRange | null, total: number | null): string {
  const positions = range === null ? '*' : `${range.start}-${range.end - 1}`;
  return `bytes ${positions}/${total ?? '*'}`;
}
