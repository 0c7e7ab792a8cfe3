/** One user's view of an object of the disk store; others may have the same object open. */
import type { ByteRange } from '../../bytes/byte-range.ts';
import type { Representation } from '../../http/representation.ts';
import type { ObjectName, Slice, StoreObject } from '../store.ts';
import type { DiskObject } from './disk-object.ts';

/** What concerns the store beside the object itself. */
export interface ObjectCalls {
  readonly attend: (playheads: readonly number[]) => void;
  /** How far past a playhead the store can hold bytes now. */
  readonly ahead: () => number;
  readonly commit: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export class OpenObject implements StoreObject {
  readonly attend: (playheads: readonly number[]) => void;
  readonly commit: () => Promise<void>;
  readonly close: () => Promise<void>;
  readonly #ahead: () => number;
  readonly #object: DiskObject;

  constructor(object: DiskObject, { attend, ahead, commit, close }: ObjectCalls) {
    this.attend = attend;
    this.commit = commit;
    this.close = close;
    this.#ahead = ahead;
    this.#object = object;
  }

  get name(): ObjectName {
    return this.#object.holding.name;
  }

  get representation(): Representation {
    return this.#object.representation;
  }

  get durable(): readonly ByteRange[] {
    return this.#object.durable;
  }

  get ahead(): number {
    return this.#ahead();
  }

  write(offset: number, bytes: Buffer): Promise<void> | undefined {
    return this.#object.write(offset, bytes);
  }

  read(range: ByteRange, signal: AbortSignal, isFirst?: boolean): Slice | Promise<Slice> {
    return this.#object.read(range, signal, isFirst);
  }

  readAhead(range: ByteRange, signal: AbortSignal): Slice | Promise<Slice> | null {
    return this.#object.readAhead(range, signal);
  }

  describe(representation: Representation): void {
    this.#object.describe(representation);
  }
}
