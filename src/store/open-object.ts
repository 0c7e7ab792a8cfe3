/** An object as one user has it open; what it does, it does for all who have it open. */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Representation } from '../http/representation.ts';
import { never, untilAborted } from '../until-aborted.ts';
import type { Capacity } from './capacity.ts';
import type { HeldObject, User } from './inventory.ts';
import type { FilePart, ObjectName, Slice, StoreObject } from './store.ts';

/** What all users of one object share; each call is that of `StoreObject`. */
export interface SharedObject {
  readonly representation: Representation;
  readonly durable: readonly ByteRange[];
  readonly copies?: boolean;
  write(offset: number, bytes: Buffer): Promise<void> | undefined;
  read(range: ByteRange, signal: AbortSignal, isFirst?: boolean): Slice | Promise<Slice>;
  readAhead(range: ByteRange, signal: AbortSignal): Slice | Promise<Slice> | null;
  useFile?(range: ByteRange, use: (part: FilePart) => number): number | null;
  describe(representation: Representation): void;
  /** The place of `held` has changed. */
  noteDirty?(): void;
  commit(): Promise<void>;
}

export interface OpenObjectParts<Held extends HeldObject> {
  readonly object: SharedObject & { readonly held: Held };
  readonly user: User;
  readonly capacity: Capacity<Held>;
  /** The user has gone. */
  readonly release: () => Promise<void>;
}

const nobody = () => {};

export class OpenObject<Held extends HeldObject> implements StoreObject {
  readonly #parts: OpenObjectParts<Held>;

  constructor(parts: OpenObjectParts<Held>) {
    this.#parts = parts;
  }

  get name(): ObjectName {
    return this.#parts.object.held.name;
  }

  get representation(): Representation {
    return this.#parts.object.representation;
  }

  get durable(): readonly ByteRange[] {
    return this.#parts.object.durable;
  }

  get copies(): boolean {
    return this.#parts.object.copies === true;
  }

  get ahead(): number {
    return this.#parts.capacity.ahead;
  }

  attend(playheads: readonly number[]): void {
    this.#parts.capacity.attend(this.#parts.object.held, this.#parts.user, playheads);
  }

  get place(): number | null {
    return this.#parts.object.held.place;
  }

  leaveAt(place: number): void {
    const { object } = this.#parts;
    object.held.place = place;
    object.noteDirty?.();
  }

  write(offset: number, bytes: Buffer): Promise<void> | undefined {
    return this.#parts.object.write(offset, bytes);
  }

  read(range: ByteRange, signal: AbortSignal, isFirst?: boolean): Slice | Promise<Slice> {
    return this.#parts.object.read(range, signal, isFirst);
  }

  readAhead(range: ByteRange, signal: AbortSignal): Slice | Promise<Slice> | null {
    return this.#parts.object.readAhead(range, signal);
  }

  useFile(range: ByteRange, use: (part: FilePart) => number): number | null {
    return this.#parts.object.useFile?.(range, use) ?? null;
  }

  describe(representation: Representation): void {
    this.#parts.object.describe(representation);
  }

  async commit(signal: AbortSignal = never): Promise<void> {
    signal.throwIfAborted();
    await untilAborted(this.#parts.object.commit(), signal);
  }

  close(signal: AbortSignal = never): Promise<void> {
    // Who has closed it need not be kept in memory until everything is durable.
    this.#parts.user.lost = nobody;
    return untilAborted(this.#commitAndRelease(), signal);
  }

  async #commitAndRelease(): Promise<void> {
    await this.#parts.object.commit();
    await this.#parts.release();
  }
}
