/** What every store must do with bytes that land in any order; each adapter runs it beside the contract. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import type { Store } from '../../src/store/store.ts';
import {
  assertContent,
  contentAt,
  label,
  objectName,
  openAgain,
  representationOf,
  unheard,
} from '../../src/testing/content.ts';
import { runs } from '../support/runs.ts';

export function storeProperties(name: string, makeStore: (t: TestContext) => Promise<Store>): void {
  test(`${name}: bytes that land in any order are read as they are`, async (t) => {
    const store = await makeStore(t);
    const length = 40_000;
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: length - 1 }), { maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        fc.infiniteStream(fc.boolean()),
        async (cuts, order, commits) => {
          const title = `film ${round++}`;
          const object = await store.create(objectName(title), representationOf(length), label, unheard);
          const edges = [0, ...cuts.sort((one, other) => one - other), length];
          const pieces = edges.slice(1).map((end, place) => ({ start: edges[place] ?? 0, end }));
          const landed: ByteRange[] = [];
          while (pieces.length > 0) {
            const [piece] = pieces.splice(order.next().value % pieces.length, 1);
            if (piece === undefined) break;
            await object.write(piece.start, contentAt(piece.start, piece.end));
            landed.push(piece);
            if (commits.next().value) void object.commit();
            for (const range of landed) await assertContent(object, range);
          }
          await object.close();
          const again = await openAgain(store, title);
          assert.deepEqual(again.durable, [{ start: 0, end: length }]);
          await assertContent(again, { start: 0, end: length });
          await again.close();
        },
      ),
      { numRuns: runs(30) },
    );
    await store.close();
  });
}
