/**
 * Puts everything together; only this file and mount.ts name adapters.
 *
 * A daemon lives like this: `startDaemon` opens the store and the origins, then listens → it serves → `stop` takes no
 * new requests, lets replies go on for `drainTimeout`, makes durable what can be and closes everything.
 */
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Cache } from './cache/cache.ts';
import { type Clock, sleep, systemClock } from './clock.ts';
import type { Settings } from './config.ts';
import { createControl } from './control/control-api.ts';
import { EventBus, type StoreState } from './events.ts';
import { listen } from './listen.ts';
import { createLogger, type Logger, logEvents } from './log.ts';
import { type MakeOrigin, mount } from './mount.ts';
import type { Refresh } from './origin/refresh.ts';
import { MediaProxy } from './proxy/proxy.ts';
import { createDiskStore } from './store/disk-store.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { createNoStore } from './store/no-store.ts';
import type { Store } from './store/store.ts';
import type { StoreEvents } from './store/store-events.ts';
import type { Upkeep } from './store/upkeep.ts';

export type { Refresh, RefreshAnswer, RefreshQuestion } from './origin/refresh.ts';

/** What an embedding program may put in place of the usual parts. */
export interface DaemonParts {
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
  readonly store?: Store & Upkeep;
  readonly events?: EventBus;
  /** Makes the origin of one base, where something else than HTTP over TCP is wanted. */
  readonly makeOrigin?: MakeOrigin;
  /** Says where a target is to be had now, for every origin whose settings name no hook. */
  readonly refresh?: Refresh;
  /** Takes each line of the log, with its end; standard error where absent. */
  readonly log?: (line: string) => void;
}

export interface Daemon {
  /** Where it listens, as URLs with the real ports. */
  readonly addresses: readonly string[];
  /** Everything that happens from now on. */
  readonly events: EventBus;
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
  let relieve = () => {};
  const store = parts.store ?? (await openStore(settings, { clock, events, logger }, () => relieve()));
  const { makeOrigin, refresh } = parts;
  const mounted = settings.origins.map((origin) => mount(origin, settings, { clock, events, makeOrigin, refresh }));
  const mounts = new Map(mounted.map((each) => [each.name, each]));
  const cache = new Cache({ ...settings, mounts, store, policy: settings, clock, events, random });
  const control = createControl({
    fills: cache,
    origins: mounted,
    store,
    events,
    clock,
    ...(settings.token === null ? {} : { token: settings.token }),
    summary: { interval: settings.summaryInterval, write: (fields) => logger.log('info', 'summary', fields) },
  });
  const proxy = new MediaProxy({ ...settings, cache, clock, events, patience: settings, control: control.listener });
  relieve = () => proxy.relieve();
  const servers: Server[] = [];

  const closeParts = async () => {
    control.stop();
    await cache.close();
    await Promise.all(mounted.map(({ origin }) => origin.close()));
    await store.close();
    stopLogging();
  };

  const addresses: string[] = [];
  try {
    for (const address of settings.listen) {
      const server = proxy.createServer();
      addresses.push(await listen(server, address));
      servers.push(server);
    }
  } catch (error) {
    for (const server of servers) server.close();
    await closeParts();
    throw error;
  }
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
    events,
    serve(connection) {
      given.add(connection);
      connection.once('close', () => given.delete(connection));
      inner.emit('connection', connection);
    },
    async stop() {
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

/** `onStarved` is called when memory for reading is short. */
async function openStore(settings: Settings, parts: StoreParts, onStarved: () => void): Promise<Store & Upkeep> {
  const { clock } = parts;
  const events = storeEvents(parts);
  switch (settings.store) {
    case 'none':
      return createNoStore();
    case 'memory':
      return createMemoryStore({ clock, events, maxSize: settings.maxSize });
    case 'disk':
      return createDiskStore({ ...settings, directory: settings.cacheDir, clock, onStarved, events });
  }
}

interface StoreParts {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly logger: Logger;
}

/** What the store tells, as events of the domain. */
function storeEvents({ clock, events, logger }: StoreParts): StoreEvents {
  let state: StoreState = 'storing';
  return {
    evicted: (reason, label, bytes) => events.emit({ type: 'evicted', at: clock.now(), reason, ...label, bytes }),
    blockLost: (label, cause, bytes) => events.emit({ type: 'block-lost', at: clock.now(), ...label, cause, bytes }),
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
