/**
 * From a request's key to its entry: the one place where two requests become one fill.
 */
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { ConnectionSlots } from '../fill/connection-slots.ts';
import { Fill } from '../fill/fill.ts';
import type { FillPolicy } from '../fill/policy.ts';
import type { FillsView, FillView } from '../fill/view.ts';
import type { Fields } from '../http/fields.ts';
import { type CacheMode, forOneClient, freshUntil, storable } from '../http/freshness.ts';
import type { Origin, ReachabilityView } from '../origin/origin.ts';
import { showablePath } from '../showable.ts';
import type { ObjectName, Store } from '../store/store.ts';
import { objectName } from './cache-key.ts';
import { Entry } from './entry.ts';
import { type IdentityPolicy, identify, plainIdentity } from './identity.ts';
import { revalidate } from './revalidate.ts';
import { UpstreamTarget } from './upstream-target.ts';

/** An origin and how it is to be treated. */
export interface Mount {
  readonly origin: Origin;
  /** Where it is, as a URL without credentials: what came from elsewhere under the same name is not taken for its own. */
  readonly base?: string;
  readonly reachability: ReachabilityView;
  readonly slots: ConnectionSlots;
  readonly mode: CacheMode;
  /** Which requests mean the same bytes; the plain rule where absent. */
  readonly identity?: IdentityPolicy;
  /** Budgets of its own, in place of the cache's. */
  readonly policy?: Partial<FillPolicy>;
  /** Whether what is stored is served on when the origin says that it is gone. */
  readonly keepDeleted?: boolean;
  /** The one target that it has, such as `/film.mkv`; any below its base where absent. */
  readonly only?: string;
}

export interface CacheParts {
  /** Those that are there from the beginning, by the name under which each is mounted. */
  readonly mounts: ReadonlyMap<string, Mount>;
  readonly store: Store;
  readonly policy: FillPolicy;
  /** How long media without explicit freshness is fresh, in milliseconds. */
  readonly mediaFreshness: number;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly random: () => number;
}

interface Mounted {
  readonly entry: Entry;
  /** What it was made of. */
  readonly mount: Mount;
}

export class Cache implements FillsView {
  readonly #parts: CacheParts;
  readonly #mounts: Map<string, Mount>;
  readonly #entries = new Map<string, Mounted>();
  /** Mounts that were taken away while entries of theirs are left, and who waits for the last of these. */
  readonly #leaving = new Map<Mount, () => void>();
  #nextFill = 1;

  constructor(parts: CacheParts) {
    this.#parts = parts;
    this.#mounts = new Map(parts.mounts);
  }

  /** Requests may name it from now on. */
  mount(name: string, mount: Mount): void {
    this.#mounts.set(name, mount);
  }

  /** No new request finds it; those under way go on. Resolves when nothing asks its origin any more. */
  async unmount(name: string): Promise<void> {
    const mount = this.#mounts.get(name);
    this.#mounts.delete(name);
    if (mount === undefined || !this.#isInUse(mount)) return;
    await new Promise<void>((resolve) => this.#leaving.set(mount, resolve));
  }

  isMounted(name: string): boolean {
    return this.#mounts.has(name);
  }

  /**
   * The entry of a target, beginning with `/`, at the mount of that name; `null` where there is none. The client's
   * fields may make it an entry of its own. Synchronous: two requests in one tick get the same.
   */
  open(mountName: string, named: string, clientFields: Fields = []): Entry | null {
    const place = this.#resolve(mountName, named, clientFields);
    if (place === null) return null;
    const { key, mount, target, fields } = place;
    const found = this.#entries.get(key)?.entry;
    found?.upstream.offer(target);
    if (found !== undefined) return found;
    const entry = this.#makeEntry(key, mount, new UpstreamTarget(target, fields));
    this.#entries.set(key, { entry, mount });
    return entry;
  }

  /** What the object of such an entry is called; `null` where there is no such mount. */
  nameOf(mountName: string, named: string): ObjectName | null {
    const place = this.#resolve(mountName, named, []);
    return place && objectName(place.key);
  }

  fills(): FillView[] {
    return this.entries().flatMap(({ fills }) => fills.map((fill) => fill.view()));
  }

  /** How many of the origins' connections are taken, or may be dialled now, over all mounts. */
  get slotsUsed(): number {
    const mounts = new Set([...this.#mounts.values(), ...this.#leaving.keys()]);
    return [...mounts].reduce((sum, { slots }) => sum + slots.used, 0);
  }

  /** Every entry that is open now. */
  entries(): Entry[] {
    return Array.from(this.#entries.values(), ({ entry }) => entry);
  }

  /** Stops every fill and makes durable what can be. */
  async close(): Promise<void> {
    await Promise.all(this.entries().map((entry) => entry.close()));
    this.#entries.clear();
  }

  #resolve(mountName: string, named: string, clientFields: Fields) {
    const mount = this.#mounts.get(mountName);
    if (mount === undefined || (mount.only !== undefined && !isSamePath(named, mount.only))) return null;
    const target = mount.only ?? named;
    const { name } = mount.origin;
    const place = mount.base === undefined ? name : `${name} ${mount.base}`;
    return { mount, target, ...identify(place, target, clientFields, mount.identity ?? plainIdentity) };
  }

  #makeEntry(key: string, mount: Mount, upstream: UpstreamTarget): Entry {
    const { store, mediaFreshness, clock, events, random } = this.#parts;
    const { reachability, slots, mode, keepDeleted = false } = mount;
    const origin = upstream.through(mount.origin, slots);
    const policy = { ...this.#parts.policy, ...mount.policy };
    const name = objectName(key);
    const path = showablePath(upstream.target);
    const { fields: requestFields } = upstream;
    const mayShare = (status: number, fields: Fields, live: boolean) =>
      !forOneClient({ requestFields, status, fields }, mode, live);
    return new Entry({
      objectName: name,
      label: { origin: origin.name, path, private: upstream.fields.length > 0 },
      store,
      clock,
      upstream,
      keepDeleted,
      makeFill: (object, shared) => {
        const fill = { fill: this.#nextFill, origin: origin.name, path };
        this.#nextFill += 1;
        const mayStore = (status: number, fields: Fields) =>
          shared && storable({ requestFields, status, fields }, mode);
        const place = {
          name: fill,
          origin,
          reachability,
          asking: upstream,
          objectName: name,
          store,
          mayStore,
          mayShare,
        };
        return new Fill({ ...place, slots, policy, clock, events, random }, object);
      },
      mayShare: ({ status = 200, fields }) => mayShare(status, fields, false),
      freshness: (representation) => freshUntil(representation, mediaFreshness, mode),
      revalidate: (stored, held, wanted) =>
        revalidate(stored, { origin, upstream, held, wanted, slots, clock, timeout: policy.firstByteTimeout }),
      forget: () => {
        this.#entries.delete(key);
        const left = this.#leaving.get(mount);
        if (left === undefined || this.#isInUse(mount)) return;
        this.#leaving.delete(mount);
        left();
      },
    });
  }

  #isInUse(mount: Mount): boolean {
    return [...this.#entries.values()].some((mounted) => mounted.mount === mount);
  }
}

/** Whether two targets name the same path, however it is encoded. */
function isSamePath(one: string, other: string): boolean {
  return decoded(one) === decoded(other);
}

function decoded(target: string): string {
  const [path = ''] = target.split('?', 1);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
