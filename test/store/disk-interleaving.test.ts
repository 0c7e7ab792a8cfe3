import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { Store, StoreObject } from '../../src/store/store.ts';
import {
  assertContent,
  contentAt,
  label,
  objectName,
  representationOf,
  unheard,
  writeContent,
} from '../../src/testing/content.ts';
import { never } from '../support/never.ts';
import { runs } from '../support/runs.ts';
import { openDiskStore, temporaryDirectory } from './disk-directory.ts';

const mebibyte = 1024 * 1024;
const length = 5000;
const layout = { blockSize: 1024, segmentSize: 2048 };

/** Version `n` of any film, told by a field and by every byte. */
function versionContent(version: number, start: number, end: number): Buffer {
  return contentAt(version * 1009 + start, version * 1009 + end);
}

async function createVersion(store: Store, title: string, version: number): Promise<StoreObject> {
  const object = await store.create(
    objectName(title),
    representationOf(length, [['version', String(version)]]),
    label,
    unheard,
  );
  for (let start = 0; start < length; start += 700) {
    await object.write(start, versionContent(version, start, Math.min(start + 700, length)));
  }
  return object;
}

async function assertOneVersion(object: StoreObject): Promise<void> {
  const version = Number(object.representation.fields[0]?.[1]);
  for (const { start, end } of object.durable) {
    for (let offset = start; offset < end; ) {
      const { bytes, release } = await object.read({ start: offset, end }, never);
      assert.deepEqual(bytes, versionContent(version, offset, offset + bytes.length));
      offset += bytes.length;
      release();
    }
  }
}

test('however find, create, remove and close fall together, nobody reads two versions of a film', async (t) => {
  const step = fc.record({
    title: fc.constantFrom('one', 'two'),
    kind: fc.constantFrom('find', 'create', 'commit', 'remove'),
    pause: fc.boolean(),
  });
  let version = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const directory = await temporaryDirectory(t);
      const store = await openDiskStore(directory, { ...layout, openFiles: 2 });
      const running: Promise<void>[] = [];
      for (const { title, kind, pause } of steps) {
        const done = (async () => {
          if (kind === 'remove') return store.remove(objectName(title));
          version += 1;
          const object =
            kind === 'find' ? await store.find(objectName(title), unheard) : await createVersion(store, title, version);
          if (object === null) return;
          if (kind === 'commit') await object.commit();
          await assertOneVersion(object);
          await object.close();
        })();
        running.push(done);
        if (pause) await done;
      }
      await Promise.all(running);
      await store.close();

      const again = await openDiskStore(directory, layout);
      const kept: string[] = [];
      for await (const { name, bytes } of again.list()) {
        assert.equal(bytes, length);
        kept.push(name);
        const object = await again.find(name, unheard);
        assert.ok(object);
        await assertOneVersion(object);
      }
      await again.close();
      const paths = await readdir(join(directory, 'objects'), { recursive: true });
      const directories = paths.filter((path) => /\.[0-9a-f]{16}$/.test(path));
      assert.deepEqual(directories.map((path) => path.split(/[/.]/)[1]).sort(), kept.sort());
    }),
    { numRuns: runs(25) },
  );
});

test('what is written at once into a segment whose file must go is in a file that stays', async (t) => {
  const directory = await temporaryDirectory(t);
  const segmentSize = 4 * mebibyte;
  const store = await openDiskStore(directory, { segmentSize, maxSize: { bytes: 4 * mebibyte } });
  const gone: ByteRange[] = [];
  const old = await store.create(objectName('old'), representationOf(segmentSize), label, (range) => gone.push(range));
  await writeContent(old, { start: 0, end: 2 * mebibyte });
  await old.commit();
  const next = await store.create(objectName('next'), representationOf(segmentSize), label, unheard);
  await writeContent(next, { start: 0, end: 2 * mebibyte - 1000 });
  await next.commit();
  // The first of these needs the room of the segment that the second goes to, as much as is written at once.
  void next.write(2 * mebibyte - 1000, contentAt(2 * mebibyte - 1000, 2 * mebibyte + 1000));
  const range = { start: 2 * mebibyte, end: 3 * mebibyte };
  void old.write(range.start, contentAt(range.start, range.end));
  await old.commit();
  assert.deepEqual(gone, [{ start: 0, end: 2 * mebibyte }]);
  assert.deepEqual(old.durable, [range]);
  await assertContent(old, range);
  await store.close();
});
