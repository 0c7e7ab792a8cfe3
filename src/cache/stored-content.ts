/** The stored bytes of one whole object, from the first to the last, for those who take them elsewhere. */
import type { ObjectName, Store, StoreObject } from '../store/store.ts';

/** `null` where there is no such object, or not all of it. */
export async function storedContent(store: Store, name: ObjectName): Promise<StoredContent | null> {
  const object = await store.find(name, () => {});
  if (object === null) return null;
  const { length } = object.representation;
  const [first] = object.durable;
  if (length !== null && (length === 0 || (first?.start === 0 && first.end === length))) {
    return new StoredContent(object, length);
  }
  await object.close();
  return null;
}

/** Holds the object open until it is closed. */
export class StoredContent {
  readonly #object: StoreObject;
  readonly length: number;
  #position = 0;

  constructor(object: StoreObject, length: number) {
    this.#object = object;
    this.length = length;
  }

  /** A copy of the next bytes; `null` at the end. Rejects with a `StoreError` where they can no longer be read. */
  async next(): Promise<Uint8Array | null> {
    if (this.#position === this.length) return null;
    const slice = await this.#object.read({ start: this.#position, end: this.length });
    const bytes = Uint8Array.from(slice.bytes);
    slice.release();
    this.#position += bytes.length;
    return bytes;
  }

  close(): Promise<void> {
    return this.#object.close();
  }
}
