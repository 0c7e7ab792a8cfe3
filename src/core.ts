/**
 * What brings bytes in and gives them out, put together from the settings; only this file and mount.ts name adapters.
 *
 * A core lives like this: `openCore` opens the store and the origins → it serves connections, and listens where it is
 * told to → `drain` takes no new requests and lets replies go on for `drainTimeout` → `close` makes durable what can be.
 * It has no log and no control API: the daemon adds both, and a program that embeds firstbyte may do without.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { Holdings } from './admin/holdings.ts';
import { type NewSource, Sources } from './admin/sources.ts';
import { Cache } from './cache/cache.ts';
import type { Certificate } from './certificate.ts';
import { type Clock, countedClock, sleep, systemClock } from './clock.ts';
import type { ListenAddress, OriginSettings, Settings } from './config.ts';
import { descriptorLimit, planDescriptors } from './descriptors.ts';
import { EventBus, type StoreState } from './events.ts';
import { OwnListeners } from './http/own-listeners.ts';
import { proxyName } from './http/proxy-name.ts';
import { newPassword } from './kit/password.ts';
import type { Lent } from './lent.ts';
import { listen } from './listen.ts';
import type { Logger } from './log.ts';
import { type MakeOrigin, mount, openSource, type WatchedMount } from './mount.ts';
import { MountedOrigins, type OriginChanges } from './mounted-origins.ts';
import { isPrivateHost } from './origin/address-guard.ts';
import { RateAllowance } from './origin/rate-limited-origin.ts';
import type { Refresh } from './origin/refresh.ts';
import { MediaProxy } from './proxy/proxy.ts';
import type { StoreAdmin } from './store/admin.ts';
import { createDiskStore, type DiskStore } from './store/disk/disk-store.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { createNoStore } from './store/no-store.ts';
import type { Store } from './store/store.ts';
import type { StoreEvents } from './store/store-events.ts';
import { findSystemCalls, type SystemCalls } from './system-calls.ts';

export type { Refresh, RefreshAnswer, RefreshQuestion } from './origin/refresh.ts';

/** What an embedding program may put in place of the usual parts. */
export interface CoreParts {
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
  readonly store?: Store & StoreAdmin;
  readonly events?: EventBus;
  /** Makes the origin of one base, where something else than HTTP over TCP is wanted. */
  readonly makeOrigin?: MakeOrigin;
  /** Says where a target is to be had now, for every origin whose settings name no hook. */
  readonly refresh?: Refresh;
  /** How many files and connections the process may have open; what the system says where absent. */
  readonly descriptorLimit?: number;
}

/** What the floor above gives the core. */
export interface CoreSurroundings {
  readonly logger: Logger;
  /** Answers what lies under `/-/`. */
  readonly control: (request: IncomingMessage, response: ServerResponse, prefix: string) => void;
  /** Those of the control API, which no origin is told. */
  readonly tokens: readonly string[];
}

/** An address at which the core listens. */
interface Listening {
  /** As a URL with its real port, or `unix:` and the path. */
  readonly address: string;
  /** Takes no new connections, lets replies go on for `drainTimeout`, and ends them then. */
  close(): Promise<void>;
}

export interface Core {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly cache: Cache;
  readonly holdings: Holdings;
  readonly sources: Sources;
  origins(): readonly WatchedMount[];
  /** From now on these are the origins of new requests; replies under way continue. */
  changeOrigins(wanted: readonly OriginSettings[]): OriginChanges;
  readonly proxy: MediaProxy;
  /** Tells whoever may read the cache directory how its owner is reached. */
  readonly describeOwner: DiskStore['describeOwner'];
  /** The password of the page; another at each start where the store is not on disk. */
  readonly pagePassword: DiskStore['pagePassword'];
  lent(): Lent;
  /** Over TLS where there is a certificate, but for Unix sockets. Rejects with the system's error. */
  listen(address: ListenAddress, certificate?: Certificate | null): Promise<Listening>;
  /**
   * Serves a connection that came in some other way, for instance in memory. What replies name by a URL is called as at
   * the mounts, or as at the origins.
   */
  serve(connection: Duplex, names?: 'mounts' | 'origins'): void;
  /** Takes nothing new, lets replies go on for at most `drainTimeout`, then ends every connection. */
  drain(): Promise<void>;
  /** Ends every connection at once. */
  kill(): void;
  /** Makes durable what can be, and closes everything. */
  close(): Promise<void>;
}

/** Rejects with a `StoreError` where the cache directory can't be used. */
export async function openCore(settings: Settings, parts: CoreParts, around: CoreSurroundings): Promise<Core> {
  const { clock = systemClock, random = Math.random, events = new EventBus(), makeOrigin, refresh } = parts;
  const { logger, tokens } = around;
  const limit = parts.descriptorLimit ?? descriptorLimit();
  const { storeFiles } = planDescriptors(limit, connectionsOf(settings.origins));
  const systemCalls = await callsFor(settings);
  const { store, describeOwner, pagePassword } =
    parts.store === undefined
      ? await openStore(settings, { clock, events, logger, storeFiles, systemCalls })
      : { store: parts.store, ...unkept };
  const counted = countedClock(clock);
  let busyConnections = 0;
  const onBusy = (change: number) => {
    busyConnections += change;
  };
  const own = new OwnListeners();
  // Another for each start: a cache behind this one is no loop.
  const pseudonym = `${proxyName}-${randomBytes(8).toString('hex')}`;
  const total = settings.maxRate === null ? undefined : new RateAllowance(settings.maxRate, counted);
  const mountParts = { clock: counted, upkeepClock: clock, events, makeOrigin, refresh, own, pseudonym, onBusy, total };
  const mounted = new MountedOrigins(settings.origins, (origin) => mount(origin, settings, mountParts));
  const mounts = new Map(mounted.all.map((each) => [each.name, each]));
  const cache = new Cache({
    ...settings,
    mounts,
    store,
    policy: { ...settings, fill: 'window', prefetch: settings.prefetch === 'on' },
    clock: counted,
    events,
    random,
  });
  const holdings = new Holdings({ cache, store, events, clock });
  const open = (source: NewSource) => openSource(source, settings, mountParts);
  const sources = new Sources({ cache, clock, isPrivateHost, open });
  const proxy = new MediaProxy({
    ...settings,
    cache,
    clock: counted,
    events,
    // Sources that are handed in have connections beside those of the configured origins.
    clientConnections: () => planDescriptors(limit, Math.max(mounted.connections, busyConnections)).clientConnections,
    patience: settings,
    tokens,
    control: around.control,
    systemCalls,
    pseudonym,
    onForeignHost: (host) =>
      logger.log('warn', 'refused a host name that is not in allowHosts', { host, setting: 'allowHosts' }),
  });
  const servers = new Set<Server | TlsServer>();
  const inner = proxy.createServer();
  const direct = proxy.createServer(null);
  const given = new Set<Duplex>();

  /** Resolves with `ended`, or when `drainTimeout` is over. */
  const inTime = async (ended: Promise<unknown>) => {
    const drained = new AbortController();
    await Promise.race([ended, sleep(clock, settings.drainTimeout, drained.signal).catch(() => {})]);
    drained.abort();
  };
  const kill = () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    for (const connection of given) connection.destroy();
    proxy.kill();
  };
  return {
    clock,
    events,
    cache,
    holdings,
    sources,
    origins: () => mounted.all,
    changeOrigins: (wanted) => mounted.change(wanted, cache),
    proxy,
    describeOwner,
    pagePassword,
    lent() {
      const fills = cache.fills();
      return {
        requests: proxy.underway,
        readers: fills.reduce((sum, { readers }) => sum + readers.length, 0),
        fetches: fills.reduce((sum, { fetches }) => sum + fetches.length, 0),
        slots: cache.slotsUsed,
        connections: busyConnections,
        entries: cache.entries().length,
        ...(store.loans?.() ?? { objects: 0, buffers: 0, starved: 0, descriptors: 0 }),
        stalled: proxy.stalled,
        timers: counted.pending,
        listeners: proxy.listeners,
      };
    },
    async listen(where, certificate = null) {
      const secured = 'path' in where ? null : certificate;
      const server = secured === null ? proxy.createServer() : proxy.createServer('', secured.options);
      if (secured !== null && 'setSecureContext' in server) secured.add(server);
      const address = await listen(server, where, secured !== null);
      servers.add(server);
      const bound = server.address();
      const listener = bound !== null && typeof bound === 'object' ? bound : null;
      if (listener !== null) own.add(listener);
      return {
        address,
        async close() {
          if (!servers.delete(server)) return;
          await inTime(new Promise((resolve) => server.close(resolve)));
          server.closeAllConnections();
          if (listener !== null) own.remove(listener);
        },
      };
    },
    serve(connection, names = 'mounts') {
      given.add(connection);
      connection.once('close', () => given.delete(connection));
      (names === 'mounts' ? inner : direct).emit('connection', connection);
    },
    async drain() {
      for (const server of servers) server.close();
      await inTime(proxy.drain());
      kill();
    },
    kill,
    async close() {
      kill();
      holdings.stop();
      try {
        await cache.close();
        await Promise.all([sources.close(), mounted.close()]);
      } finally {
        await store.close();
      }
    },
  };
}

/** A store, and how its owner says how to be reached, to whoever may read its directory. */
interface OpenedStore {
  readonly store: Store & StoreAdmin;
  readonly describeOwner: DiskStore['describeOwner'];
  readonly pagePassword: DiskStore['pagePassword'];
}

function connectionsOf(origins: readonly OriginSettings[]): number {
  return origins.reduce((sum, { maxConnections }) => sum + maxConnections, 0);
}

/** Only a store on disk has files to send. */
async function callsFor({ store, sendfile }: Settings): Promise<SystemCalls | null> {
  return store === 'disk' && sendfile === 'on' ? (await findSystemCalls()).calls : null;
}

const unkept = { describeOwner: async () => {}, pagePassword: async () => newPassword() };

async function openStore(settings: Settings, parts: StoreParts): Promise<OpenedStore> {
  const { clock } = parts;
  const events = storeEvents(parts);
  switch (settings.store) {
    case 'none':
      return { store: createNoStore(), ...unkept };
    case 'memory':
      return { store: createMemoryStore({ clock, events, maxSize: settings.maxSize }), ...unkept };
    case 'disk': {
      const { storeFiles: openFiles, systemCalls } = parts;
      const place = { directory: settings.cacheDir, openFiles, openCached: systemCalls?.openCached };
      const store = await createDiskStore({ ...settings, ...place, clock, events });
      return {
        store,
        describeOwner: (fields) => store.describeOwner(fields),
        pagePassword: () => store.pagePassword(),
      };
    }
  }
}

interface StoreParts {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly logger: Logger;
  /** Segment files that may be open at once. */
  readonly storeFiles: number;
  readonly systemCalls: SystemCalls | null;
}

/** What the store tells, as events of the domain. */
function storeEvents({ clock, events, logger }: Pick<StoreParts, 'clock' | 'events' | 'logger'>): StoreEvents {
  let state: StoreState = 'storing';
  return {
    evicted: (reason, { origin, path }, bytes) =>
      events.emit({ type: 'evicted', at: clock.now(), reason, origin, path, bytes }),
    bufferWaited: (outcome, duration) => events.emit({ type: 'buffer-wait', at: clock.now(), outcome, duration }),
    blockLost: ({ origin, path }, cause, bytes) =>
      events.emit({ type: 'block-lost', at: clock.now(), origin, path, cause, bytes }),
    stateChanged(trouble) {
      const from = state;
      state = trouble === null ? 'storing' : 'passing';
      if (trouble !== null)
        logger.log('debug', 'the store is in trouble', { code: trouble.code, reason: trouble.message });
      events.emit({ type: 'store-state', at: clock.now(), from, to: state, code: trouble?.code ?? null });
    },
    leftover: ({ code, message }) =>
      logger.log('warn', 'files were left in the cache directory', { code, reason: message }),
  };
}
