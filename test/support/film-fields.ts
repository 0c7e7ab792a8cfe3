/** The header fields with which an honest origin answers for a film, and what a request asks of it. */
import assert from 'node:assert/strict';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { Fields } from '../../src/http/fields.ts';
import type { Film } from './film.ts';

/** When every film was last changed; long before any test's today, so that the date is a strong validator. */
export const lastModified = 'Wed, 01 Jan 2025 00:00:00 GMT';

/** The entity tag of a film: another one for another size or seed. */
export function etagOf(film: Film): string {
  return `"film-${film.size}-${film.seed}"`;
}

/**
 * The single range that a request asks for, not yet clamped at its end (`null` for an open one): an origin's own,
 * deliberately simple reading of `bytes=N-`, `bytes=N-M` and `bytes=-N`. `null` where no range is asked for.
 */
export function askedRange(fields: Fields, size: number): { start: number; end: number | null } | null {
  const value = fields.find(([name]) => name === 'range')?.[1];
  assert.doesNotMatch(value ?? '', /\d\.\d/, 'no origin has parts of bytes');
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(value ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return null;
  if (first === '') return { start: Math.max(0, size - Number(last)), end: null };
  return { start: Number(first), end: last === '' ? null : Number(last) + 1 };
}

/** The part of a film that `start` and `until` ask for, or `null` where there is none. */
export function satisfied(film: Film, start: number, until: number | null): ByteRange | null {
  const end = Math.min(until ?? film.size, film.size);
  return start < end ? { start, end } : null;
}

/** The right fields for a status: 200, 206 (for the part asked for), 304, 416 and the rest, which have no body. */
export function filmFields(film: Film, status: number, start = 0, until: number | null = null): Fields {
  const described: Fields = [
    ['etag', etagOf(film)],
    ['last-modified', lastModified],
    ['accept-ranges', 'bytes'],
    ['content-type', 'video/mp4'],
  ];
  if (status === 200) return [...described, ['content-length', String(film.size)]];
  if (status === 206) {
    const range = satisfied(film, start, until);
    if (range === null) throw new Error(`A film of ${film.size} bytes has no part from ${start}.`);
    return [
      ...described,
      ['content-length', String(range.end - range.start)],
      ['content-range', `bytes ${range.start}-${range.end - 1}/${film.size}`],
    ];
  }
  if (status === 304) return described;
  if (status === 416) {
    return [
      ['content-range', `bytes */${film.size}`],
      ['content-length', '0'],
    ];
  }
  return [['content-length', '0']];
}
