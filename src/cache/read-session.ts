/** One request that reads an entry, and the types of its bytes and failures: all that the proxy sees of the cache. */
import type { CacheResult } from '../events.ts';
import type { Fill } from '../fill/fill.ts';
import type { Reader } from '../fill/reader.ts';
import type { Representation } from '../http/representation.ts';

export { type Failure, FillFailed } from '../fill/failure.ts';
export type { Taken } from '../fill/presence.ts';
export { ReadAheadAllowance } from '../fill/read-ahead-allowance.ts';
export type { Reader } from '../fill/reader.ts';
export { type Slice, StoreError } from '../store/store.ts';

/** Begins when the first byte is present. Where no byte is wanted, it begins when the representation is known. */
export interface ReadSession {
  readonly representation: Representation;
  readonly reader: Reader;
  readonly fill: Pick<Fill, 'id' | 'passing' | 'beginning'>;
  readonly cache: CacheResult;
  /** For how many more seconds the representation is fresh; negative where it is stale. */
  readonly ttl: number;
  /** Whether another client's request to the origin was under way already. */
  readonly collapsed: boolean;
  /** How many milliseconds the store may take for the first bytes of a reply, and for later ones. */
  readonly patience: { readonly first: number; readonly next: number };
  /** Must be called once, when the reply has ended in any way. */
  leave(): void;
}
