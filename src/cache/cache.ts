/**
 * From a request's key to its entry: the one place where two requests become one fill.
 */
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { ConnectionSlots } from '../fill/connection-slots.ts';
import { Fill } from '../fill/fill.ts';
import type { FillPolicy } from '../fill/fill-policy.ts';
import type { FillsView, FillView } from '../fill/fill-view.ts';
import type { Fields } from '../http/fields.ts';
import { type CacheMode, freshUntil, storable } from '../http/freshness.ts';
import type { Origin } from '../origin/origin.ts';
import type { Store } from '../store/store.ts';
import { Asking } from './asking.ts';
import { objectName } from './cache-key.ts';
import { Entry } from './entry.ts';
import { type IdentityPolicy, identify, plainIdentity } from './identity.ts';
import { revalidate } from './revalidate.ts';

/** An origin and how it is to be treated. */
export interface Mount {
  readonly origin: Origin;
  /** Where it is, as a URL without credentials: what came from elsewhere under the same name is not taken for its own. */
  readonly base?: string;
  readonly slots: ConnectionSlots;
  readonly mode: CacheMode;
  /** Which requests mean the same bytes; the plain rule where absent. */
  readonly identity?: IdentityPolicy;
  /** Budgets of its own, in place of the cache's. */
  readonly policy?: Partial<FillPolicy>;
  /** Whether what is stored is served on when the origin says that it is gone. */
  readonly keepDeleted?: boolean;
}

export interface CacheParts {
  /** By the name under which each is mounted. */
  readonly mounts: ReadonlyMap<string, Mount>;
  readonly store: Store;
  readonly policy: FillPolicy;
  /** How long media without explicit freshness is fresh, in milliseconds. */
  readonly mediaFreshness: number;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly random: () => number;
}

export class Cache implements FillsView {
  readonly #parts: CacheParts;
  readonly #entries = new Map<string, Entry>();
  #nextFill = 1;

  constructor(parts: CacheParts) {
    this.#parts = parts;
  }

  /**
   * The entry of a target, beginning with `/`, at the origin of that name; `null` where no such origin is mounted.
   * The client's fields may make it an entry of its own. Synchronous: two requests in one tick get the same.
   */
  open(originName: string, target: string, clientFields: Fields = []): Entry | null {
    const mount = this.#parts.mounts.get(originName);
    if (mount === undefined) return null;
    const place = mount.base === undefined ? originName : `${originName} ${mount.base}`;
    const { key, fields } = identify(place, target, clientFields, mount.identity ?? plainIdentity);
    const entry = this.#entries.get(key) ?? this.#makeEntry(key, mount, new Asking(target, fields));
    entry.asking.hear(target);
    this.#entries.set(key, entry);
    return entry;
  }

  fills(): FillView[] {
    return [...this.#entries.values()].flatMap((entry) => entry.views());
  }

  /** Stops every fill and makes durable what can be. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => entry.close()));
    this.#entries.clear();
  }

  #makeEntry(key: string, mount: Mount, asking: Asking): Entry {
    const { store, mediaFreshness, clock, events, random } = this.#parts;
    const { slots, mode, keepDeleted = false } = mount;
    const origin = asking.through(mount.origin);
    const policy = { ...this.#parts.policy, ...mount.policy };
    const name = objectName(key);
    const [path = ''] = asking.target.split('?', 1);
    return new Entry({
      objectName: name,
      store,
      clock,
      asking,
      keepDeleted,
      makeFill: (object, shared) => {
        const fill = { fill: this.#nextFill, origin: origin.name, path };
        this.#nextFill += 1;
        const mayStore = (status: number, fields: Fields) => shared && storable(asking.fields, status, fields, mode);
        const place = { name: fill, origin, asking, objectName: name, store, mayStore };
        return new Fill({ ...place, slots, policy, clock, events, random }, object);
      },
      freshness: (representation) => freshUntil(representation, mediaFreshness, mode),
      revalidate: (stored, held) =>
        revalidate(stored, { origin, asking, held, slots, clock, timeout: policy.firstByteTimeout }),
      forget: () => this.#entries.delete(key),
    });
  }
}
