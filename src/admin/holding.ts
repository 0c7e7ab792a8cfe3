/** One held object, as people see it: the stored object, joined with its open entry. */

import { totalLength } from '../bytes/byte-range.ts';
import type { Entry } from '../cache/entry.ts';
import type { FillPhase } from '../events.ts';
import { phaseReason } from '../fill/view.ts';
import { fieldValue } from '../http/fields.ts';
import type { Representation } from '../http/representation.ts';
import { formatValidator, tagIn } from '../http/validator.ts';
import type { ObjectLabel, ObjectName, StoredObject } from '../store/store.ts';

export interface Holding extends Pick<ObjectLabel, 'origin' | 'path'> {
  readonly id: ObjectName;
  /** `null` while it is unknown. */
  readonly length: number | null;
  /** How many bytes can be read now. */
  readonly bytes: number;
  readonly state: FillPhase;
  /** Why it is in that state, in words. */
  readonly reason: string;
  readonly pinned: boolean;
  /** In wall-clock time. */
  readonly lastUsed: number;
  readonly contentType: string | null;
  readonly etag: string | null;
}

/** Joins the stored object and the open entry of one name. `now` is monotonic. */
export function holdingOf(stored: StoredObject | null, entry: Entry | null, now: number): Holding | null {
  const live = entry === null ? null : liveHolding(entry, stored, now);
  return live ?? (stored === null ? null : storedHolding(stored));
}

/** `null` where no byte of it is held and none is being downloaded. */
function liveHolding(entry: Entry, stored: StoredObject | null, now: number): Holding | null {
  const view = entry.current?.view();
  const known = entry.current?.known ?? null;
  if (view === undefined || entry.current?.passing) return null;
  const bytes = totalLength(view.present);
  const comes = view.state.phase === 'queued' || view.state.phase === 'starting' || view.state.phase === 'filling';
  if (bytes === 0 && stored === null && !comes) return null;
  return {
    id: entry.objectName,
    origin: entry.label.origin,
    path: entry.label.path,
    ...described(known),
    bytes,
    state: view.state.phase,
    reason: phaseReason(view.state, now),
    pinned: stored?.pinned ?? false,
    lastUsed: Math.max(entry.usedAt, stored?.used ?? 0),
  };
}

function storedHolding({ name, label, representation, bytes, pinned, used }: StoredObject): Holding {
  const whole = bytes === representation.length;
  return {
    id: name,
    origin: label.origin,
    path: label.path,
    ...described(representation),
    bytes,
    state: whole ? 'complete' : 'idle',
    reason: whole ? 'complete' : 'incomplete; nobody is playing it',
    pinned,
    lastUsed: used,
  };
}

function described(representation: Representation | null): Pick<Holding, 'length' | 'contentType' | 'etag'> {
  if (representation === null) return { length: null, contentType: null, etag: null };
  const { length, fields, validator } = representation;
  const tag = validator && tagIn(validator);
  const etag = tag && formatValidator(tag);
  return { length, contentType: fieldValue(fields, 'content-type'), etag };
}
