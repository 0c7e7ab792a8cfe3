/** Raw clients that leave their replies, many at a time, and a look now and then whether anybody else is answered. */
import { Chance } from '../faults/chance.ts';
import { depart, departure, isRight } from './departure.ts';
import { type House, noise } from './house.ts';

export interface RawOptions {
  readonly count: number;
  readonly seed: number;
  readonly atOnce: number;
  /** After so many departures somebody else asks for something. */
  readonly lookEvery: number;
  /** Told at each look, with how many have left and how long the hit took. */
  readonly onLook?: (left: number, hit: number) => void;
}

export interface LeftRaw {
  /** How many replies were left. */
  readonly left: number;
  /** After how many of them nobody was answered any more; `null`: they always were. */
  readonly hungAfter: number | null;
  /** Answers with a wrong byte. */
  readonly wrong: number;
  /** Of each look, in milliseconds. */
  readonly hits: readonly number[];
}

export async function leaveRaw(house: House, options: RawOptions): Promise<LeftRaw> {
  const { count, seed, atOnce, lookEvery, onLook = () => {} } = options;
  const chance = new Chance(seed);
  const size = house.content.length;
  const hits: number[] = [];
  let [begun, left, wrong] = [0, 0, 0];
  let hungAfter: number | null = null;

  async function oneAfterAnother(): Promise<void> {
    while (begun < count && hungAfter === null) {
      begun += 1;
      const planned = departure(chance, `/films/${noise}`, size);
      const read = await depart(house.port, planned);
      const [first = '', ...others] = planned.requests;
      if (others.length === 0 && first.startsWith('GET') && !isRight(read, house.content)) wrong += 1;
      left += 1;
      if (left % lookEvery > 0) continue;
      const [at, hit] = [left, await house.hit(chance.between(0, size - 1000))];
      if (hit === null) hungAfter ??= at;
      else {
        hits.push(hit);
        onLook(at, hit);
      }
    }
  }

  await Promise.all(Array.from({ length: atOnce }, oneAfterAnother));
  return { left, hungAfter, wrong, hits };
}
