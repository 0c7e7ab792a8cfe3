/**
 * Puts everything together; only this file and mount.ts name adapters.
 *
 * A daemon lives like this: `startDaemon` opens the store and the origins, then listens → it serves → `stop` takes no
 * new requests, lets replies go on for `drainTimeout`, makes durable what can be and closes everything.
 */
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Holdings } from './admin/holdings.ts';
import { type NewSource, Sources } from './admin/sources.ts';
import { Cache } from './cache/cache.ts';
import { type Clock, countedClock, sleep, systemClock } from './clock.ts';
import type { LoadedSettings, Settings } from './config.ts';
import { descriptorLimit, planDescriptors } from './descriptors.ts';
import { EventBus, type StoreState } from './events.ts';
import { OwnListeners } from './http/own-listeners.ts';
import { proxyName } from './http/proxy-name.ts';
import type { Lent } from './lent.ts';
import { controlUrl, listen } from './listen.ts';
import { createLogger, type Logger, logEvents } from './log.ts';
import { type MakeOrigin, mount, openSource } from './mount.ts';
import { isPrivateHost } from './origin/address-guard.ts';
import type { Refresh } from './origin/refresh.ts';
import { MediaProxy } from './proxy/proxy.ts';
import { settingReports } from './setting-reports.ts';
import type { StoreAdmin } from './store/admin.ts';
import { createDiskStore, type DiskStore } from './store/disk/disk-store.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { createNoStore } from './store/no-store.ts';
import type { Store } from './store/store.ts';
import type { StoreEvents } from './store/store-events.ts';

export type { Refresh, RefreshAnswer, RefreshQuestion } from './origin/refresh.ts';

/** What an embedding program may put in place of the usual parts. */
export interface DaemonParts {
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
  readonly store?: Store & StoreAdmin;
  readonly events?: EventBus;
  /** Makes the origin of one base, where something else than HTTP over TCP is wanted. */
  readonly makeOrigin?: MakeOrigin;
  /** Where each setting came from, for those who ask the control API. */
  readonly settingSources?: LoadedSettings['sources'];
  /** Says where a target is to be had now, for every origin whose settings name no hook. */
  readonly refresh?: Refresh;
  /** How many files and connections the process may have open; what the system says where absent. */
  readonly descriptorLimit?: number;
  /** Takes each line of the log, with its end; standard error where absent. */
  readonly log?: (line: string) => void;
}

export interface Daemon {
  /** Where it listens, as URLs with the real ports. */
  readonly addresses: readonly string[];
  /**
   * Where the control API answers on this machine, and a token for it that is another for each start; `null` where
   * nothing listens. With a store on disk both also stand in the file `owner` of the cache directory.
   */
  readonly control: { readonly url: string; readonly token: string } | null;
  /** Everything that happens from now on. */
  readonly events: EventBus;
  /** What is held, and what can be done with it: the same that the control API gives. */
  readonly holdings: Holdings;
  /** URLs that are handed in at run time, each to be played at a path of its own. */
  readonly sources: Sources;
  /** What is lent at this moment: all zero where nobody is there and nothing is under way. */
  lent(): Lent;
  /** Serves a connection that came in some other way, for instance in memory. */
  serve(connection: Duplex): void;
  /** Lets replies go on for at most `drainTimeout`, then ends them, and closes everything. */
  stop(): Promise<void>;
  /** Ends every connection at once; nothing is made durable beyond what is. */
  kill(): void;
}

/** Rejects with a `StoreError` where the cache directory can't be used, and with the system's error where it can't listen. */
export async function startDaemon(settings: Settings, parts: DaemonParts = {}): Promise<Daemon> {
  const { clock = systemClock, random = Math.random, events = new EventBus() } = parts;
  const logger = createLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    clock,
    ...(parts.log === undefined ? {} : { write: parts.log }),
  });
  const stopLogging = logEvents(events, logger);
  const originConnections = settings.origins.reduce((sum, { maxConnections }) => sum + maxConnections, 0);
  const limit = parts.descriptorLimit ?? descriptorLimit();
  const { storeFiles } = planDescriptors(limit, originConnections);
  // The control API is the larger half of the program: it loads while the store's index begins in a thread of its own.
  const [{ store, describeOwner }, { createControl }] = await Promise.all([
    parts.store === undefined
      ? openStore(settings, { clock, events, logger, storeFiles })
      : { store: parts.store, describeOwner: tellNobody },
    import('./control/control-api.ts'),
  ]);
  const { makeOrigin, refresh } = parts;
  const counted = countedClock(clock);
  let busyConnections = 0;
  const onBusy = (change: number) => {
    busyConnections += change;
  };
  const own = new OwnListeners();
  // Another for each start: a cache behind this one is no loop.
  const pseudonym = `${proxyName}-${randomBytes(8).toString('hex')}`;
  const mountParts = { clock: counted, upkeepClock: clock, events, makeOrigin, refresh, own, pseudonym, onBusy };
  const mounted = settings.origins.map((origin) => mount(origin, settings, mountParts));
  const mounts = new Map(mounted.map((each) => [each.name, each]));
  const cache = new Cache({
    ...settings,
    mounts,
    store,
    policy: { ...settings, fill: 'window' },
    clock: counted,
    events,
    random,
  });
  const holdings = new Holdings({ cache, store, events, clock });
  const open = (source: NewSource) => openSource(source, settings, mountParts);
  const sources = new Sources({ cache, clock, isPrivateHost, open });
  const localToken = randomBytes(32).toString('base64url');
  let state: 'starting' | 'ready' | 'draining' = 'starting';
  const unready = () => {
    if (state === 'ready') return null;
    return state === 'starting' ? 'It does not listen yet.' : 'It is shutting down.';
  };
  const lent = (): Lent => {
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
  };
  const control = createControl({
    fills: cache,
    holdings,
    sources,
    origins: mounted,
    settings: settingReports(settings, parts.settingSources),
    events,
    clock,
    localToken,
    ...(settings.token === null ? {} : { token: settings.token }),
    unready,
    clients: () => proxy.clients(),
    lent,
    summary: { interval: settings.summaryInterval, write: (fields) => logger.log('info', 'summary', fields) },
  });
  const proxy = new MediaProxy({
    ...settings,
    cache,
    clock: counted,
    events,
    // Sources that are handed in have connections beside those of the configured origins.
    clientConnections: () => planDescriptors(limit, Math.max(originConnections, busyConnections)).clientConnections,
    patience: settings,
    tokens: [localToken, ...(settings.token === null ? [] : [settings.token])],
    control: control.listener,
    pseudonym,
    onForeignHost: (host) =>
      logger.log('warn', 'refused a host name that is not in allowHosts', { host, setting: 'allowHosts' }),
  });
  const servers: Server[] = [];

  const closeParts = async () => {
    control.stop();
    holdings.stop();
    await cache.close();
    await Promise.all([sources.close(), ...mounted.map(({ origin }) => origin.close())]);
    await store.close();
    stopLogging();
  };

  const addresses: string[] = [];
  let url: string | undefined;
  const unannounced = (error: Error) =>
    logger.log('warn', 'the local token could not be written down', { reason: error.message });
  try {
    for (const address of settings.listen) {
      const server = proxy.createServer();
      addresses.push(await listen(server, address));
      const bound = server.address();
      if (bound !== null && typeof bound === 'object') own.add(bound);
      servers.push(server);
    }
    [url] = addresses.map(controlUrl);
    if (url !== undefined) await describeOwner({ control: url, token: localToken }).catch(unannounced);
  } catch (error) {
    for (const server of servers) server.close();
    await closeParts();
    throw error;
  }
  state = 'ready';
  const inner = proxy.createServer();
  const given = new Set<Duplex>();

  const kill = () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    for (const connection of given) connection.destroy();
  };
  return {
    addresses,
    control: url === undefined ? null : { url, token: localToken },
    events,
    holdings,
    sources,
    lent,
    serve(connection) {
      given.add(connection);
      connection.once('close', () => given.delete(connection));
      inner.emit('connection', connection);
    },
    async stop() {
      state = 'draining';
      for (const server of servers) server.close();
      const drained = new AbortController();
      const timeout = sleep(clock, settings.drainTimeout, drained.signal).catch(() => {});
      await Promise.race([proxy.drain(), timeout]);
      drained.abort();
      kill();
      await closeParts();
    },
    kill,
  };
}

/** A store, and how its owner says how to be reached, to whoever may read its directory. */
interface OpenedStore {
  readonly store: Store & StoreAdmin;
  readonly describeOwner: DiskStore['describeOwner'];
}

const tellNobody = async () => {};

async function openStore(settings: Settings, parts: StoreParts): Promise<OpenedStore> {
  const { clock } = parts;
  const events = storeEvents(parts);
  switch (settings.store) {
    case 'none':
      return { store: createNoStore(), describeOwner: tellNobody };
    case 'memory':
      return { store: createMemoryStore({ clock, events, maxSize: settings.maxSize }), describeOwner: tellNobody };
    case 'disk': {
      const place = { directory: settings.cacheDir, openFiles: parts.storeFiles };
      const store = await createDiskStore({ ...settings, ...place, clock, events });
      return { store, describeOwner: (fields) => store.describeOwner(fields) };
    }
  }
}

interface StoreParts {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly logger: Logger;
  /** Segment files that may be open at once. */
  readonly storeFiles: number;
}

/** What the store tells, as events of the domain. */
function storeEvents({ clock, events, logger }: Omit<StoreParts, 'storeFiles'>): StoreEvents {
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
