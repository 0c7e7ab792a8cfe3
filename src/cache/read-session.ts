/** One request that reads an entry, and the types of its bytes and failures: all that the proxy sees of the cache. */
import type { OpenRange } from '../bytes/byte-range.ts';
import type { CacheResult } from '../events.ts';
import type { Fill } from '../fill/fill.ts';
import type { Reader } from '../fill/reader.ts';
import type { CacheStatus } from '../http/cache-status.ts';
import type { Fields } from '../http/fields.ts';
import type { Representation } from '../http/representation.ts';

export { type Failure, FillFailed } from '../fill/failure.ts';
export type { Taken } from '../fill/presence.ts';

import type { ReadAheadAllowance } from '../fill/read-ahead-allowance.ts';

export { ReadAheadAllowance } from '../fill/read-ahead-allowance.ts';
export { type FilePart, type Slice, StoreError } from '../store/store.ts';

/** What a reply needs of the reader of its bytes. */
export type SessionReader = Pick<
  Reader,
  | 'position'
  | 'end'
  | 'waited'
  | 'waitingSince'
  | 'arrival'
  | 'take'
  | 'takeAhead'
  | 'useFile'
  | 'aim'
  | 'rewind'
  | 'leave'
>;

/** What is wanted as long as nobody knows the representation: a range, or so many bytes from the end. */
export type Aim = OpenRange & { readonly suffix?: number };

/** Says which bytes of a representation are wanted; `null` for none. */
export type WantedBytes = (representation: Representation) => OpenRange | null;

/** What an entry knows of the client of a session. */
export interface SessionClient {
  /** What may be fetched ahead of it; without one it has whatever its window gives. */
  readonly allowance?: ReadAheadAllowance;
  /** Its fields that the origin gets and that tell nothing apart but by `Vary`; absent where any representation will do. */
  readonly said?: Fields;
  /** Whether it forbids asking the origin (`only-if-cached`). */
  readonly isStoredOnly?: boolean;
  /** When it asked, in monotonic milliseconds; now where absent. */
  readonly askedAt?: number;
}

/** A reply that is the origin's answer as it came. */
export interface VerbatimReply {
  readonly status: number;
  readonly fields: Fields;
  /** Where its content lies in the representation; `null` for none. */
  readonly content: OpenRange | null;
}

/** Begins when the first byte is present. Where no byte is wanted, it begins when the representation is known. */
export interface ReadSession {
  readonly representation: Representation;
  readonly reader: SessionReader;
  readonly fill: Pick<Fill, 'passing' | 'beginning'> & {
    /** The number that its events carry; `null` where nothing has to be fetched. */
    readonly id: number | null;
  };
  readonly cache: CacheResult;
  /** What the reply is, where nothing of it is left to decide; absent where it follows from the representation. */
  readonly verbatim?: VerbatimReply;
  /** Why the origin was asked, and what it said, although stored bytes may be served; absent where it was not. */
  readonly forwarded?: Extract<CacheStatus, { readonly fwd: unknown }>;
  /** For how many more seconds the representation is fresh; negative where it is stale. */
  readonly ttl: number;
  /** Whether others have another representation of the target, by `Vary`. */
  readonly isVariant?: boolean;
  /** Whether another client's request to the origin was under way already. */
  readonly collapsed: boolean;
  /** How many milliseconds the store may take for the first bytes of a reply, and for later ones. */
  readonly patience: { readonly first: number; readonly next: number };
  /** Must be called once, when the reply has ended in any way. */
  leave(): void;
}
