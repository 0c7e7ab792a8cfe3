/** A start with ten thousand films in the cache, a hundred gigabytes by their lengths, and the first hit after it. */
import { createHash } from 'node:crypto';
import { systemClock } from '../src/clock.ts';
import { createDiskStore } from '../src/store/disk/disk-store.ts';
import { film } from './content.ts';
import { type Row, Series } from './figures.ts';
import { Stage } from './programs.ts';

const objects = 10_000;
const rounds = 5;

/** Of each film in bytes: the last block is so short that it is all that is stored, in a file with a hole before it. */
const blockSize = 256 * 1024;
const lastBlock = 100;
const length = 39 * blockSize + lastBlock;

/** How many objects are made at the same time. */
const atOnce = 32;

/** Milliseconds. */
const goals = { ready: 1000, hit: 50 };

export async function start(program: string): Promise<Row[]> {
  await using stage = await Stage.open(program);
  await fabricate(stage.cache);
  const path = `/film?size=${4 * 1024 * 1024}`;
  const ready: number[] = [];
  const hits: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const startedAt = performance.now();
    const server = await stage.firstbyte();
    const readyAfter = performance.now() - startedAt;
    const [seen] = (await stage.run({ url: server.url + path, connections: 1, verify: true })).seen;
    if (!seen?.whole || seen.wrong || seen.firstByteAt === null) throw new Error(`No hit: ${JSON.stringify(seen)}`);
    await server.end('SIGTERM');
    // The first round stores the film.
    if (round < 0) continue;
    ready.push(readyAfter);
    hits.push(seen.firstByteAt);
  }
  const { requests } = await stage.sent('/film');
  if (requests !== 1) throw new Error(`The origin was asked ${requests} times for a film that is in the cache.`);
  const [readyAfter, hit] = [new Series(ready), new Series(hits)];
  const named = `start with ${objects} films, ${Math.round((objects * length) / 1e9)} GB`;
  return [
    {
      what: `${named}: ready, ms`,
      goal: `<= ${goals.ready}`,
      firstbyte: readyAfter.text(0),
      reached: readyAfter.median <= goals.ready,
      figures: { readyAfter },
    },
    {
      what: `${named}: first byte of the first hit, ms`,
      goal: `<= ${goals.hit}`,
      firstbyte: hit.text(1),
      reached: hit.median <= goals.hit,
      figures: { hit },
    },
  ];
}

/** Fills a cache directory as firstbyte itself would. */
async function fabricate(directory: string): Promise<void> {
  const store = await createDiskStore({ directory, clock: systemClock });
  const validator = { kind: 'etag', value: '"film"', strong: true } as const;
  let made = 0;
  const lane = async () => {
    for (let number = made++; number < objects; number = made++) {
      const name = createHash('sha256').update(`film ${number}`).digest('hex');
      const representation = { length, validator, fields: [], validatedAt: Date.now(), ranges: true };
      const object = await store.create(name, representation, { origin: 'films', path: `/${number}` }, () => {});
      await object.write(length - lastBlock, Buffer.from(film(length - lastBlock, lastBlock)));
      await object.close();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  await store.close();
}
