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
}

export function requestRange(about: OriginRequest, start: number, end: number | null): UpstreamRequest {
  const range = ['range', `bytes=${start}-${end === null ? '' : end - 1}`] as const;
  const fields: Fields = [...about.fields, range];
  return { ...about, fields, start, end, ranged: true };
}

export function requestAll(about: OriginRequest): UpstreamRequest {
  return { ...about, start: 0, end: null, ranged: false };
}
