/** The package's export `./store`: what an embedding program makes a store of its own with goes on working. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import type { StoreUsage, Upkeep, Verified } from '../../src/index.ts';
import {
  type Lost,
  type ObjectLabel,
  type ObjectName,
  ownedSlice,
  type Slice,
  type Store,
  type StoredObject,
  StoreError,
  type StoreObject,
} from '../../src/store/store.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

type Representation = StoreObject['representation'];
type Range = Parameters<Lost>[0];

/** A store as the first version of the port asked for: no call takes a signal, and nothing is lent. */
class MapStore implements Store, Upkeep {
  readonly objects = new Map<ObjectName, MapObject>();

  async find(name: ObjectName): Promise<StoreObject | null> {
    return this.objects.get(name) ?? null;
  }

  async create(name: ObjectName, representation: Representation, label: ObjectLabel): Promise<StoreObject> {
    const object = new MapObject(name, representation, label);
    this.objects.set(name, object);
    return object;
  }

  async remove(name: ObjectName): Promise<void> {
    this.objects.delete(name);
  }

  async *list(): AsyncGenerator<StoredObject> {
    for (const { name, label, representation, bytes } of this.objects.values()) {
      yield { name, label, representation, bytes: bytes.length, pinned: false, used: 0 };
    }
  }

  async close(): Promise<void> {}

  async pin(): Promise<boolean> {
    return false;
  }

  async verify(): Promise<Verified | null> {
    return null;
  }

  usage(): StoreUsage {
    return { bytes: 0, objects: this.objects.size, limit: null, free: null, trouble: null };
  }

  nextToGo(): readonly [] {
    return [];
  }
}

class MapObject implements StoreObject {
  readonly name: ObjectName;
  representation: Representation;
  readonly label: ObjectLabel;
  readonly ahead = 1024 * 1024;
  playheads: readonly number[] = [];
  bytes = Buffer.alloc(0);

  constructor(name: ObjectName, representation: Representation, label: ObjectLabel) {
    this.name = name;
    this.representation = representation;
    this.label = label;
  }

  get durable(): readonly Range[] {
    return this.bytes.length === 0 ? [] : [{ start: 0, end: this.bytes.length }];
  }

  write(offset: number, bytes: Buffer): undefined {
    if (offset !== this.bytes.length) throw new StoreError('EINVAL', 'Only one byte after another.');
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }

  read({ start, end }: Range): Slice {
    const bytes = this.bytes.subarray(start, Math.min(end, start + 1000));
    return { bytes, release() {} };
  }

  attend(playheads: readonly number[]): void {
    this.playheads = playheads;
  }

  describe(representation: Representation): void {
    this.representation = representation;
  }

  async commit(): Promise<void> {}

  async close(): Promise<void> {}
}

test('a store of the first version of the port plays a film, and keeps it', async () => {
  const movie = film(300_000);
  const store = new MapStore();
  const rig = await virtualRig({ films: movie, store });
  for (const _ of ['from the origin', 'from the store']) {
    const exchange = rig.get('/films/film.mp4');
    assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
    assert.deepEqual([exchange.status, exchange.bodyBytes], [200, movie.size]);
  }
  assert.equal(rig.bytesFetched, movie.size);
  const [object] = store.objects.values();
  assert.deepEqual(object?.bytes, movie.bytesAt(0, movie.size));
  await rig.close();
});

test('what it exports is there, under the names that it had', () => {
  assert.equal(packageJson.exports['./store'].default, './dist/store/store.js');
  const error = new StoreError('EIO', 'broken', new Error('cause'));
  assert.deepEqual([error.name, error.code, (error.cause as Error).message], ['StoreError', 'EIO', 'cause']);
  const { bytes, release } = ownedSlice(Buffer.from('a'));
  release();
  assert.equal(String(bytes), 'a');
});
