/** How much a store may hold, as people say it: so many bytes, or a share of what there is. */

export type Amount = { readonly bytes: number } | { readonly share: number };

export interface StoreLimits {
  /** What the store may hold at most; a share is of the room that it could have: what is free, and what it holds. */
  readonly maxSize?: Amount | null;
  /** What must stay free on the file system; a share is of all of it. */
  readonly minFree?: Amount | null;
  /** How long an object stays that nobody uses, in milliseconds. */
  readonly maxAge?: number | null;
}

/** The amount in bytes, where a share is of `whole`; `none` where there is no amount. */
export function inBytes(amount: Amount | null | undefined, whole: number, none: number): number {
  if (amount === null || amount === undefined) return none;
  return 'bytes' in amount ? amount.bytes : Math.floor(amount.share * whole);
}
