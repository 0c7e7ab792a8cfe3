/**
 * A process that loses its power: plays with films on a disk store without an end, as chance decides.
 *
 * Before that a first store keeps one film and is closed cleanly: this one must survive whatever comes. The second one
 * settles twenty times as often as usual, so that the cut comes between any two steps. Arguments: the cache directory,
 * a seed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createDiskStore } from '../../src/store/disk/disk-store.ts';
import { Chance } from '../faults/chance.ts';
import { film } from '../support/film.ts';
import { create, keptFilm, keptTitle, layout, objectName, writeFilm } from './objects.ts';

const hurried: Clock = { ...systemClock, after: (delay, wake) => systemClock.after(delay / 20, wake) };

const [directory = '', seed = '1'] = process.argv.slice(2);
const chance = new Chance(Number(seed));
{
  const store = await createDiskStore({ directory, clock: systemClock, ...layout });
  const kept = await create(store, keptTitle, keptFilm);
  await writeFilm(kept, keptFilm, 0, keptFilm.size);
  await kept.close();
  await store.close();
}
const store = await createDiskStore({ directory, clock: hurried, ...layout });
process.stdout.write('ready\n');

const titles = ['clip', 'short', 'part', 'episode', 'film', 'trailer', 'scene', 'take'] as const;

/** Of films that nothing happens to afterwards; each is told on standard output once it was promised. */
const mostPins = 40;
let pins = 0;

async function pin(): Promise<void> {
  pins += 1;
  const title = `pinned ${pins}`;
  const version = film(50_000 + pins, 3);
  const object = await create(store, title, version);
  await writeFilm(object, version, 0, version.size);
  await object.commit();
  await store.pin(objectName(title), true);
  process.stdout.write(`${title}\n`);
  await object.close();
}

async function play(): Promise<never> {
  for (;;) {
    const title = chance.one(titles);
    await sleep(chance.between(0, 100));
    if (chance.is(0.05)) {
      await store.remove(objectName(title));
      continue;
    }
    const version = film(chance.about(1000, 1_000_000), chance.between(1, 8));
    const object = await create(store, title, version);
    const middle = Math.floor(version.size / 2);
    await writeFilm(object, version, middle, chance.between(middle, version.size));
    if (chance.is(0.2) && pins < mostPins) await pin();
    if (chance.is(0.5)) await object.commit();
    await writeFilm(object, version, 0, middle);
    await object.close();
  }
}

// Stays until it is killed, also while both wait for nothing that keeps a process alive.
setInterval(() => {}, 1000);
await Promise.all([play(), play()]);
