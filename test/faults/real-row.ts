/** A row of the table in real time: an origin process on a socket, a daemon with its store on disk, and players. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.ts';
import { loadSettings } from '../../src/config.ts';
import { type Daemon, startDaemon } from '../../src/daemon.ts';
import type { DomainEvent } from '../../src/events.ts';
import type { Behaviour } from '../support/behaviour.ts';
import { Client, type RequestOptions } from '../support/client.ts';
import type { Exchange } from '../support/exchange.ts';
import { film } from '../support/film.ts';
import type { Answer, Order } from './misbehaving-origin.ts';
import { partSize, type State } from './row.ts';

export const realMovie = film(2_000_000);

const program = fileURLToPath(new URL('misbehaving-origin.ts', import.meta.url));

/** What viewers wait for is short here, so that no test is long. */
const shortWaits = { stallTimeout: '300ms', firstByteTimeout: '2s', healTimeout: '3s', drainTimeout: '0s' };

export interface RealRowOptions {
  /** The host name under which the origin is mounted. */
  readonly host?: string;
  /** The origin's own settings. */
  readonly mount?: Readonly<Record<string, unknown>>;
  /** How the origin behaves while the film is brought into its state. */
  readonly origin?: Behaviour;
  /** In place of those of every row. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The process of `misbehaving-origin.ts`. */
export class OriginProcess {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #scheme: string;

  private constructor(child: ChildProcess, port: number, scheme: string) {
    this.#child = child;
    this.#port = port;
    this.#scheme = scheme;
  }

  /** `tls` are the paths of a certificate and its key. */
  static async start(tls: readonly string[] = []): Promise<OriginProcess> {
    const child = fork(program, [String(realMovie.size), ...tls], { serialization: 'advanced' });
    const [port] = (await once(child, 'message')) as [number];
    return new OriginProcess(child, port, tls.length === 0 ? 'http' : 'https');
  }

  url(host = '127.0.0.1'): string {
    return `${this.#scheme}://${host}:${this.#port}/`;
  }

  /** Has it behave like this; resolves with what it has heard so far. */
  async order(always: Behaviour = {}, next: readonly Behaviour[] = [], version = 1): Promise<Answer> {
    const answer = once(this.#child, 'message');
    this.#child.send({ always, next, version } satisfies Order);
    const [said] = (await answer) as [Answer];
    return said;
  }

  /** Harmless when repeated. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

export class RealRow {
  readonly #events: DomainEvent[] = [];
  readonly #mount: Readonly<Record<string, unknown>>;
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #directory: string;
  readonly #players: Client[] = [];
  #daemon: Daemon | null = null;

  constructor({ mount = {}, settings = {} }: RealRowOptions, directory: string) {
    this.#mount = mount;
    this.#settings = settings;
    this.#directory = directory;
  }

  /** A viewer who asks for something, by default the whole; every byte is checked as it comes. */
  async view(options: RequestOptions = {}): Promise<Exchange> {
    const port = Number(new URL(this.#daemon?.addresses[0] ?? '').port);
    const player = await Client.connect(port, { clock: systemClock, film: realMovie });
    this.#players.push(player);
    return player.get('/films/film.mp4', options);
  }

  /** What a viewer gets: status, way of ending and size of the body. */
  async gets(options: RequestOptions = {}): Promise<readonly [number | null, string, number]> {
    const exchange = await this.view(options);
    const outcome = await exchange.done();
    return [exchange.status, outcome, exchange.bodyBytes];
  }

  async start(): Promise<void> {
    const written = { ...shortWaits, ...this.#settings, listen: ['127.0.0.1:0'], cacheDir: this.#directory };
    const loaded = loadSettings({ flags: { ...written, origins: { films: this.#mount } }, env: { HOME: '/' } });
    this.#daemon = await startDaemon(loaded.settings, { log: () => {} });
    this.#daemon.events.subscribe((event) => this.#events.push(event));
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = null;
  }

  async close(): Promise<void> {
    for (const player of this.#players) player.leave();
    await this.stop();
    await rm(this.#directory, { recursive: true });
    const bugs = this.#events.filter(({ type }) => type === 'bug');
    assert.deepEqual(bugs, []);
  }
}

/** A row whose film is in that state; it is closed when the test ends, in whatever way. */
export async function realRow(
  test: TestContext,
  origin: OriginProcess,
  state: State,
  options: RealRowOptions = {},
): Promise<RealRow> {
  await origin.order(options.origin);
  const directory = await mkdtemp(join(tmpdir(), 'firstbyte-faults-'));
  const row = new RealRow({ ...options, mount: { url: origin.url(options.host), ...options.mount } }, directory);
  test.after(() => row.close());
  await row.start();
  if (state === 'partly present') {
    assert.deepEqual(await row.gets({ range: `0-${partSize - 1}` }), [206, 'complete', partSize]);
  }
  if (state === 'complete') assert.deepEqual(await row.gets(), realWhole);
  return row;
}

export const realWhole = [200, 'complete', realMovie.size] as const;
