/** Where players are sent: places all over the film, the same for the same seed. */
import { Chance } from '../faults/chance.ts';

/** Of the film's end, in seconds, nobody is sent there: there would be nothing to play on. */
const tail = 5;

/** One place in each of `count` equal parts of the film, in an order of chance; in seconds. */
export function placesIn(duration: number, count: number, seed: number): number[] {
  const chance = new Chance(seed);
  const part = (duration - tail) / count;
  const places = Array.from({ length: count }, (_, index) => Math.round((index + chance.next()) * part * 10) / 10);
  // Fisher and Yates.
  for (let last = places.length - 1; last > 0; last -= 1) {
    const other = chance.between(0, last);
    [places[last], places[other]] = [places[other] ?? 0, places[last] ?? 0];
  }
  return places;
}
