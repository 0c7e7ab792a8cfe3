/**
 * What every store must do, whatever it is made of, as tests of `node:test`.
 *
 *     storeContract('my store', async (t) => new MyStore(await temporaryDirectory(t)));
 */
import assert from 'node:assert/strict';
import { readSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../clock.ts';
import type { StoreAdmin } from '../store/admin.ts';
import type { Slice, Store, StoredObject } from '../store/store.ts';
import { never } from '../until-aborted.ts';
import {
  assertContent,
  contentAt,
  label,
  objectName,
  openAgain,
  representationOf,
  unheard,
  writeContent,
} from './content.ts';

const kibibyte = 1024;
const gibibyte = 1024 ** 3;

async function listed(store: Store): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of store.list()) objects.push(object);
  return objects.sort((one, other) => one.bytes - other.bytes);
}

export function storeContract(name: string, makeStore: (t: TestContext) => Promise<Store & StoreAdmin>): void {
  function behaviour(fact: string, check: (store: Store & StoreAdmin) => Promise<void>): void {
    test(fact, async (t) => {
      const store = await makeStore(t);
      try {
        await check(store);
      } finally {
        await store.close();
      }
    });
  }

  describe(`${name} keeps the contract of stores:`, () => {
    behaviour('what was never created is not found', async (store) => {
      assert.equal(await store.find(objectName('nothing'), unheard), null);
    });

    behaviour('a new object is empty and described as it was asked for', async (store) => {
      const object = await store.create(
        objectName('film'),
        representationOf(1000, [['content-type', 'video/mp4']]),
        label,
        unheard,
      );
      assert.equal(object.name, objectName('film'));
      assert.deepEqual(object.durable, []);
      assert.deepEqual(object.representation, representationOf(1000, [['content-type', 'video/mp4']]));
      await object.close();
    });

    behaviour('a byte can be read as soon as write returns', async (store) => {
      const object = await store.create(objectName('film'), representationOf(10), label, unheard);
      void object.write(4, contentAt(4, 5));
      const slice = object.read({ start: 4, end: 5 }, never);
      assert.ok(!(slice instanceof Promise), 'what has just landed is given at once');
      assert.deepEqual(slice.bytes, contentAt(4, 5));
      slice.release();
      await object.close();
    });

    behaviour('a slice stays what it is until it is given back, whatever is written meanwhile', async (store) => {
      const length = 8 * 1024 * kibibyte;
      const object = await store.create(objectName('film'), representationOf(length), label, unheard);
      const lent: { start: number; slice: Slice }[] = [];
      for (let start = 0; start < length; start += 100_000) {
        const end = Math.min(start + 100_000, length);
        const bytes = contentAt(start, end);
        const room = object.write(start, bytes);
        if (object.copies === true) bytes.fill('used again');
        lent.push({ start, slice: await object.read({ start, end }, never) });
        await room;
        if (start % 500_000 === 0) await object.commit();
        const taken = lent.length > 7 ? lent.splice(start % 7, 1) : [];
        for (const { slice } of taken) slice.release();
        for (const { start: at, slice } of lent) {
          assert.ok(slice.bytes.equals(contentAt(at, at + slice.bytes.length)), `wrong bytes at ${at}`);
        }
      }
      for (const { slice } of lent) slice.release();
      await assertContent(object, { start: 0, end: length });
      await object.close();
    });

    behaviour('a read gives nothing past the range that was asked for', async (store) => {
      const object = await store.create(objectName('film'), representationOf(1000), label, unheard);
      await writeContent(object, { start: 0, end: 1000 });
      for (const committed of [false, true]) {
        if (committed) await object.commit();
        const slice = await object.read({ start: 10, end: 13 }, never);
        assert.deepEqual(slice.bytes, contentAt(10, 13));
        slice.release();
      }
      await object.close();
    });

    behaviour('a read gives 256 KiB at most', async (store) => {
      const length = 1024 * kibibyte;
      const object = await store.create(objectName('film'), representationOf(length), label, unheard);
      await object.write(0, contentAt(0, length));
      await assertContent(object, { start: 0, end: length });
      await object.commit();
      await assertContent(object, { start: 0, end: length });
      await object.close();
    });

    behaviour('a part of a file holds the very bytes that were asked for, and no others', async (store) => {
      const length = 20 * 1024 * kibibyte + 1;
      const object = await store.create(objectName('film'), representationOf(length), label, unheard);
      await writeContent(object, { start: 0, end: length });
      await object.commit();
      for (const start of [0, 5000, 300 * kibibyte + 1, 16 * 1024 * kibibyte - 10, length - 1]) {
        const range = { start, end: Math.min(length, start + 600 * kibibyte) };
        (await object.read(range, never)).release();
        const used = object.useFile?.(range, (part) => {
          assert.ok(part.length > 0 && part.length <= range.end - start);
          const bytes = Buffer.alloc(part.length);
          assert.equal(readSync(part.descriptor, bytes, 0, part.length, part.offset), part.length);
          assert.ok(bytes.equals(contentAt(start, start + part.length)), `the bytes from ${start} on`);
          return 1;
        });
        assert.ok(used === undefined || used === null || used === 1);
      }
      await object.close();
    });

    behaviour('an empty buffer changes nothing', async (store) => {
      const object = await store.create(objectName('film'), representationOf(2), label, unheard);
      await object.write(0, Buffer.alloc(0));
      await object.write(0, contentAt(0, 2));
      await assertContent(object, { start: 0, end: 2 });
      await object.close();
    });

    for (const length of [0, 1, 64 * kibibyte - 1, 256 * kibibyte, 1_000_003, 17 * 1024 * kibibyte]) {
      behaviour(`a whole object of ${length} bytes is found again`, async (store) => {
        const object = await store.create(objectName('film'), representationOf(length), label, unheard);
        await writeContent(object, { start: 0, end: length });
        await assertContent(object, { start: 0, end: length });
        await object.close();

        const again = await openAgain(store, 'film');
        assert.deepEqual(again.representation, representationOf(length));
        assert.deepEqual(again.durable, length === 0 ? [] : [{ start: 0, end: length }]);
        await assertContent(again, { start: 0, end: length });
        await again.close();
      });
    }

    behaviour('commit makes durable what was written, while the object stays open', async (store) => {
      const object = await store.create(objectName('film'), representationOf(1_000_003), label, unheard);
      await writeContent(object, { start: 0, end: 1_000_003 });
      await object.commit();
      const other = await openAgain(store, 'film');
      assert.deepEqual(other.durable, [{ start: 0, end: 1_000_003 }]);
      await assertContent(other, { start: 0, end: 1_000_003 });
      await other.close();
      await assertContent(object, { start: 0, end: 1_000_003 });
      await object.close();
    });

    behaviour('nothing that was not written is durable', async (store) => {
      const written = [
        { start: 100, end: 700_000 },
        { start: 900_000, end: 2_000_000 },
      ];
      const object = await store.create(objectName('film'), representationOf(2_000_000), label, unheard);
      for (const range of written) await writeContent(object, range);
      await object.close();
      const again = await openAgain(store, 'film');
      assert.ok(again.durable.length > 0);
      for (const range of again.durable) {
        assert.ok(written.some(({ start, end }) => start <= range.start && range.end <= end));
        await assertContent(again, range);
      }
      await again.close();
    });

    behaviour('an object can be filled up after it was found', async (store) => {
      const object = await store.create(objectName('film'), representationOf(1_000_003), label, unheard);
      await writeContent(object, { start: 0, end: 400_000 });
      await object.close();
      const again = await openAgain(store, 'film');
      const [first = { start: 0, end: 0 }] = again.durable;
      await writeContent(again, { start: first.end, end: 1_000_003 });
      await assertContent(again, { start: 0, end: 1_000_003 });
      await again.close();
      const whole = await openAgain(store, 'film');
      assert.deepEqual(whole.durable, [{ start: 0, end: 1_000_003 }]);
      await assertContent(whole, { start: 0, end: 1_000_003 });
      await whole.close();
    });

    behaviour('a length known only at the end makes the last bytes durable', async (store) => {
      const object = await store.create(objectName('film'), representationOf(null), label, unheard);
      await writeContent(object, { start: 0, end: 300_001 });
      await object.commit();
      object.describe(representationOf(300_001));
      assert.equal(object.representation.length, 300_001);
      await object.close();
      const again = await openAgain(store, 'film');
      assert.equal(again.representation.length, 300_001);
      assert.deepEqual(again.durable, [{ start: 0, end: 300_001 }]);
      await assertContent(again, { start: 0, end: 300_001 });
      await again.close();
    });

    behaviour('a fresher description is found later', async (store) => {
      const object = await store.create(objectName('film'), representationOf(3), label, unheard);
      const fresher = { ...representationOf(3, [['x', 'y']]), validatedAt: 2000 };
      object.describe(fresher);
      await object.close();
      const again = await openAgain(store, 'film');
      assert.deepEqual(again.representation, fresher);
      await again.close();
    });

    behaviour('all who have an object open share its bytes', async (store) => {
      const one = await store.create(objectName('film'), representationOf(20), label, unheard);
      const other = await openAgain(store, 'film');
      await writeContent(one, { start: 0, end: 10 });
      await writeContent(other, { start: 10, end: 20 });
      await one.close();
      await assertContent(other, { start: 0, end: 20 });
      await other.close();
    });

    behaviour('a new object replaces the old one, whose readers read on', async (store) => {
      const old = await store.create(objectName('film'), representationOf(400_000), label, unheard);
      await writeContent(old, { start: 0, end: 400_000 });
      await old.commit();
      const next = await store.create(objectName('film'), representationOf(2), label, unheard);
      await next.write(0, contentAt(7, 9));
      await next.commit();
      await assertContent(old, { start: 0, end: 400_000 });
      await old.close();

      const found = await openAgain(store, 'film');
      assert.equal(found.representation.length, 2);
      assert.deepEqual((await found.read({ start: 0, end: 2 }, never)).bytes, contentAt(7, 9));
      await found.close();
      await next.close();
    });

    behaviour('a removed object is not found, and its readers read on', async (store) => {
      const object = await store.create(objectName('film'), representationOf(400_000), label, unheard);
      await writeContent(object, { start: 0, end: 400_000 });
      await object.commit();
      await store.remove(objectName('film'));
      assert.equal(await store.find(objectName('film'), unheard), null);
      await assertContent(object, { start: 0, end: 400_000 });
      await object.close();
      assert.equal(await store.find(objectName('film'), unheard), null);
      assert.deepEqual(await listed(store), []);
    });

    behaviour('a closed object can be removed, and what was never there as well', async (store) => {
      const object = await store.create(objectName('film'), representationOf(1), label, unheard);
      await object.close();
      await store.remove(objectName('film'));
      await store.remove(objectName('nothing'));
      assert.equal(await store.find(objectName('film'), unheard), null);
    });

    behaviour('the list names every object with its durable bytes', async (store) => {
      for (const length of [1, 300_000]) {
        const object = await store.create(objectName(`film of ${length}`), representationOf(length), label, unheard);
        await writeContent(object, { start: 0, end: length });
        await object.close();
      }
      const objects = await listed(store);
      for (const { used } of objects) assert.ok(Math.abs(used - systemClock.wallTime()) < 60_000, `used at ${used}`);
      const shown = objects.map(({ used: _, ...object }) => object);
      assert.deepEqual(shown, [
        { name: objectName('film of 1'), label, representation: representationOf(1), bytes: 1, pinned: false },
        {
          name: objectName('film of 300000'),
          label,
          representation: representationOf(300_000),
          bytes: 300_000,
          pinned: false,
        },
      ]);
    });

    behaviour('the list says of each object whether it is for one client', async (store) => {
      const labels = [true, false].map((own) => ({ ...label, private: own }));
      for (const [place, each] of labels.entries()) {
        const object = await store.create(objectName(`film ${place}`), representationOf(1), each, unheard);
        await writeContent(object, { start: 0, end: 1 });
        await object.close();
      }
      const shown = (await listed(store)).map((object) => object.label);
      assert.deepEqual(new Set(shown), new Set(labels));
    });

    behaviour('an object is pinned and let go, whether it is open or not', async (store) => {
      const object = await store.create(objectName('film'), representationOf(3), label, unheard);
      await writeContent(object, { start: 0, end: 3 });
      assert.equal(await store.pin(objectName('film'), true), true);
      assert.equal((await listed(store))[0]?.pinned, true);
      await object.close();
      assert.equal((await listed(store))[0]?.pinned, true);
      assert.equal(await store.pin(objectName('film'), false), true);
      assert.equal((await listed(store))[0]?.pinned, false);
      assert.equal(await store.pin(objectName('nothing'), true), false);
    });

    behaviour(
      'what is whole is verified byte for byte, open or closed, and what was never there is not',
      async (store) => {
        const object = await store.create(objectName('film'), representationOf(1_000_003), label, unheard);
        await writeContent(object, { start: 0, end: 1_000_003 });
        for (const open of [true, false]) {
          if (!open) await object.close();
          let told = 0;
          const verified = await store.verify(
            objectName('film'),
            (bytes) => (told += bytes),
            new AbortController().signal,
          );
          assert.deepEqual(verified, { checked: 1_000_003, bad: [] });
          assert.equal(told, 1_000_003);
        }
        assert.equal(await store.verify(objectName('nothing'), () => {}, new AbortController().signal), null);
      },
    );

    behaviour('verifying ends with the reason of its signal', async (store) => {
      const object = await store.create(objectName('film'), representationOf(10), label, unheard);
      await writeContent(object, { start: 0, end: 10 });
      await object.close();
      const signal = AbortSignal.abort(new Error('no longer wanted'));
      await assert.rejects(
        store.verify(objectName('film'), () => {}, signal),
        /no longer wanted/,
      );
    });

    behaviour('whoever has left before a call gets the reason, and nothing is done', async (store) => {
      const object = await store.create(objectName('film'), representationOf(10), label, unheard);
      await writeContent(object, { start: 0, end: 10 });
      await object.commit();
      const { objects: open } = store.loans?.() ?? { objects: 0 };
      const signal = AbortSignal.abort(new Error('no longer wanted'));
      const other = objectName('other');
      const calls: Record<string, () => Promise<unknown>> = {
        find: async () => store.find(objectName('film'), unheard, signal),
        create: () => store.create(other, representationOf(10), label, unheard, signal),
        remove: () => store.remove(objectName('film'), signal),
        list: async () => {
          for await (const _ of store.list(signal));
        },
        pin: () => store.pin(objectName('film'), true, signal),
        commit: () => object.commit(signal),
      };
      for (const [name, call] of Object.entries(calls)) await assert.rejects(call, /no longer wanted/, name);
      assert.equal(await store.find(other, unheard), null);
      assert.deepEqual(
        (await listed(store)).map(({ name, pinned }) => ({ name, pinned })),
        [{ name: objectName('film'), pinned: false }],
      );
      assert.equal(store.loans?.().objects ?? 0, open);
      await object.close();
    });

    behaviour('bytes past 4 GiB cost no more room than others', async (store) => {
      const length = 5 * gibibyte + 1_000_003;
      const tail = { start: 5 * gibibyte, end: length };
      const object = await store.create(objectName('film'), representationOf(length), label, unheard);
      await writeContent(object, { start: 0, end: 300_000 });
      await writeContent(object, tail);
      await object.close();
      const again = await openAgain(store, 'film');
      assert.deepEqual(again.durable.at(-1), tail);
      await assertContent(again, tail);
      await again.close();
    });
  });
}
