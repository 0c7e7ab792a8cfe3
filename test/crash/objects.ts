/** Films as objects of a store, and what must be true of every object that a store finds after an accident. */

import assert from 'node:assert/strict';
import { systemClock } from '../../src/clock.ts';
import type { Representation } from '../../src/http/representation.ts';
import { createDiskStore } from '../../src/store/disk/disk-store.ts';
import type { ObjectName, Store, StoreObject } from '../../src/store/store.ts';
import { objectName } from '../../src/testing/content.ts';
import { type Film, film } from '../support/film.ts';
import { etagOf } from '../support/film-fields.ts';
import { never } from '../support/never.ts';
import { settled } from './on-disk.ts';

/** Small blocks and segments, so that a short film has many of both. */
export const layout = { blockSize: 16_384, segmentSize: 131_072 } as const;

export { objectName };

/** A film that is stored, and its store closed cleanly, before anything happens. */
export const keptTitle = 'kept';
export const keptFilm = film(400_009, 9);

/** A description from which `filmOf` finds the film again. */
function representationOf(version: Film): Representation {
  const validator = { kind: 'etag', value: etagOf(version), strong: true } as const;
  return { length: version.size, validator, fields: [], validatedAt: 1000, ranges: true };
}

function filmOf({ validator }: Representation): Film {
  const [, size, seed] = (validator?.kind === 'etag' && /^"film-(\d+)-(\d+)"$/.exec(validator.value)) || [];
  assert.ok(size !== undefined && seed !== undefined, `no film of ours has the validator ${JSON.stringify(validator)}`);
  return film(Number(size), Number(seed));
}

/** A new, empty object for `version`, in the place of what had that title. */
export function create(store: Store, title: string, version: Film): Promise<StoreObject> {
  const label = { origin: 'films', path: `/${title}` };
  return store.create(objectName(title), representationOf(version), label, () => {});
}

/** Writes the bytes of `version` from `start` to `end`, in pieces as they would come from a network. */
export async function writeFilm(object: StoreObject, version: Film, start: number, end: number): Promise<void> {
  for (let at = start; at < end; at += 7001) {
    await object.write(at, version.bytesAt(at, Math.min(at + 7001, end)));
  }
}

/** What a store gave of its objects. */
export interface ReadBack {
  /** In bytes. */
  right: number;
  /** Refused with an error when they were read, in bytes. */
  lost: number;
  /** Objects of which every byte was right. */
  readonly whole: ObjectName[];
  /** Those that are kept from eviction. */
  readonly pinned: ObjectName[];
}

/** Reads all that the store claims to have. A wrong byte throws; a byte that can't be read is lost. */
export async function readAll(store: Store): Promise<ReadBack> {
  const sum: ReadBack = { right: 0, lost: 0, whole: [], pinned: [] };
  const gone = new Set<ObjectName>();
  for await (const { name, pinned } of store.list()) {
    if (pinned) sum.pinned.push(name);
    const object = await store.find(name, () => {});
    // It may go while it is looked for: the sweep runs beside.
    if (object === null) {
      gone.add(name);
      continue;
    }
    const version = filmOf(object.representation);
    const before = sum.right;
    for (const { start, end } of object.durable) await readRange(object, version, start, end, sum);
    if (sum.right - before === version.size) sum.whole.push(name);
    await object.close();
  }
  for await (const { name } of store.list()) assert.ok(!gone.has(name), `${name} is listed and can't be found`);
  return sum;
}

async function readRange(object: StoreObject, version: Film, start: number, end: number, sum: ReadBack): Promise<void> {
  for (let at = start; at < end; ) {
    try {
      const slice = await object.read({ start: at, end }, never);
      version.assertBytes(at, slice.bytes);
      at += slice.bytes.length;
      sum.right += slice.bytes.length;
      slice.release();
    } catch (error) {
      if ((error as Error).name !== 'StoreError') throw error;
      const next = Math.min(end, at - (at % layout.blockSize) + layout.blockSize);
      sum.lost += next - at;
      at = next;
    }
  }
}

/**
 * After an accident, in another run of the machine where `boot` names one: the store opens, no byte is wrong, and
 * nothing is left on disk that no row names.
 */
export async function recover(directory: string, boot?: string): Promise<ReadBack> {
  const failures: unknown[] = [];
  const store = await createDiskStore({
    directory,
    clock: systemClock,
    ...layout,
    ...(boot === undefined ? {} : { boot }),
    events: {
      evicted: () => {},
      blockLost: () => {},
      bufferWaited: () => {},
      stateChanged: (trouble) => failures.push(trouble),
      leftover: (error) => failures.push(error),
    },
  });
  const sum = await readAll(store);
  await settled(directory);
  await store.close();
  await settled(directory);
  assert.deepEqual(failures, []);
  return sum;
}
