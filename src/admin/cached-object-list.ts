/**
 * The list of all stored objects, remembered. The store is listed again only after an event, and then at most every two
 * seconds: a list makes everything durable first.
 */
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { ObjectName, Store, StoredObject } from '../store/store.ts';

/** How old a list may be while events come. */
const maxAgeMs = 2000;

export type Listed = ReadonlyMap<ObjectName, StoredObject>;

export class CachedObjectList {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  #listed: { readonly at: number; readonly objects: Promise<Map<ObjectName, StoredObject>> } | null = null;
  /** Whether an event has come since. */
  #touched = false;

  constructor(store: Store, events: EventBus, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#unsubscribe = events.subscribe(() => {
      this.#touched = true;
    });
  }

  /** All objects by name. Rejects with a `StoreError` where the store can't list them. */
  objects(): Promise<Listed> {
    const now = this.#clock.now();
    if (this.#listed !== null && (!this.#touched || now - this.#listed.at < maxAgeMs)) return this.#listed.objects;
    this.#touched = false;
    const objects = this.#list();
    objects.catch(() => this.changed());
    this.#listed = { at: now, objects };
    return objects;
  }

  /** Forgets the list: the next one is to show whatever has changed. */
  changed(): void {
    this.#listed = null;
  }

  /**
   * Shows what was just done with one object, without another list: there may be a hundred thousand others. `now` is told
   * how the object was before, and tells how it is, or `null` where it is gone.
   */
  async changedOne(name: ObjectName, now: (before: StoredObject) => StoredObject | null): Promise<void> {
    const objects = await this.#listed?.objects.catch(() => undefined);
    const before = objects?.get(name);
    if (before === undefined) return this.changed();
    const after = now(before);
    if (after === null) objects?.delete(name);
    else objects?.set(name, after);
  }

  stop(): void {
    this.#unsubscribe();
  }

  async #list(): Promise<Map<ObjectName, StoredObject>> {
    const objects = new Map<ObjectName, StoredObject>();
    for await (const object of this.#store.list()) objects.set(object.name, object);
    return objects;
  }
}
