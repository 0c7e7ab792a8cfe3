/** An object of the disk store, as one user has it open; others may have it open as well. */
import type { ByteRange } from '../../bytes/byte-range.ts';
import type { Representation } from '../../http/representation.ts';
import { never, untilAborted } from '../../until-aborted.ts';
import type { Capacity } from '../capacity.ts';
import type { User } from '../inventory.ts';
import type { ObjectName, Slice, StoreObject } from '../store.ts';
import type { Committer } from './committer.ts';
import type { DiskObject } from './disk-object.ts';
import type { HeldOnDisk } from './held-on-disk.ts';

export interface OpenObjectParts {
  readonly object: DiskObject;
  readonly user: User;
  readonly capacity: Capacity<HeldOnDisk>;
  readonly committer: Committer;
  /** Commits, and gives the object back. */
  readonly release: () => Promise<void>;
}

export class OpenObject implements StoreObject {
  readonly #parts: OpenObjectParts;
  readonly #object: DiskObject;

  constructor(parts: OpenObjectParts) {
    this.#parts = parts;
    this.#object = parts.object;
  }

  get name(): ObjectName {
    return this.#object.held.name;
  }

  get representation(): Representation {
    return this.#object.representation;
  }

  get durable(): readonly ByteRange[] {
    return this.#object.durable;
  }

  get ahead(): number {
    return this.#parts.capacity.ahead;
  }

  attend(playheads: readonly number[]): void {
    this.#parts.capacity.attend(this.#object.held, this.#parts.user, playheads);
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

  commit(signal: AbortSignal = never): Promise<void> {
    return untilAborted(this.#parts.committer.commit([this.#object]), signal);
  }

  close(signal: AbortSignal = never): Promise<void> {
    return untilAborted(this.#parts.release(), signal);
  }
}
