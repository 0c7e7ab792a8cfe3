/**
 * One case of the speed matrix: firstbyte behind a line of one speed, and what holds at the end of every case.
 *
 * Each byte is fetched once. The one exception is a seam, where a fetch that runs on meets bytes that landed after its
 * request was sent: it notices when it has read them, so there at most one network read comes twice.
 */
import assert from 'node:assert/strict';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { Client, ClientOptions, RequestOptions } from '../support/client.ts';
import type { Exchange } from '../support/exchange.ts';
import type { Film } from '../support/film.ts';
import { type RigOptions, type VirtualRig, virtualRig } from '../support/rig.ts';
import type { Speed } from './speeds.ts';

/** The most that a connection in memory gives in one read. */
export const networkRead = 64 * 1024;

/** Milliseconds between two pieces of the relay; on a slow line a head is several pieces, and connections take turns. */
export const relayTick = 10;

export class SpeedCase {
  readonly rig: VirtualRig;
  readonly film: Film;
  readonly exchanges: Exchange[] = [];
  readonly #players: Client[] = [];
  readonly #target = '/film.mp4';
  /** What was fetched before each restart. */
  readonly #fetchedBefore: ByteRange[][] = [];

  constructor(rig: VirtualRig, film: Film) {
    this.rig = rig;
    this.film = film;
  }

  /** A player on a connection of its own. */
  player(options: Partial<ClientOptions> = {}): Client {
    const player = this.rig.player(options);
    this.#players.push(player);
    return player;
  }

  /** One request, by a player of its own unless one is given. */
  get(range: string | null, player: Client = this.player(), options: RequestOptions = {}): Exchange {
    const exchange = player.get(`/films${this.#target}`, range === null ? options : { range, ...options });
    this.exchanges.push(exchange);
    return exchange;
  }

  /** Lets time pass until `bytes` of the body are there, the head first. */
  received(exchange: Exchange, bytes: number): Promise<void> {
    return this.rig.clock.advanceUntil(exchange.received(bytes));
  }

  /** Lets time pass until the reply is complete, with as many bytes as it must have. */
  async completed(exchange: Exchange, bytes: number): Promise<void> {
    assert.equal(await this.rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.equal(exchange.bodyBytes, bytes);
  }

  async restart(): Promise<void> {
    this.#fetchedBefore.push([...this.rig.fetched(this.#target)]);
    await this.rig.restart();
  }

  /** Bytes that firstbyte took from the origin since its last start. */
  get fetched(): number {
    return sizeOf(this.rig.fetched(this.#target));
  }

  /** Ends the case: no own 5xx and no bug, each byte fetched once but for `seams`, and nothing left behind. */
  async close({ seams = 0 }: { readonly seams?: number } = {}): Promise<void> {
    const { rig } = this;
    await rig.clock.settle();
    for (const { status } of this.exchanges) assert.ok(status === null || status < 500, `a client got ${status}`);
    assert.deepEqual([rig.eventsOf('own-error'), rig.eventsOf('bug')], [[], []]);
    this.#assertFetchedOnce(seams);
    for (const player of this.#players) player.leave();
    await rig.close();
    await rig.clock.settle();
    assert.deepEqual(
      { connections: rig.network.relay.open + rig.origin.open, timers: rig.clock.pending },
      { connections: 0, timers: 0 },
    );
  }

  #assertFetchedOnce(seams: number): void {
    const twice = [...this.rig.fetchedTwice(this.#target)];
    for (const { start, end } of twice) assert.ok(end - start <= networkRead, `${end - start} bytes came twice`);
    assert.ok(twice.length <= seams, `fetched twice: ${JSON.stringify(twice)}`);
    for (const before of this.#fetchedBefore) {
      const again = this.rig.fetched(this.#target).filter((now) => before.some((then) => overlap(now, then)));
      assert.deepEqual(again, [], `fetched before the restart: ${JSON.stringify(before)}`);
    }
  }
}

/** A case at one speed, with one of its films; `options` come in addition. */
export async function speedCase(speed: Speed, movie = speed.film, options: Partial<RigOptions> = {}) {
  const { rate, headAfter } = speed;
  const network = { origin: { headAfter }, relay: { rate } };
  return new SpeedCase(await virtualRig({ films: movie, ...network, ...options }), movie);
}

function overlap(one: ByteRange, other: ByteRange): boolean {
  return one.start < other.end && other.start < one.end;
}

function sizeOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}
