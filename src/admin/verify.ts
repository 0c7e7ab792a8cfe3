/** Reads stored objects and compares their checksums. Bad blocks are dropped, and can be downloaded again. */
import { totalLength } from '../bytes/byte-range.ts';
import type { Entry } from '../cache/entry.ts';
import type { StoreAdmin } from '../store/admin.ts';
import type { ObjectName, StoredObject } from '../store/store.ts';
import { type WarmProgress, warm } from './warm.ts';

export interface VerifyResult {
  /** How many objects were checked, and how many bytes of them. */
  readonly objects: number;
  readonly bytes: number;
  /** How many bytes were bad, and how many of them were downloaded again. */
  readonly bad: number;
  readonly repaired: number;
  /** Requested names under which nothing is stored. */
  readonly unknown: readonly ObjectName[];
}

export interface VerifyParts {
  readonly store: StoreAdmin;
  readonly stored: ReadonlyMap<ObjectName, StoredObject>;
  /** Which objects to check; all of `stored` where `null`. */
  readonly ids: readonly ObjectName[] | null;
  /** The entry that downloads the bad blocks of an object again; `null` where they are not to be, or can't be. */
  readonly entryFor: (stored: StoredObject) => Entry | null;
}

/** Rejects with a `StoreError`, `FillFailed`, or the signal's reason. */
export async function verify(parts: VerifyParts, progress: WarmProgress, signal: AbortSignal): Promise<VerifyResult> {
  const { store, stored, entryFor } = parts;
  const ids = parts.ids ?? [...stored.keys()];
  const unknown: ObjectName[] = [];
  let [objects, bytes, bad, repaired] = [0, 0, 0, 0];
  progress.expect(ids.reduce((sum, id) => sum + (stored.get(id)?.bytes ?? 0), 0));
  for (const id of ids) {
    const object = stored.get(id);
    const verified = object && (await store.verify(id, (read) => progress.add(read), signal));
    if (object === undefined || !verified) {
      unknown.push(id);
      continue;
    }
    objects += 1;
    bytes += verified.checked;
    bad += totalLength(verified.bad);
    const entry = verified.bad.length === 0 ? null : entryFor(object);
    if (entry !== null) repaired += await warm(entry, verified.bad, unseen, signal);
  }
  return { objects, bytes, bad, repaired, unknown };
}

/** A repair is no progress of the check. */
const unseen: WarmProgress = { add() {}, expect() {} };
