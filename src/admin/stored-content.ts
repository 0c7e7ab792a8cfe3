/** The stored bytes of one whole object, from the first to the last, for export. */
import { fixedBudgets } from '../budgets.ts';
import { type Clock, within } from '../clock.ts';
import type { ObjectName, Store, StoreObject } from '../store/store.ts';

/** `null` where no such object is stored, or not all of it. */
export async function storedContent(store: Store, name: ObjectName, clock: Clock): Promise<StoredContent | null> {
  const object = await store.find(name, () => {});
  if (object === null) return null;
  const { length } = object.representation;
  const [first] = object.durable;
  if (length !== null && (length === 0 || (first?.start === 0 && first.end === length))) {
    return new StoredContent(object, length, clock);
  }
  await object.close();
  return null;
}

/** Holds the object open until it is closed. */
export class StoredContent {
  readonly #object: StoreObject;
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  readonly length: number;
  #position = 0;
  #closing: Promise<void> | null = null;

  constructor(object: StoreObject, length: number, clock: Clock) {
    this.#object = object;
    this.#clock = clock;
    this.length = length;
  }

  /**
   * A copy of the next bytes; `null` at the end. Rejects with a `StoreError` where they can't be read any more, do not
   * come within half a minute, or the content is closed.
   */
  async next(): Promise<Uint8Array | null> {
    if (this.#position === this.length) return null;
    const limits = {
      clock: this.#clock,
      limit: fixedBudgets.storedContent.ms,
      late: () => new Error('the store took too long'),
      signal: this.#closed.signal,
    };
    const range = { start: this.#position, end: this.length };
    const slice = await within(limits, (signal) => this.#object.read(range, signal));
    try {
      const bytes = Uint8Array.from(slice.bytes);
      this.#position += bytes.length;
      return bytes;
    } finally {
      slice.release();
    }
  }

  /** Ends a read under way and closes the object. Harmless when repeated. */
  close(): Promise<void> {
    this.#closed.abort(new Error('the content was closed'));
    this.#closing ??= this.#object.close();
    return this.#closing;
  }
}
