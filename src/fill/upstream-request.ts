/** A request to the origin, for a range or for everything. */
import type { Fields } from '../http/fields.ts';
import type { OriginRequest } from '../origin/origin.ts';

/** For the bytes from `start` on. */
export interface UpstreamRequest extends OriginRequest {
  readonly start: number;
  /** Exclusive; `null` for the end of the representation. */
  readonly end: number | null;
  /** Whether it says so to the origin; else it asks for everything. */
  readonly ranged: boolean;
  /** So many bytes from the end, in place of `start` and `end`: where that begins shows by the answer. */
  readonly suffix?: number;
}

export function requestRange(about: OriginRequest, start: number, end: number | null): UpstreamRequest {
  const range = ['range', `bytes=${start}-${end === null ? '' : end - 1}`] as const;
  const fields: Fields = [...about.fields, range];
  return { ...about, fields, start, end, ranged: true };
}

/** For so many bytes from the end. */
export function requestSuffix(about: OriginRequest, suffix: number): UpstreamRequest {
  const fields: Fields = [...about.fields, ['range', `bytes=-${suffix}`]];
  return { ...about, fields, start: 0, end: null, ranged: true, suffix };
}

export function requestAll(about: OriginRequest): UpstreamRequest {
  return { ...about, start: 0, end: null, ranged: false };
}
