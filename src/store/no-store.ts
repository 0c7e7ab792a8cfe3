/** ADAPTER: a store that keeps nothing: every byte goes past it, to those who read along. */

import type { EvictionPreview, StoreAdmin, StoreUsage, Verified } from './admin.ts';
import { type Store, type StoredObject, StoreError, type StoreObject } from './store.ts';

export function createNoStore(): Store & StoreAdmin {
  return new NoStore();
}

class NoStore implements Store, StoreAdmin {
  find(): null {
    return null;
  }

  async create(): Promise<StoreObject> {
    throw new StoreError('OFF', 'Nothing is stored: firstbyte was started without a store.');
  }

  async remove(): Promise<void> {}

  async *list(): AsyncGenerator<StoredObject> {}

  async close(): Promise<void> {}

  async pin(): Promise<boolean> {
    return false;
  }

  async verify(): Promise<Verified | null> {
    return null;
  }

  usage(): StoreUsage {
    return { bytes: 0, objects: 0, limit: 0, free: null, trouble: null };
  }

  nextToGo(): readonly EvictionPreview[] {
    return [];
  }
}
