/**
 * A process to be killed: waits for a line on its input, then plays one fixed cycle on a disk store, and ends.
 *
 * Objects are filled by two writers, committed, described anew, replaced while they are read, removed, read again by a
 * second opening of the store, and evicted by those that follow. Argument: the cache directory.
 */
import { once } from 'node:events';
import { systemClock } from '../../src/clock.ts';
import { createDiskStore } from '../../src/store/disk/disk-store.ts';
import type { Store } from '../../src/store/store.ts';
import { type Film, film } from '../support/film.ts';
import { create, layout, objectName, readAll, writeFilm } from './objects.ts';

const [directory = ''] = process.argv.slice(2);

process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.destroy();

/** `most` bytes may be held; others are evicted. */
const open = (most = 10_000_000) =>
  createDiskStore({ directory, clock: systemClock, ...layout, maxSize: { bytes: most } });

/** Fills an object with two writers, as far as `share` of it, and leaves it open. */
async function fill(store: Store, title: string, version: Film, share = 1) {
  const object = await create(store, title, version);
  const middle = Math.floor(version.size / 2);
  await Promise.all([
    writeFilm(object, version, 0, Math.floor(middle * share)),
    writeFilm(object, version, middle, middle + Math.ceil((version.size - middle) * share)),
  ]);
  await object.commit();
  return object;
}

{
  const store = await open();
  const first = await fill(store, 'episode', film(300_007, 1));
  const part = await fill(store, 'film', film(400_009, 2), 0.4);
  part.describe({ ...part.representation, validatedAt: 2000 });
  await part.commit();
  const second = await fill(store, 'episode', film(350_003, 3));
  await first.close();
  await second.close();
  await (await fill(store, 'clip', film(50_021, 4))).close();
  await part.close();
  await store.close();
}
{
  const store = await open();
  await readAll(store);
  await store.remove(objectName('clip'));
  await (await fill(store, 'film', film(500_009, 5))).close();
  await (await fill(store, 'short', film(200_003, 6), 0.7)).close();
  await store.close();
}
for (const seed of [7, 9]) {
  const store = await open(600_000);
  // Of another title each time: what a replaced version took is room only when its files are gone.
  const episode = await fill(store, `episode ${seed}`, film(600_000 + seed, seed), 0.5);
  await store.remove(objectName('short'));
  await (await fill(store, 'clip', film(90_000 + seed, seed + 1))).close();
  await episode.close();
  await store.close();
}
