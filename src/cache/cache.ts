/** Finds or makes the entry of a request: the one place where two requests share one fill. */
import type { ByteRange } from '../bytes/byte-range.ts';
import type { Clock } from '../clock.ts';
import type { EventBus } from '../events.ts';
import type { ConnectionSlots } from '../fill/connection-slots.ts';
import { Fill } from '../fill/fill.ts';
import { Lessons } from '../fill/lessons.ts';
import type { Parallelism } from '../fill/parallelism.ts';
import type { FillPolicy } from '../fill/policy.ts';
import type { FillsView, FillView } from '../fill/view.ts';
import type { Fields } from '../http/fields.ts';
import { type CacheMode, forOneClient, freshUntil, storable } from '../http/freshness.ts';
import { recalled } from '../kit/remembered.ts';
import { upTo } from '../kit/up-to.ts';
import type { Origin, ReachabilityView } from '../origin/origin.ts';
import { showablePath } from '../showable.ts';
import { type ObjectName, type Store, type StoredObject, StoreError } from '../store/store.ts';
import { objectName } from './cache-key.ts';
import { Entrances } from './entrances.ts';
import { Entry } from './entry.ts';
import { forwardedFields, type IdentityPolicy, identify, plainIdentity, type RequestIdentity } from './identity.ts';
import { IdleEntries } from './idle-entries.ts';
import { FillFailed, type ReadSession, type SessionClient, type WantedBytes } from './read-session.ts';
import { revalidate } from './revalidate.ts';
import type { StrictTarget } from './strict/stored-answers.ts';
import { StrictCache, type StrictRequest } from './strict/strict-cache.ts';
import { UpstreamTarget } from './upstream-target.ts';
import { Variants } from './variants.ts';
import { mostWhole, WholeSession } from './whole-session.ts';

/** Web origins of pages; `loopback` for those of this machine, `*` for all, `upstream` for whom the origin lets read. */
export type PagePolicy = readonly string[];

/** An origin, and how its targets are treated. */
export interface Mount {
  readonly origin: Origin;
  /**
   * The origin's URL without credentials. It is part of the key: content of another server under the same name is not
   * used.
   */
  readonly base?: string;
  readonly reachability: ReachabilityView;
  readonly slots: ConnectionSlots;
  /** How many of them one title uses side by side. */
  readonly parallelism: Parallelism;
  readonly mode: CacheMode;
  /** Which requests mean the same bytes; `plainIdentity` where absent. */
  readonly identity?: IdentityPolicy;
  /** Budgets of this origin, in place of the cache's. */
  readonly policy?: Partial<FillPolicy>;
  /** Whether a stored object is still served after the origin has said that it is gone. */
  readonly keepDeleted?: boolean;
  /** What the origin has taught; nothing so far where absent. */
  readonly lessons?: Lessons;
  /** Methods that are forwarded beside those that only read; none where absent. */
  readonly methods?: readonly string[];
  /** Which pages may read it; none where absent. */
  readonly allowOrigins?: PagePolicy;
  /** The only target, such as `/film.mkv`; every target below `base` where absent. */
  readonly only?: string;
  /** A target that is known by something else than its name and `base`. */
  readonly entrance?: { readonly target: string; readonly base: string };
}

export interface CacheParts {
  /** The mounts at the start, by the name under which each is mounted. */
  readonly mounts: ReadonlyMap<string, Mount>;
  readonly store: Store;
  readonly policy: FillPolicy;
  /** For how many milliseconds media without explicit freshness are fresh. */
  readonly mediaFreshness: number;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly random: () => number;
}

const baseUrlOf = recalled((base) => URL.parse(base));

/** A target as a client requests it. */
interface Resolved extends RequestIdentity {
  readonly mount: Mount;
  readonly target: string;
}

interface Mounted {
  readonly entry: Entry;
  /** The mount under which it was opened. */
  readonly mount: Mount;
}

export class Cache implements FillsView {
  readonly #parts: CacheParts;
  readonly #mounts: Map<string, Mount>;
  readonly #entries = new Map<string, Mounted>();
  /** Connections of removed mounts that still have entries, each with the resolver that runs when the last entry is gone. */
  readonly #leaving = new Map<ConnectionSlots, () => void>();
  readonly #strict: StrictCache;
  readonly #entrances: Entrances;
  readonly #variants = new Variants();
  readonly #idle: IdleEntries;
  #nextFill = 1;

  constructor(parts: CacheParts) {
    this.#parts = parts;
    this.#mounts = new Map(parts.mounts);
    this.#entrances = new Entrances(parts.clock);
    this.#idle = new IdleEntries(parts.clock);
    const nextFill = () => {
      this.#nextFill += 1;
      return this.#nextFill - 1;
    };
    this.#strict = new StrictCache({ ...parts, nextFill });
  }

  /** From now on, requests can name it. */
  mount(name: string, mount: Mount): void {
    this.#mounts.set(name, mount);
  }

  /**
   * New requests do not find it any more; requests under way continue. Resolves when no request to its origin is left.
   */
  async unmount(name: string): Promise<void> {
    const mount = this.#mounts.get(name);
    this.#mounts.delete(name);
    if (mount === undefined || !this.#isInUse(mount)) return;
    await new Promise<void>((resolve) => this.#leaving.set(mount.slots, resolve));
  }

  isMounted(name: string): boolean {
    return this.#mountOf(name) !== undefined;
  }

  /**
   * The entry of a target, which begins with `/`; `null` where no such mount or target exists. Some fields of the
   * client can give it an entry of its own. Synchronous: two requests in one tick get the same entry.
   */
  open(mountName: string, named: string, clientFields: Fields = []): Entry | null {
    const resolved = this.#resolve(mountName, named, clientFields);
    if (resolved === null) return null;
    const { fields, said } = resolved;
    return this.#entryAt(this.#variants.keyFor(resolved.key, [...fields, ...said]), resolved);
  }

  /**
   * A session of what nothing is to be waited for: fresh bytes that are present. `null` where there is more to be done, or
   * no such mount or target: see `open`.
   */
  openNow(mountName: string, named: string, clientFields: Fields, choose: WantedBytes, client: SessionClient = {}) {
    const resolved = this.#resolve(mountName, named, clientFields);
    if (resolved === null) return null;
    const { fields, said } = resolved;
    const key = this.#variants.keyFor(resolved.key, [...fields, ...said]);
    if (key === resolved.key && !this.#entries.has(key)) {
      const session = this.#openWhole(resolved, choose, client);
      if (session !== null) return session;
    }
    return this.#entryAt(key, resolved).openNow(choose, { ...client, said });
  }

  /** The first entry of a target, whatever `Vary` says: for who can't have the one that is meant for him. */
  openFirst(mountName: string, named: string, clientFields: Fields): Entry | null {
    const resolved = this.#resolve(mountName, named, clientFields);
    return resolved && this.#entryAt(resolved.key, resolved);
  }

  /** A mount by its name; `null` where there is none. */
  mountOf(mountName: string): Mount | null {
    return this.#mounts.get(mountName) ?? null;
  }

  /** Whether the origin of a mount is known to be out of reach. */
  isOutOfReach(mountName: string): boolean {
    return (this.#mountOf(mountName)?.reachability.outOfReach ?? null) !== null;
  }

  /** The name of the object of such an entry; `null` where no such mount or target exists. */
  nameOf(mountName: string, named: string): ObjectName | null {
    const resolved = this.#resolve(mountName, named, []);
    return resolved && objectName(resolved.key);
  }

  /** Whether a mount, which exists, is to be treated by RFC 9111 alone. */
  isStrict(mountName: string): boolean {
    return this.#mountOf(mountName)?.mode === 'rfc9111';
  }

  /** The base URL of a mount; `null` for what has none. */
  baseOf(mountName: string): URL | null {
    return baseUrlOf(this.#mountOf(mountName)?.base ?? '');
  }

  /**
   * The path by which a client comes to `url`, to which the origin of a mount redirects a target; no secret is in it. `null`
   * where there is no such mount.
   */
  entranceTo(mountName: string, target: string, url: URL): string | null {
    const mount = this.#mountOf(mountName);
    if (mount === undefined) return null;
    const { origin, identity = plainIdentity } = mount;
    const base = this.baseOf(mountName);
    const isHome = base === null || url.hostname === base.hostname;
    const source = { under: mountName, target, origin, closed: isHome && identity.ownFields.length > 0 };
    const { name, target: entrance } = this.#entrances.to(source, url);
    return `/${name}${entrance}`;
  }

  /** Which pages may read a mount, which exists. */
  pagesOf(mountName: string): PagePolicy {
    return this.#mountOf(mountName)?.allowOrigins ?? [];
  }

  /** The methods that are served of a mount, which exists. */
  methodsOf(mountName: string): readonly string[] {
    const { methods = [] } = this.#mountOf(mountName) ?? {};
    return methods.length === 0 ? readingMethods : [...readingMethods, ...methods];
  }

  /**
   * Answers a request with what strict mode stores, or forwards it; `null` where no such mount or target exists. Of the
   * stored bytes those that `choose` returns are wanted, `null` for none. Rejects with `FillFailed`, or the signal's reason.
   */
  forward(
    mountName: string,
    named: string,
    request: StrictRequest,
    choose: WantedBytes,
    signal: AbortSignal,
  ): Promise<ReadSession> | null {
    const at = this.#strictTarget(mountName, named);
    if (at === null) return null;
    const { mode, identity = plainIdentity } = at.mount;
    const fields = forwardedFields(request.fields, identity, mode === 'rfc9111');
    return this.#strict.openSession(at, { ...request, fields }, choose, signal);
  }

  fills(): FillView[] {
    return this.entries().flatMap(({ fills }) => fills.map((fill) => fill.view()));
  }

  /** How many connections to origins are in use or being opened, over all mounts. */
  get slotsUsed(): number {
    const all = new Set([...Array.from(this.#mounts.values(), ({ slots }) => slots), ...this.#leaving.keys()]);
    return [...all].reduce((sum, { used }) => sum + used, 0);
  }

  /** All open entries. */
  entries(): Entry[] {
    return Array.from(this.#entries.values(), ({ entry }) => entry);
  }

  /** Stops every fill, and makes durable what it can. */
  async close(): Promise<void> {
    await Promise.all(this.entries().map((entry) => entry.close()));
    this.#entries.clear();
    this.#idle.stop();
  }

  #mountOf(name: string): Mount | undefined {
    const mount = this.#mounts.get(name);
    const entrance = mount === undefined ? this.#entrances.find(name) : null;
    if (entrance === null) return mount;
    // It ends with the mount that led there.
    const source = this.#mountOf(entrance.under);
    if (source === undefined) return undefined;
    const { only: _, ...rest } = source;
    const { origin, folder: base, target, url } = entrance;
    return { ...rest, origin, base, methods: [], entrance: { target, base: url } };
  }

  #resolve(mountName: string, named: string, clientFields: Fields): Resolved | null {
    const mount = this.#mountOf(mountName);
    if (mount === undefined || (mount.only !== undefined && !isSamePath(named, mount.only))) return null;
    const target = mount.only ?? named;
    const { name } = mount.origin;
    const base = mount.entrance?.target === target ? mount.entrance.base : mount.base;
    const place = base === undefined ? name : `${name} ${base}`;
    return { mount, target, ...identify(place, target, clientFields, mount.identity ?? plainIdentity) };
  }

  #entryAt(key: string, { key: first, mount, target, fields, said }: Resolved): Entry {
    let entry = this.#entries.get(key)?.entry;
    if (entry === undefined) {
      entry = this.#makeEntry(key, first, mount, new UpstreamTarget(target, fields));
      this.#entries.set(key, { entry, mount });
    }
    entry.upstream.offer(target, said);
    return entry;
  }

  /** A session without an entry; `null` where that is not enough. */
  #openWhole(resolved: Resolved, choose: WantedBytes, client: SessionClient): ReadSession | null {
    const { store, policy, mediaFreshness, clock } = this.#parts;
    const { key, mount, fields: requestFields, said } = resolved;
    const object = store.findWhole?.(objectName(key)) ?? null;
    if (object === null) return null;
    const { representation } = object;
    const { status, fields, length } = representation;
    if (status !== undefined || length === null || length > mostWhole) return null;
    const freshFor = freshUntil(representation, mediaFreshness, mount.mode).until - clock.wallTime();
    if (freshFor <= 0 || forOneClient({ requestFields, status: 200, fields }, mount.mode)) return null;
    const place = { key, first: key, current: null };
    if (!this.#variants.isMeant(representation, place, [...requestFields, ...said])) return null;
    const range = choose(representation) ?? nothing;
    const first = mount.policy?.firstByteTimeout ?? policy.firstByteTimeout;
    const next = mount.policy?.healTimeout ?? policy.healTimeout;
    const takeOver = (rest: ByteRange) => {
      const session = this.#entryAt(key, resolved).openNow(() => rest, { ...client, said, isStoredOnly: true });
      if (session === null) throw new FillFailed({ kind: 'changed' });
      return session;
    };
    const end = range.end ?? length;
    const parts = { object, range: { start: range.start, end }, freshFor, takeOver };
    return new WholeSession({ ...parts, patience: { first, next } });
  }

  #strictTarget(mountName: string, named: string): (StrictTarget & { readonly mount: Mount }) | null {
    const resolved = this.#resolve(mountName, named, []);
    if (resolved === null) return null;
    const { key, mount, target } = resolved;
    const { origin, slots } = mount;
    const policy = { ...this.#parts.policy, ...mount.policy };
    const forget = async (reference?: string) => {
      const isElsewhere = reference !== undefined && mount.base !== undefined;
      const below = isElsewhere ? targetBelow(mount.base, target, reference) : target;
      if (below !== null) await this.#forget(origin.name, showablePath(below));
    };
    return { mount, key, target, path: showablePath(target), origin, slots, policy, forget };
  }

  /** Forgets every answer for a path, whoever it was for. */
  async #forget(origin: string, path: string): Promise<void> {
    const { store } = this.#parts;
    const isAt = ({ label }: Pick<StoredObject, 'label'>) => label.origin === origin && label.path === path;
    try {
      await Promise.all(this.entries().map((entry) => isAt(entry) && entry.purge()));
      for await (const object of store.list()) if (isAt(object)) await store.remove(object.name);
    } catch (error) {
      ignoreStore(error);
    }
  }

  #makeEntry(key: string, first: string, mount: Mount, upstream: UpstreamTarget): Entry {
    const { store, mediaFreshness, clock, events, random } = this.#parts;
    const { reachability, slots, parallelism, mode, keepDeleted = false, lessons = new Lessons(clock) } = mount;
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
      idle: this.#idle,
      keepDeleted,
      makeFill: (object, shared) => {
        const fill = { fill: this.#nextFill, origin: origin.name, path };
        this.#nextFill += 1;
        const mayStore = (status: number, fields: Fields) =>
          shared && storable({ requestFields, status, fields }, mode);
        const source = { name: fill, origin, target: upstream, reachability, slots, parallelism };
        const kept = { objectName: name, store, mayStore, mayShare, lessons };
        const foresees = mode === 'media' && policy.fill !== 'none';
        return new Fill({ ...source, ...kept, policy, foresees, clock, events, random }, object);
      },
      mayShare: ({ status = 200, fields }) => mayShare(status, fields, false),
      freshness: (representation) => freshUntil(representation, mediaFreshness, mode),
      revalidate: (stored, { said = upstream.said, ...about }) => {
        const asking = { target: upstream.target, fields: [...upstream.fields, ...said] };
        const { firstByteTimeout: timeout } = policy;
        return revalidate(stored, { origin, upstream: asking, lessons, ...about, slots, clock, timeout });
      },
      isVariant: key !== first,
      isMeantFor: (representation, said) => {
        const current = this.#entries.get(first)?.entry.current?.known ?? null;
        const fields = [...upstream.fields, ...said];
        const isMeant = this.#variants.isMeant(representation, { key, first, current }, fields);
        // The first entry has the same film: this one is needed no more.
        if (!isMeant && key !== first) void this.#entries.get(key)?.entry.purge().catch(ignoreStore);
        return isMeant;
      },
      forget: () => {
        this.#entries.delete(key);
        const left = this.#leaving.get(mount.slots);
        if (left === undefined || this.#isInUse(mount)) return;
        this.#leaving.delete(mount.slots);
        left();
      },
    });
  }

  /** Also by way of its entrances, which have its connections. */
  #isInUse({ slots }: Mount): boolean {
    return [...this.#entries.values()].some(({ mount }) => mount.slots === slots);
  }
}

const nothing: ByteRange = { start: 0, end: 0 };

/** What the store can't remove is evicted in time. */
function ignoreStore(error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
}

/** Methods that every mount serves. */
export const readingMethods = ['GET', 'HEAD', 'OPTIONS', 'PROPFIND'];

/** The target that `reference`, in an answer to a request for `target`, means below `base`; `null` for what is elsewhere. */
function targetBelow(base: string, target: string, reference: string): string | null {
  const { origin, pathname } = new URL(base);
  const path = pathname.replace(/\/$/, '');
  const url = URL.parse(reference, origin + path + target);
  if (url === null || url.origin !== origin || !url.pathname.startsWith(`${path}/`)) return null;
  return url.pathname.slice(path.length) + url.search;
}

/** Whether two targets name the same path, however it is encoded. */
function isSamePath(one: string, other: string): boolean {
  return decoded(one) === decoded(other);
}

function decoded(target: string): string {
  const path = upTo(target, '?');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
