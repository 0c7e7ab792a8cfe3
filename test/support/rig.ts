/**
 * firstbyte, whole, on virtual time: players, the daemon, a network and an origin, all in memory and on one clock.
 *
 * player ↔ `node:http` ↔ firstbyte ↔ HTTP origin adapter ↔ relay ↔ HTTP origin. The store is in memory unless a
 * directory is given, and outlives a `restart`. Targets are at `/films/…`; any path is the film unless `films` names
 * several. However a scenario went, at its close nothing may be lent any more once its players have gone.
 */
import assert from 'node:assert/strict';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { loadSettings, type SettingKey } from '../../src/config.ts';
import { type Daemon, startDaemon } from '../../src/daemon.ts';
import type { DomainEvent } from '../../src/events.ts';
import { createHttpOrigin } from '../../src/origin/http-origin.ts';
import type { StoreAdmin } from '../../src/store/admin.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { Client, type ClientOptions, type Exchange, type RequestOptions } from './client.ts';
import { CountedOrigin } from './counted-origin.ts';
import { duplexPair, type PairedSocket } from './duplex-pair.ts';
import { Film } from './film.ts';
import type { HttpOriginServer } from './http-origin-server.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { VirtualNetwork, type VirtualNetworkOptions } from './virtual-network.ts';

export interface RigOptions extends VirtualNetworkOptions {
  /** As they would stand in the configuration file. */
  readonly settings?: Partial<Record<SettingKey, unknown>>;
  /** The origin's own settings, as they would stand in the file beside its `url`. */
  readonly mount?: Readonly<Record<string, unknown>>;
  /** More bases, each behind a network of its own, with the same films unless they say otherwise. */
  readonly mirrors?: ReadonlyArray<Partial<Omit<VirtualNetworkOptions, 'clock'>>>;
  /** How many files and connections the daemon may believe to have; what the system says unless given. */
  readonly descriptorLimit?: number;
  /** From 0 to 1, for jitter; always the middle unless given. */
  readonly random?: () => number;
  /** In place of one in memory; closed only by `close`. */
  readonly store?: Store & StoreAdmin;
  /** In place of one in memory, the usual one on disk in this directory, opened at each start. Needs a clock with `files`. */
  readonly cacheDir?: string;
}

/** After this long without a player nothing is lent, in milliseconds, where no fetch keeps its connection (`restTimeout`). */
const idleTime = 60_000;

/** And an idle connection to an origin. */
const keepAlive = 30_000;

/** The address of a base is never connected to: a network in memory stands in its place. */
const baseUrl = (index: number) => `http://10.0.0.${index + 1}/`;

export class VirtualRig {
  readonly network: VirtualNetwork;
  /** That of the first base, and those of the mirrors. */
  readonly networks: readonly VirtualNetwork[];
  /** Everything that happened, in order, over restarts. */
  readonly events: DomainEvent[] = [];
  /** The lines of the log. */
  readonly log: string[] = [];
  readonly #options: RigOptions;
  readonly #store: (Store & StoreAdmin) | null;
  readonly #film: Film | null;
  /** The daemon's ends of the players' connections. */
  readonly #served: PairedSocket[] = [];
  /** One for each start of the daemon. */
  readonly #adapters: CountedOrigin[] = [];
  #daemon: Daemon | null = null;
  #restTime = idleTime;
  /** Objects of the store that whoever had it before never gave back: a daemon that was ended without warning. */
  #lostObjects = 0;

  constructor(options: RigOptions) {
    this.#options = options;
    this.network = new VirtualNetwork(options);
    const { films, relay = {}, mirrors = [] } = options;
    const { clock } = this.network;
    this.networks = [this.network, ...mirrors.map((own) => new VirtualNetwork({ films, relay, ...own, clock }))];
    this.#store = options.cacheDir === undefined ? (options.store ?? createMemoryStore()) : null;
    this.#film = options.films instanceof Film ? options.films : null;
  }

  get clock(): VirtualClock {
    return this.network.clock;
  }

  get origin(): HttpOriginServer {
    return this.network.origin;
  }

  get daemon(): Daemon {
    if (this.#daemon === null) throw new Error('The daemon is not running.');
    return this.#daemon;
  }

  async start(): Promise<void> {
    const { settings: given = {}, mount = {}, cacheDir } = this.#options;
    // What comes side by side is tested by itself: else each test of requests would be one of that, too.
    const written = { parallelFetches: '1', ...given, ...(cacheDir !== undefined && { store: 'disk', cacheDir }) };
    const [url, ...mirrors] = this.networks.map((_, index) => baseUrl(index));
    const origins = { films: { url, ...(mirrors.length > 0 && { mirrors }), ...mount } };
    const { settings } = loadSettings({ flags: { ...written, origins }, env: { HOME: '/' } });
    const { clock } = this.network;
    this.#restTime = idleTime + settings.restTimeout;
    this.#lostObjects = this.#store?.loans?.().objects ?? 0;
    this.#daemon = await startDaemon(
      { ...settings, listen: [] },
      {
        clock,
        random: this.#options.random ?? (() => 0.5),
        ...(this.#options.descriptorLimit === undefined ? {} : { descriptorLimit: this.#options.descriptorLimit }),
        ...(this.#store !== null && { store: keptOpen(this.#store) }),
        makeOrigin: (_, options) => {
          const network = this.networks.find((_, index) => baseUrl(index) === options.base.href) ?? this.network;
          const adapter = new CountedOrigin(createHttpOrigin({ ...options, connect: network.connect }));
          this.#adapters.push(adapter);
          return adapter;
        },
        log: (line) => this.log.push(line),
      },
    );
    this.#daemon.events.subscribe((event) => this.events.push(event));
  }

  /** A player on a connection of its own, which comes from `address`; this machine's unless given. */
  player(options: Partial<ClientOptions> = {}, address?: string): Client {
    const [near, far] = duplexPair(address);
    this.#served.push(far);
    this.daemon.serve(far);
    return new Client(near, { clock: this.clock, ...(this.#film === null ? {} : { film: this.#film }), ...options });
  }

  /** One request by a player on a connection of its own. */
  get(target: string, options: RequestOptions = {}): Exchange {
    return this.player().get(target, options);
  }

  /** The same, once it is over, however it ended. */
  async play(target: string, options: RequestOptions = {}): Promise<Exchange> {
    const exchange = this.get(target, options);
    await this.clock.advanceUntil(exchange.done());
    return exchange;
  }

  /** The events of one type, in order. */
  eventsOf<T extends DomainEvent['type']>(type: T): Array<Extract<DomainEvent, { type: T }>> {
    return this.events.filter((event): event is Extract<DomainEvent, { type: T }> => event.type === type);
  }

  /** Bytes that firstbyte took more than once since it was started last; `target` is the origin's, such as `/a.mp4`. */
  fetchedTwice(target: string): readonly ByteRange[] {
    return this.#adapters.at(-1)?.readTwice(target) ?? [];
  }

  /** Bytes that firstbyte took since it was started last. */
  fetched(target: string): readonly ByteRange[] {
    return this.#adapters.at(-1)?.read(target) ?? [];
  }

  /** How many bytes firstbyte took in all, over restarts, repeated ones counted each time. */
  get bytesFetched(): number {
    return this.#adapters.reduce((sum, { total }) => sum + total, 0);
  }

  /** Stops the daemon, in virtual time, and starts another on the same store. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Stops the daemon as SIGTERM does. */
  async stop(): Promise<void> {
    const { daemon } = this;
    this.#daemon = null;
    await this.clock.advanceUntil(daemon.stop());
  }

  /** Breaks every connection, ends the daemon and closes the store. Rejects where something is lent that nobody needs. */
  async close(): Promise<void> {
    for (const connection of this.#served) connection.destroy();
    for (const network of this.networks) network.close();
    await this.clock.settle();
    if (this.#daemon !== null) {
      await this.assertNothingLent();
      await this.stop();
    }
    await this.#store?.close();
  }

  /** Rejects where something is lent still, a while after the last player has gone. */
  async assertNothingLent(): Promise<void> {
    const { clock } = this;
    const rests = async (until: number, isAtRest: () => boolean) => {
      while (!isAtRest() && clock.now() < until) await clock.advance(1000);
    };
    await rests(clock.now() + this.#restTime, () => this.#lent().length === 0);
    // The last bytes may have come as late as that, and their connection is kept from then on.
    const isKept = this.#lent().every(([thing]) => thing === 'timers');
    if (isKept) await rests(clock.now() + keepAlive, () => this.#lent().length === 0);
    if (this.#lent().length === 0) return;
    assert.fail(`${this.#restTime} ms after the last player has gone is lent: ${this.lentInWords()}.`);
  }

  #lent(): ReadonlyArray<readonly [thing: string, count: number]> {
    const { objects, ...others } = this.daemon.lent();
    const counts = Object.entries({ ...others, objects: objects - this.#lostObjects });
    return counts.filter(([, count]) => count !== 0);
  }

  /** What is lent now, and where each fill stands that has not come to its end: for whoever finds that it is too much. */
  lentInWords(): string {
    const last = new Map(this.eventsOf('fill-state').map((event) => [event.fill, event]));
    const fills = [...last.values()]
      .filter(({ to }) => to !== 'idle' && to !== 'complete' && to !== 'failed')
      .map(({ fill, origin, path, to, at }) => `fill ${fill} of ${origin}${path} is ${to} since ${at} ms`);
    return [...this.#lent().map(([thing, count]) => `${count} ${thing}`), ...fills].join(', ') || 'nothing';
  }
}

/** A rig whose daemon is running. */
export async function virtualRig(options: RigOptions): Promise<VirtualRig> {
  const rig = new VirtualRig(options);
  await rig.start();
  return rig;
}

/** Plays on a rig that is closed afterwards, whatever happened. */
export async function withRig(options: RigOptions, play: (rig: VirtualRig) => Promise<void>): Promise<void> {
  const rig = await virtualRig(options);
  try {
    await play(rig);
  } finally {
    await rig.close();
  }
}

/** The same store, which a daemon can't close: what was committed is there for the next one. */
function keptOpen(store: Store & StoreAdmin): Store & StoreAdmin {
  return {
    find: (...given) => store.find(...given),
    create: (...given) => store.create(...given),
    remove: (name) => store.remove(name),
    list: () => store.list(),
    close: async () => {},
    pin: (...given) => store.pin(...given),
    verify: (...given) => store.verify(...given),
    usage: () => store.usage(),
    nextToGo: (bytes) => store.nextToGo(bytes),
    tryRead: async (signal) => store.tryRead?.(signal),
    loans: () => store.loans?.() ?? { objects: 0, buffers: 0, starved: 0, descriptors: 0 },
  };
}
