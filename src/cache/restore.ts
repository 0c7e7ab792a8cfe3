/** Opens the stored object of an entry, where it can be used and continued. */
import { totalLength } from '../bytes/byte-range.ts';
import { combinable, type Representation } from '../http/representation.ts';
import { type Lost, type ObjectName, type Store, StoreError, type StoreObject } from '../store/store.ts';

/**
 * `null` where nothing is stored, the store fails, missing parts could never be combined with the stored ones, or the
 * object may not be given to every client. At once where the store knows at once.
 */
export function restore(
  store: Store,
  name: ObjectName,
  lost: Lost,
  mayShare: (representation: Representation) => boolean,
): StoreObject | null | Promise<StoreObject | null> {
  const found = store.find(name, lost);
  const isKnown = found === null || (!('then' in found) && isUsable(found, mayShare));
  return isKnown ? found : usable(found, mayShare);
}

async function usable(
  found: StoreObject | null | Promise<StoreObject | null>,
  mayShare: (representation: Representation) => boolean,
): Promise<StoreObject | null> {
  try {
    const object = await found;
    if (object === null || isUsable(object, mayShare)) return object;
    await object.close();
    return null;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return null;
  }
}

function isUsable(object: StoreObject, mayShare: (representation: Representation) => boolean): boolean {
  const { representation } = object;
  // Strict mode also stores answers that are no success.
  const isFilm = representation.status === undefined;
  return isFilm && mayShare(representation) && (isWhole(object) || combinable(representation));
}

function isWhole({ durable, representation }: StoreObject): boolean {
  return totalLength(durable) === representation.length;
}
