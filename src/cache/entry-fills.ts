/**
 * The fills of one entry: the current one, which new requests join and which begins with what is stored; and those aside,
 * which clients read to their end and which no new request joins.
 */
import { FillFailed } from '../fill/failure.ts';
import { type Fill, shuttingDown } from '../fill/fill.ts';
import type { Representation } from '../http/representation.ts';
import { type ObjectName, type Store, StoreError, type StoreObject } from '../store/store.ts';
import { restore } from './restore.ts';

export interface EntryFillsParts {
  readonly objectName: ObjectName;
  readonly store: Store;
  /** `shared: false` for a fill that serves one request only. */
  makeFill(object: StoreObject | null, shared: boolean): Fill;
  /** Whether a stored representation may be given to every client. */
  mayShare(representation: Representation): boolean;
}

const opened = Promise.resolve();

export class EntryFills {
  readonly #parts: EntryFillsParts;
  readonly #aside = new Set<Fill>();
  #current: Fill | null = null;
  #opening: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #closed = false;

  constructor(parts: EntryFillsParts) {
    this.#parts = parts;
  }

  get current(): Fill | null {
    return this.#current;
  }

  /** The current one first. */
  get all(): Fill[] {
    return [...(this.#current === null ? [] : [this.#current]), ...this.#aside];
  }

  /** Whether they have been closed for good. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Begins with what is stored, where that has not been done: at once where it is known, and nothing is being closed. */
  open(): Promise<void> {
    this.#opening ??= this.#closing === null ? this.#restore() : this.#closing.then(() => this.#restore());
    return this.#opening;
  }

  /** The current one, as far as later requests may use it; else a new one. Throws `FillFailed` where all have been closed. */
  usable(): Fill {
    this.#assertOpen();
    this.#dropUnusable();
    return this.#current ?? this.begin();
  }

  /** A new current one, of which nothing is stored. */
  begin(): Fill {
    this.#current = this.#parts.makeFill(null, true);
    return this.#current;
  }

  /** A new one aside, for one request. Throws `FillFailed` where all have been closed. */
  beginAlone(): Fill {
    this.#assertOpen();
    return this.#setAside(this.#parts.makeFill(null, false));
  }

  /** New requests get another one from now on, also after a restart. */
  replace(fill: Fill): void {
    if (this.#current !== fill) return;
    this.forgetStored();
    this.#setAside(fill);
    this.closeIfDone(fill);
    this.#current = null;
  }

  /** Whoever has the stored object open reads on. */
  forgetStored(): void {
    this.#parts.store.remove(this.#parts.objectName).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
  }

  /** A reader has left. */
  closeIfDone(fill: Fill): void {
    if (fill.readers > 0 || this.#closed || !this.#aside.delete(fill)) return;
    fill.supersede();
    this.#closing = Promise.all([this.#closing, fill.close()]).then(() => {});
  }

  /** Closes the current one, which nobody uses; `open` begins anew. Calls `onClosed` unless it has been called meanwhile. */
  retire(onClosed: () => void): void {
    this.#dropUnusable();
    const fill = this.#current;
    this.#current = null;
    this.#opening = null;
    this.#closing = Promise.all([this.#closing, fill?.close()]).then(() => {
      if (this.#opening === null) onClosed();
    });
  }

  /** Removes the stored object. Readers go on with what is present. Rejects with a `StoreError` where that can't be. */
  async purge(): Promise<void> {
    await this.#opening?.catch(() => {});
    const fill = this.#current;
    this.#current = null;
    const removed = this.#parts.store.remove(this.#parts.objectName);
    fill?.supersede();
    if (fill !== null) this.closeIfDone(this.#setAside(fill));
    await removed;
  }

  /** Stops all of them, and makes durable what it can. */
  async close(): Promise<void> {
    this.#dropUnusable();
    this.#closed = true;
    await this.#opening?.catch(() => {});
    await Promise.all(this.all.map((fill) => fill.close()));
    await this.#closing;
  }

  #restore(): Promise<void> {
    const { store, objectName, mayShare } = this.#parts;
    let fill: Fill | null = null;
    const begin = (object: StoreObject | null) => {
      fill = this.#parts.makeFill(object, true);
      this.#current = fill;
    };
    const found = restore(store, objectName, (range) => fill?.lose(range), mayShare);
    if (found instanceof Promise) return found.then(begin);
    begin(found);
    return opened;
  }

  /** What has turned out not to be what the origin has is found no more, also after a restart. */
  #dropUnusable(): void {
    const fill = this.#current;
    if (fill !== null && !fill.reusable && fill.frontier === null) this.replace(fill);
  }

  #assertOpen(): void {
    if (this.#closed) throw new FillFailed(shuttingDown);
  }

  #setAside(fill: Fill): Fill {
    this.#aside.add(fill);
    return fill;
  }
}
