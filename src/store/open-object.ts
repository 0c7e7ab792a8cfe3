/** One user's view of an object of the disk store; others may have the same object open. */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Representation } from '../http/representation.ts';
import type { DiskObject } from './disk-object.ts';
import type { ObjectName, Slice, StoreObject } from './store.ts';

/** What concerns the store beside the object itself. */
export interface ObjectCalls {
  readonly commit: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export class OpenObject implements StoreObject {
  readonly commit: () => Promise<void>;
  readonly close: () => Promise<void>;
  readonly #object: DiskObject;

  constructor(object: DiskObject, { commit, close }: ObjectCalls) {
    this.commit = commit;
    this.close = close;
    this.#object = object;
  }

  get name(): ObjectName {
    return this.#object.name;
  }

  get durable(): readonly ByteRange[] {
    return this.#object.durable;
  }

  get representation(): Representation {
    return this.#object.representation;
  }

  write(offset: number, bytes: Buffer): Promise<void> | undefined {
    return this.#object.write(offset, bytes);
  }

  read(range: ByteRange): Slice | Promise<Slice> {
    return this.#object.read(range);
  }

  attend(_playheads: readonly number[]): void {
    this.#object.touch();
  }

  describe(representation: Representation): void {
    this.#object.describe(representation);
  }
}
