/** Opens the stored object of an entry, where it can be used and continued. */
import { totalLength } from '../bytes/byte-range.ts';
import { combinable, type Representation } from '../http/representation.ts';
import { type Lost, type ObjectName, type Store, StoreError, type StoreObject } from '../store/store.ts';

/**
 * `null` where nothing is stored, the store fails, missing parts could never be combined with the stored ones, or the
 * object may not be given to every client.
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
    // Strict mode also stores answers that are no success.
    const isFilm = representation.status === undefined;
    if (isFilm && mayShare(representation) && (isWhole(object) || combinable(representation))) return object;
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
