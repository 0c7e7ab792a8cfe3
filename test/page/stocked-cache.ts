/** A cache directory as firstbyte itself would have filled it, with any number of titles. */
import { createHash } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import { createDiskStore } from '../../src/store/disk/disk-store.ts';
import { Film } from '../support/film.ts';

/** Bytes of each title: so few that a thousand are made in a moment. */
const size = 4096;
/** How many are made at the same time. */
const atOnce = 50;

/** "/series/s07/e042.mkv" is the 642nd: ten seasons of as many episodes as it takes. */
export function episode(index: number, count: number): string {
  const each = Math.ceil(count / 10);
  const two = (number: number, digits: number) => String(number).padStart(digits, '0');
  return `/series/s${two(Math.floor(index / each) + 1, 2)}/e${two((index % each) + 1, 3)}.mkv`;
}

/** Each is there as a whole. */
export async function stockEpisodes(cacheDir: string, count: number): Promise<void> {
  const store = await createDiskStore({ directory: cacheDir, clock: systemClock });
  const validator = { kind: 'etag', value: '"episode"', strong: true } as const;
  const stockOne = async (index: number) => {
    const path = episode(index, count);
    const name = createHash('sha256').update(path).digest('hex');
    const representation = { length: size, validator, fields: [], validatedAt: Date.now(), ranges: true };
    const object = await store.create(name, representation, { origin: 'films', path }, () => {});
    await object.write(0, new Film(size, index).bytesAt(0, size));
    await object.close();
  };
  for (let index = 0; index < count; index += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, count - index) }, (_, place) => stockOne(index + place)));
  }
  await store.close();
}
