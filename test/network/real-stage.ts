/** The same parts in real time: a daemon on its real store, a relay and an origin, each on a TCP port of loopback. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { systemClock } from '../../src/clock.ts';
import { loadSettings, type SettingKey } from '../../src/config.ts';
import { type Daemon, startDaemon } from '../../src/daemon.ts';
import type { DomainEvent } from '../../src/events.ts';
import { createHttpOrigin } from '../../src/origin/http-origin.ts';
import { Client, type ClientOptions } from '../support/client.ts';
import { CountedOrigin } from '../support/counted-origin.ts';
import type { Exchange } from '../support/exchange.ts';
import type { Film } from '../support/film.ts';
import { type Behaviour, HttpOriginServer } from '../support/http-origin-server.ts';
import { Relay, type RelayOptions } from './relay.ts';

export interface RealStageOptions {
  readonly film: Film;
  /** More of them, by their paths at the origin. */
  readonly films?: Readonly<Record<string, Film>>;
  /** In which the cache directory is made; that for temporary files unless given. */
  readonly directory?: string;
  readonly origin?: Behaviour;
  readonly relay?: Omit<RelayOptions, 'clock'>;
  readonly settings?: Partial<Record<SettingKey, unknown>>;
  readonly mount?: Readonly<Record<string, unknown>>;
}

const target = '/film.mp4';

export class RealStage {
  readonly origin: HttpOriginServer;
  readonly relay: Relay;
  /** Everything that happened, in order, over restarts. */
  readonly events: DomainEvent[] = [];
  readonly #options: RealStageOptions;
  readonly #players: Client[] = [];
  readonly #exchanges: Exchange[] = [];
  #directory = '';
  #originPort = 0;
  #daemon: Daemon | null = null;
  #adapter: CountedOrigin | null = null;

  constructor(options: RealStageOptions) {
    this.#options = options;
    this.origin = new HttpOriginServer({
      clock: systemClock,
      films: options.films === undefined ? options.film : { [target]: options.film, ...options.films },
      ...(options.origin === undefined ? {} : { behaviour: options.origin }),
    });
    this.relay = new Relay({ clock: systemClock, ...options.relay });
  }

  async open(): Promise<void> {
    this.#directory = await mkdtemp(join(this.#options.directory ?? tmpdir(), 'firstbyte-network-'));
    this.#originPort = await this.relay.listen(await this.origin.listen());
    await this.#start();
  }

  /** One request, by a player on a connection of its own unless one is given. */
  async get(range: string | null, player?: Client): Promise<Exchange> {
    const exchange = (player ?? (await this.player())).get(`/films${target}`, range === null ? {} : { range });
    this.#exchanges.push(exchange);
    return exchange;
  }

  async player(options: Partial<ClientOptions> = {}): Promise<Client> {
    const port = Number(new URL(this.#daemon?.addresses[0] ?? '').port);
    const player = await Client.connect(port, { clock: systemClock, film: this.#options.film, ...options });
    this.#players.push(player);
    return player;
  }

  /** Resolves when the reply is complete, with as many bytes as it must have. */
  async completed(exchange: Exchange, bytes: number): Promise<void> {
    const outcome = await exchange.done();
    const bugs = this.events.filter(({ type }) => type === 'bug');
    assert.deepEqual([outcome, bugs], ['complete', []]);
    assert.equal(exchange.bodyBytes, bytes);
  }

  /** Stops the daemon, and starts another on the same directory. */
  async restart(): Promise<void> {
    await this.#stop();
    await this.#start();
  }

  /** Bytes that firstbyte took from the origin since its last start. */
  get fetched(): readonly ByteRange[] {
    return this.#adapter?.read(target) ?? [];
  }

  /** The moment of the first event of a type. */
  firstAt(type: DomainEvent['type']): number {
    return this.events.find((event) => event.type === type)?.at ?? Number.NaN;
  }

  /** No own 5xx and no bug was seen, and each byte was fetched once but for `seams`. */
  assertRight({ seams = 0 }: { readonly seams?: number } = {}): void {
    const wrong = this.events.filter(({ type }) => type === 'own-error' || type === 'bug');
    assert.deepEqual(wrong, []);
    for (const { status } of this.#exchanges) assert.ok(status === null || status < 500, `a client got ${status}`);
    const twice = this.#adapter?.readTwice(target) ?? [];
    assert.ok(twice.length <= seams, `fetched twice: ${JSON.stringify(twice)}`);
    for (const { start, end } of twice) assert.ok(end - start <= 64 * 1024, `${end - start} bytes came twice`);
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const player of this.#players) player.leave();
    await this.#stop();
    this.relay.close();
    this.origin.close();
    await rm(this.#directory, { recursive: true });
  }

  async #start(): Promise<void> {
    const { settings: written = {}, mount = {} } = this.#options;
    const url = `http://127.0.0.1:${this.#originPort}/`;
    // A transfer that a busy machine slows down would be tried over several connections: that is tested by itself.
    const flags = {
      drainTimeout: '0s',
      parallelFetches: '1',
      ...written,
      listen: ['127.0.0.1:0'],
      cacheDir: this.#directory,
    };
    const { settings } = loadSettings({
      flags: { ...flags, origins: { films: { url, ...mount } } },
      env: { HOME: '/' },
    });
    this.#daemon = await startDaemon(settings, {
      makeOrigin: (_, options) => {
        this.#adapter = new CountedOrigin(createHttpOrigin(options));
        return this.#adapter;
      },
      log: () => {},
    });
    this.#daemon.events.subscribe((event) => this.events.push(event));
  }

  async #stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = null;
  }
}

/** A stage whose daemon is running; it is closed when the test ends, in whatever way. */
export async function realStage(test: TestContext, options: RealStageOptions): Promise<RealStage> {
  const stage = new RealStage(options);
  test.after(() => stage.close());
  await stage.open();
  return stage;
}
