/**
 * Rounds of kill -9: one cache directory, one firstbyte after another, each killed at a moment that chance decides.
 *
 * A round starts firstbyte under settings of its own, waits until nothing lies in the directory that the index does not name, reads every film
 * back and compares each byte; then films are replaced at the origin, viewers come (from the start and by seeking,
 * several to one film), and the process is killed under them. What was present one second before the kill must not
 * be fetched again in the next round, but for a small share; films that nothing has happened to cost no byte, nor does
 * a pinned one where there is too little room for all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RangeSet } from '../../src/bytes/range-set.ts';
import { Chance } from '../faults/chance.ts';
import { Crowd, paths } from './crowd.ts';
import { Firstbyte } from './firstbyte.ts';
import { flagsOf } from './flags.ts';
import { Library } from './library.ts';
import { settled } from './on-disk.ts';
import { watch } from './viewer.ts';

/** A film that stays as it is, and is pinned. */
const pinnedPath = '/pinned';
const pinnedSize = 400_009;

/** Of a disk in mebibytes: too few for all films, of which half of what is free may be kept. */
export const smallDisk = 40;

const blockSize = 256 * 1024;

/** How long before the kill it is noted what is present, in milliseconds. */
const grace = 1000;

/** How long viewers are served before the kill at most, in milliseconds. */
const longestLife = 2200;

/** What the rounds have seen so far, in bytes where nothing else is said. */
export interface Figures {
  rounds: number;
  /** Read back and right. */
  compared: number;
  /** Whole blocks that were present one second before a kill, fetched in that process' life. */
  landed: number;
  /** Of these, what was fetched again. */
  fetchedAgain: number;
  /** Of blocks that were not whole by then, what was present and was fetched again. */
  unfinished: number;
  /** Fetched again of films that were read whole before and have not changed, where there is too little room. */
  evicted: number;
  /** The longest start, in milliseconds. */
  slowestStart: number;
}

export interface RoundsOptions {
  readonly directory: string;
  readonly seed: number;
  /** Whether the directory is too small for all films: then only the pinned one must stay. */
  readonly evicting?: boolean;
}

export class KillRounds implements AsyncDisposable {
  readonly figures: Figures = {
    rounds: 0,
    compared: 0,
    landed: 0,
    fetchedAgain: 0,
    unfinished: 0,
    evicted: 0,
    slowestStart: 0,
  };
  readonly #options: RoundsOptions;
  readonly #library: Library;
  readonly #crowd: Crowd;
  #pinned = false;
  /** What was present a second before the last kill, of films that were not read to their end before. */
  #landed = new Map<string, RangeSet>();
  /** Films that were whole on disk before the last firstbyte began, and have not changed since. */
  #complete = new Set<string>();

  private constructor(options: RoundsOptions, library: Library) {
    this.#options = options;
    this.#library = library;
    this.#crowd = new Crowd(library);
    library.put(pinnedPath, pinnedSize, 1);
  }

  static async open(options: RoundsOptions): Promise<KillRounds> {
    return new KillRounds(options, await Library.open());
  }

  /** Plays one round; throws what is wrong. The same seed and number make the same round. */
  async play(number: number): Promise<void> {
    const chance = new Chance(Math.imul(this.#options.seed, 0x9e37_79b1) + number);
    const flags = flagsOf(chance);
    try {
      await this.#playUnder(flags, chance);
    } catch (error) {
      const again = `npm run crash -- kills --rounds ${number} --seed ${this.#options.seed}`;
      throw new Error(`in round ${number}, with ${flags.join(' ')}\n${again}`, { cause: error });
    }
    this.figures.rounds += 1;
  }

  async #playUnder(flags: readonly string[], chance: Chance): Promise<void> {
    await using firstbyte = await this.#start(flags);
    // Sometimes it is killed while it still sweeps, and the next round reads back what this one was to.
    if (chance.is(0.1)) {
      await sleep(chance.between(0, 30));
    } else {
      await this.#readBack(firstbyte);
      await this.#load(firstbyte, chance);
    }
  }

  /** After the last round: all is well once more, and firstbyte ends as it should. */
  async finish(): Promise<void> {
    await using firstbyte = await this.#start();
    await this.#readBack(firstbyte);
    await firstbyte.stop();
    await settled(this.#options.directory);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#library[Symbol.asyncDispose]();
  }

  async #start(flags: readonly string[] = []): Promise<Firstbyte> {
    const { directory } = this.#options;
    const firstbyte = await Firstbyte.start({ directory, origin: this.#library.url, flags });
    this.figures.slowestStart = Math.max(this.figures.slowestStart, firstbyte.readyAfter);
    return firstbyte;
  }

  async #readBack(firstbyte: Firstbyte): Promise<void> {
    await settled(this.#options.directory);
    this.#library.rate = Number.POSITIVE_INFINITY;
    this.#library.forgetGiven();
    await Promise.all([pinnedPath, ...paths].map((path) => this.#readBackOne(firstbyte, path)));
    this.#landed.clear();
    if (!this.#pinned) await firstbyte.pin(pinnedPath);
    this.#pinned = true;
  }

  async #readBackOne(firstbyte: Firstbyte, path: string): Promise<void> {
    const { end, bytes } = await watch(firstbyte, this.#library, path);
    if (end !== 'whole') throw new Error(`${path} could not be read back: ${end} after ${bytes} bytes`);
    this.figures.compared += bytes;
    const given = this.#library.given(path);
    if (this.#options.evicting && path !== pinnedPath) {
      if (this.#complete.has(path)) this.figures.evicted += given.size;
      this.#complete.add(path);
      return;
    }
    if (this.#complete.has(path) && given.size > 0) {
      throw new Error(`${path} was complete, and ${given.size} bytes of it were fetched again`);
    }
    const { whole, unfinished } = inBlocks(this.#landed.get(path) ?? new RangeSet(), bytes);
    this.figures.landed += whole.size;
    this.figures.fetchedAgain += common(whole, given);
    this.figures.unfinished += common(unfinished, given);
    if (given.size === 0) this.#complete.add(path);
  }

  async #load(firstbyte: Firstbyte, chance: Chance): Promise<void> {
    const { replaced, ended, hurry } = this.#crowd.gather(firstbyte, chance);
    for (const path of replaced) this.#complete.delete(path);
    const lifetime = chance.is(0.4) ? chance.between(grace, longestLife) : chance.about(10, grace);
    await sleep(Math.max(0, lifetime - grace));
    const present = await presentNow(firstbyte, this.#library);
    await sleep(Math.min(lifetime, grace));
    await firstbyte.kill();
    hurry();
    await ended;
    if (lifetime >= grace) this.#landed = new Map(replaced.map((path) => [path, present.get(path) ?? new RangeSet()]));
  }
}

/** What is present of the current version of each film; versions of one film differ in length. */
async function presentNow(firstbyte: Firstbyte, library: Library): Promise<Map<string, RangeSet>> {
  const present = new Map<string, RangeSet>();
  for (const fill of await firstbyte.fills()) {
    if (fill.length !== library.films.get(fill.path)?.size) continue;
    present.set(fill.path, RangeSet.from(fill.present.map(([start = 0, end = 0]) => ({ start, end }))));
  }
  return present;
}

function inBlocks(present: RangeSet, size: number): { whole: RangeSet; unfinished: RangeSet } {
  const whole = new RangeSet();
  const unfinished = RangeSet.from(present);
  for (let start = 0; start < size; start += blockSize) {
    const block = { start, end: Math.min(size, start + blockSize) };
    if (!present.covers(block)) continue;
    whole.add(block);
    unfinished.remove(block);
  }
  return { whole, unfinished };
}

/** How many bytes are in both. */
function common(one: RangeSet, other: RangeSet): number {
  const rest = RangeSet.from(one);
  for (const range of other) rest.remove(range);
  return one.size - rest.size;
}
