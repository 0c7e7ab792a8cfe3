/**
 * The players of a soak: raw HTTP clients that watch, seek, pause, leave at any byte and come back, each at a pace of
 * its own, and compare every byte.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import type { Chance } from '../faults/chance.ts';
import { Witness } from '../faults/witness.ts';
import { Client } from '../support/client.ts';
import type { Exchange } from '../support/exchange.ts';
import { type Catalogue, type Path, paths, sizeOf } from './catalogue.ts';
import type { Tally } from './tally.ts';

export interface House {
  readonly port: number;
  readonly catalogue: Catalogue;
  readonly tally: Tally;
  /** Aborts when the soak is over. */
  readonly over: AbortSignal;
  /** The longest pause that a player makes, in milliseconds. */
  readonly longestPause: number;
}

/** Films that are watched again and again; the others are asked for as often as any. */
const favourites: readonly [Path, ...Path[]] = ['/clip.mp4', '/part.mp4', '/episode.mp4', '/film.mp4', '/long.mp4'];

/** One viewer, from one film to the next, until the soak is over. */
export async function view(house: House, chance: Chance): Promise<void> {
  const habits = [watch, watch, seek, seek, glance, ranges, leaveEarly];
  let [path, offset]: [Path, number] = [chance.one(favourites), 0];
  while (!house.over.aborted) {
    const seat = await Seat.take(house, chance);
    if (seat === null) {
      await rest(house, 1000);
      continue;
    }
    // Often somebody comes back to where they left.
    if (chance.is(0.6)) [path, offset] = [chance.one([...favourites, chance.one(paths)]), 0];
    const habit = chance.one([watch, ...habits]);
    const bytes = await habit(seat, path, offset, chance);
    offset = Math.min(sizeOf(path), offset + bytes);
    seat.leave(chance.one(['end', 'reset']));
    await rest(house, chance.about(20, 3000));
  }
}

/** Plays on from `offset`; sometimes pauses for long. */
async function watch(seat: Seat, path: Path, offset: number, chance: Chance): Promise<number> {
  const exchange = seat.ask(path, offset === 0 && chance.is(0.5) ? undefined : `${offset}-`);
  await seat.stay(exchange, chance.about(500, 30_000));
  if (chance.is(0.3)) {
    await seat.pause(chance.about(1000, seat.house.longestPause));
    await seat.stay(exchange, chance.about(500, 10_000));
  }
  return exchange.bodyBytes;
}

/** Opens the film at one place after another, as a player does whose viewer drags the bar. */
async function seek(seat: Seat, path: Path, _offset: number, chance: Chance): Promise<number> {
  const size = sizeOf(path);
  let place = 0;
  for (let count = chance.between(1, 8); count > 0 && !seat.house.over.aborted; count -= 1) {
    place = chance.between(0, Math.max(0, size - 1));
    const next = await Seat.take(seat.house, chance);
    if (next === null) break;
    const exchange = next.ask(path, `${place}-`);
    await next.read(exchange, chance.about(1, 1_000_000), 4000);
    next.leave(chance.one(['end', 'reset']));
  }
  return place;
}

/** Takes the first few kilobytes of many open ranges. */
async function glance(seat: Seat, path: Path, offset: number, chance: Chance): Promise<number> {
  for (let count = chance.between(3, 20); count > 0 && !seat.house.over.aborted; count -= 1) {
    const next = await Seat.take(seat.house, chance);
    if (next === null) break;
    const exchange = next.ask(path, chance.one(['0-', `${offset}-`]));
    await next.read(exchange, 8192, 2000);
    next.leave(chance.one(['end', 'reset']));
    await rest(seat.house, 30);
  }
  return 0;
}

/** Closed ranges on one connection, one behind the other or several at once; a HEAD among them. */
async function ranges(seat: Seat, path: Path, offset: number, chance: Chance): Promise<number> {
  const size = sizeOf(path);
  let at = offset;
  for (let count = chance.between(1, 12); count > 0 && at < size && !seat.house.over.aborted; count -= 1) {
    const asked = chance.many(1, 3, () => {
      const end = Math.min(size, at + chance.about(1, 400_000));
      const exchange = chance.is(0.1) ? seat.ask(path, undefined, 'HEAD') : seat.ask(path, `${at}-${end - 1}`);
      at = Math.min(size - 1, end);
      return exchange;
    });
    for (const exchange of asked) await seat.stay(exchange, 10_000);
    if (!seat.connected) break;
  }
  return 0;
}

/** Goes away at any moment: before the head, in it, with a request half said, or with others behind it. */
async function leaveEarly(seat: Seat, path: Path, offset: number, chance: Chance): Promise<number> {
  for (let count = chance.between(1, 3); count > 0; count -= 1) seat.ask(path, `${offset}-`);
  if (chance.is(0.3)) seat.half(path);
  await rest(seat.house, chance.between(0, 50));
  return 0;
}

async function rest({ over }: House, duration: number): Promise<void> {
  await sleep(duration, undefined, { signal: over }).catch(() => {});
}

/** One connection of a player. */
class Seat {
  readonly house: House;
  readonly #client: Client;
  readonly #asked: Array<ReturnType<Tally['follow']>> = [];

  private constructor(house: House, client: Client) {
    this.house = house;
    this.#client = client;
  }

  /** `null` where firstbyte takes no connection, which is told. */
  static async take(house: House, chance: Chance): Promise<Seat | null> {
    try {
      const rate = chance.about(100_000, 2_000_000);
      return new Seat(house, await Client.connect(house.port, { clock: systemClock, rate }));
    } catch (error) {
      house.tally.note('not connected');
      house.tally.tell(`no connection: ${error}`);
      return null;
    }
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  ask(path: Path, range?: string, method = 'GET'): Exchange {
    const { catalogue, tally } = this.house;
    const witness = new Witness(catalogue.of(path), systemClock);
    const target = `/films${path}`;
    const exchange = this.#client.get(target, { method, film: witness, ...(range === undefined ? {} : { range }) });
    witness.watch(exchange);
    const what = `${method} ${target} ${range ?? ''}`;
    this.#asked.push(tally.follow(what, exchange, witness, () => this.#client.leave('reset')));
    return exchange;
  }

  /** Says the beginning of a request and no more. */
  half(path: Path): void {
    this.#client
      .send(`GET /films${path} HTTP/1.1\r\nHost: 127.`)
      .done()
      .catch(() => {});
  }

  /** Until the reply is over, at most `duration` milliseconds, or until the soak is over. */
  async stay(exchange: Exchange, duration: number): Promise<void> {
    await this.#whichever(exchange.done(), duration);
  }

  /** The same, until so many bytes have come. */
  async read(exchange: Exchange, bytes: number, duration: number): Promise<void> {
    await this.#whichever(exchange.received(bytes), duration);
  }

  /** Takes nothing for so long. */
  async pause(duration: number): Promise<void> {
    this.#client.pause();
    for (const one of this.#asked) one.reads = null;
    await rest(this.house, duration);
    for (const one of this.#asked) one.reads = performance.now();
    this.#client.resume();
  }

  leave(how: 'end' | 'reset'): void {
    this.#client.leave(how);
  }

  async #whichever(done: Promise<unknown>, duration: number): Promise<void> {
    const enough = new AbortController();
    const signal = AbortSignal.any([enough.signal, this.house.over]);
    await Promise.race([done.catch(() => {}), sleep(duration, undefined, { signal }).catch(() => {})]);
    enough.abort();
  }
}
