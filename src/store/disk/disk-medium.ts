/** What all objects of one disk store share, and what each has of its own on disk. */
import type { ByteRange } from '../../bytes/byte-range.ts';
import type { Clock } from '../../clock.ts';
import type { LossCause } from '../../events.ts';
import type { Room } from '../capacity.ts';
import type { StoreError } from '../store.ts';
import type { Layout } from './block-index.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { DiskObject } from './disk-object.ts';
import type { Run } from './gather-list.ts';
import type { Gate } from './semaphore.ts';

export interface DiskMedium {
  readonly layout: Layout;
  /** How many reads run at once. */
  readonly reads: Gate;
  /** Its buffers hold one block each. */
  readonly pool: BufferPool;
  readonly clock: Clock;
  readonly room: Room;
  /** Why nothing is written now. */
  readonly trouble: StoreError | null;
  /** Throws a `StoreError` where these bytes can't be taken now. */
  admit(object: DiskObject, range: ByteRange): void;
  /** Does `work`; where the disk is full, evicts as many bytes and does it again, as long as any may go. */
  withRoom<Result>(bytes: number, work: () => Promise<Result>): Promise<Result>;
  /** Called when there is something to settle. */
  onDirty(object: DiskObject): void;
  /** The medium has failed; it will be tried again. */
  fail(error: StoreError): void;
  /** Called when a block is not what was written, or can't be read; `bytes` are what was lost of it. */
  onBlockLost(object: DiskObject, cause: LossCause, bytes: number): void;
}

/** The files of one object. Every promise may reject with a system's error. */
export interface ObjectFiles {
  write(run: Run): Promise<void>;
  /** Fills `buffer` from offset `start` on, within one segment; rejects with `CORRUPT` where the file is too short. */
  read(buffer: Buffer, start: number): Promise<void>;
  /** Makes everything written to the segment survive a power cut; resolves with the real bytes that it takes. */
  sync(segment: number): Promise<number>;
  /** Unlinks the file of the segment; reads that have begun go on. */
  removeSegment(segment: number): Promise<void>;
  /** The files are gone: whatever was open is forgotten, and made again when it is written to. */
  reset(): void;
  /** Lets go of the descriptors. */
  close(): Promise<void>;
  /** Unlinks everything. */
  remove(): Promise<void>;
}
