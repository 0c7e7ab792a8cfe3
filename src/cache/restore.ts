/** What the store still has of an entry, as far as it can be gone on with. */
import { totalLength } from '../bytes/byte-range.ts';
import { combinable, type Representation } from '../http/representation.ts';
import { type Lost, type ObjectName, type Store, StoreError, type StoreObject } from '../store/store.ts';

/**
 * `null` where there is nothing, where the store can't tell, where the rest could never be put to what is there, or where
 * it may not be given to everybody.
 */
export async function restore(
  store: Store,
  name: ObjectName,
  lost: Lost,
  mayShare: (representation: Representation) => boolean,
): Promise<StoreObject | null> {
  try {
    const object = await store.find(name, lost);
    if (object === null) return null;
    const { representation } = object;
    if (mayShare(representation) && (isWhole(object) || combinable(representation))) return object;
    await object.close();
    return null;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return null;
  }
}

function isWhole({ durable, representation }: StoreObject): boolean {
  return totalLength(durable) === representation.length;
}
