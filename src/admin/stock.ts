/**
 * What the store lists, remembered for those who look often: it is listed again only after something has happened, and
 * then at most once in a while, because a list makes everything durable first.
 */
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { ObjectName, Store, StoredObject } from '../store/store.ts';

/** How old a list may be while things happen, in milliseconds. */
const keptFor = 2000;

export type Listed = ReadonlyMap<ObjectName, StoredObject>;

export class Stock {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  #listed: { readonly at: number; readonly objects: Promise<Listed> } | null = null;
  /** Whether anything has happened since. */
  #touched = false;

  constructor(store: Store, events: EventBus, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#unsubscribe = events.subscribe(() => {
      this.#touched = true;
    });
  }

  /** Rejects with a `StoreError` where the store can't tell. */
  objects(): Promise<Listed> {
    const now = this.#clock.now();
    if (this.#listed !== null && (!this.#touched || now - this.#listed.at < keptFor)) return this.#listed.objects;
    this.#touched = false;
    const objects = this.#list();
    objects.catch(() => this.changed());
    this.#listed = { at: now, objects };
    return objects;
  }

  /** Somebody has changed what is stored, and wants to see it. */
  changed(): void {
    this.#listed = null;
  }

  stop(): void {
    this.#unsubscribe();
  }

  async #list(): Promise<Listed> {
    const objects = new Map<ObjectName, StoredObject>();
    for await (const object of this.#store.list()) objects.set(object.name, object);
    return objects;
  }
}
