/** What a store reports while it runs, for events, counters and the log. It waits for nobody who is told. */
import type { BufferWaitOutcome, EvictionReason, LossCause } from '../events.ts';
import type { ObjectLabel, StoreError } from './store.ts';

export interface StoreEvents {
  evicted(reason: EvictionReason, label: ObjectLabel, bytes: number): void;
  blockLost(label: ObjectLabel, cause: LossCause, bytes: number): void;
  /** A read had to wait for memory, so many milliseconds. */
  bufferWaited(outcome: BufferWaitOutcome, duration: number): void;
  /** The medium takes nothing more, or takes what comes again (`null`). */
  stateChanged(trouble: StoreError | null): void;
  /** Files could not be closed or removed; they are found again at the next start. */
  leftover(error: StoreError): void;
}
