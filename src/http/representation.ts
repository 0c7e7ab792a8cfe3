/** One version of what a target holds (RFC 9110 §3.2): the only owner of its length. */
import type { Fields } from './fields.ts';
import type { Validator } from './validator.ts';

export interface Representation {
  /** In bytes; `null` until the end where the origin does not say. */
  readonly length: number | null;
  readonly validator: Validator | null;
  /** The origin's end-to-end fields, without those that describe one message (`content-length`, `content-range`, …). */
  readonly fields: Fields;
  /** Wall-clock milliseconds at which the origin last vouched for it, for `Age` and freshness. */
  readonly validatedAt: number;
  /** Whether the origin answered a range request with 206, so that another offset can be asked for. */
  readonly ranges: boolean;
}
