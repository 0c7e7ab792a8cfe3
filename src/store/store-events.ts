/** What a store tells of itself while it runs, for events, counters and the log; it never waits for the answer. */
import type { ObjectLabel, StoreError } from './store.ts';

/** How a block was lost: its content is not what was written, or could not be read. */
export type LossCause = 'checksum' | 'read';

/** Why a segment was evicted: the store was too large, the file system too full, or nobody had used it for too long. */
export type EvictionReason = 'size' | 'free' | 'age';

export interface StoreEvents {
  evicted(reason: EvictionReason, label: ObjectLabel, bytes: number): void;
  blockLost(label: ObjectLabel, cause: LossCause, bytes: number): void;
  /** The medium takes nothing more, or takes what comes again (`null`). */
  stateChanged(trouble: StoreError | null): void;
}
