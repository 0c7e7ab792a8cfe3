/** The network speeds that firstbyte is tried at, each with every delay of an origin's head. */
import { type Film, film } from '../support/film.ts';

export interface Speed {
  /** Says the rate and the head. */
  readonly name: string;
  /** Bytes per second of the line to the origin, all connections together. */
  readonly rate: number;
  /** Milliseconds of silence before each head of the origin. */
  readonly headAfter: number;
  /** Ten seconds on a slow line, some megabytes on a fast one; its size is a multiple of nothing. */
  readonly film: Film;
  /** Fifty seconds on a slow line: far enough for a seek to be worth a request of its own, however late its head. */
  readonly longFilm: Film;
}

/** Bytes per second; and the sizes of the films. */
const rates: ReadonlyArray<readonly [name: string, rate: number, size: number, longSize: number]> = [
  ['16 KB/s', 16_000, 160_001, 800_011],
  ['32 KB/s', 32_000, 320_009, 1_600_033],
  ['64 KB/s', 64_000, 640_007, 3_200_003],
  ['105 KB/s', 105_000, 1_050_011, 5_250_013],
  ['350 KB/s', 350_000, 3_500_017, 17_500_013],
  ['1.75 MB/s', 1_750_000, 7_000_003, 87_500_003],
  ['12 MB/s', 12_000_000, 12_000_017, 24_000_001],
  ['unlimited rate', Number.POSITIVE_INFINITY, 12_000_017, 24_000_001],
];

const headDelays = [0, 1000, 5000, 25_000];

export const speeds: readonly Speed[] = rates.flatMap(([rateName, rate, size, longSize]) => {
  const films = { film: film(size), longFilm: film(longSize) };
  return headDelays.map((headAfter) => {
    return { name: `${rateName}, head after ${headAfter / 1000} s`, rate, headAfter, ...films };
  });
});
