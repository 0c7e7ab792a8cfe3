/** Validators and their comparison (RFC 9110 §8.8). */

/** `value` is the entity tag without `W/` but with its quotes, or the Last-Modified date as it was sent. */
export interface Validator {
  readonly kind: 'etag' | 'last-modified';
  readonly value: string;
  /** Whether it may combine partial content (§8.8.1; for a date, §8.8.2.2). */
  readonly strong: boolean;
}
