import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDatabase } from '../../src/store/disk/index/index-schema.ts';
import type { ObjectRow, SegmentRow } from '../../src/store/disk/index/rows.ts';
import { SqliteIndex } from '../../src/store/disk/index/sqlite-index.ts';
import { statements } from '../../src/store/disk/index/statements.ts';
import { label, objectName, representationOf } from '../../src/testing/content.ts';
import { never } from '../support/never.ts';
import { temporaryDirectory } from './disk-directory.ts';

const place = { blockSize: 100, segmentSize: 300, boot: '' };

async function openIndex(t: TestContext): Promise<SqliteIndex> {
  const index = new SqliteIndex();
  await index.open({ path: join(await temporaryDirectory(t), 'index.sqlite'), ...place });
  return index;
}

function segment(number: number, bytes: number): SegmentRow {
  return {
    number,
    blocks: Uint8Array.of(0b101),
    early: new Uint8Array(),
    sums: new Uint8Array(12).fill(number + 1),
    bytes,
    used: 7,
  };
}

function object(name: string, generation: string, segments: readonly SegmentRow[]): ObjectRow {
  return {
    name: objectName(name),
    generation,
    label,
    representation: representationOf(1000),
    pinned: false,
    used: 5,
    place: null,
    segments,
  };
}

test('a row is found as it was saved', async (t) => {
  const index = await openIndex(t);
  const saved = object('film', 'a', [segment(0, 200), segment(5_000_000_000, 100)]);
  await index.save([saved]);
  assert.deepEqual(await index.find(saved.name), saved);
  await index.close();
});

test('the place where an object was left is kept until another is, and goes with the object', async (t) => {
  const index = await openIndex(t);
  const film = { ...object('film', 'a', [segment(0, 200)]), place: 5_000_000_000 };
  await index.save([film]);
  await index.save([{ ...film, place: null }]);
  assert.equal((await index.find(film.name))?.place, 5_000_000_000);
  await index.save([{ ...film, place: 7 }]);
  assert.equal((await index.find(film.name))?.place, 7);
  await index.save([object('film', 'b', [segment(0, 200)])]);
  assert.equal((await index.find(film.name))?.place, null);
  await index.close();
});

test('a segment without durable bytes is forgotten, the others stay', async (t) => {
  const index = await openIndex(t);
  await index.save([object('film', 'a', [segment(0, 200), segment(1, 100)])]);
  await index.save([object('film', 'a', [segment(0, 0)])]);
  assert.deepEqual((await index.find(objectName('film')))?.segments, [segment(1, 100)]);
  await index.close();
});

test('another generation of a name takes over nothing from the one before', async (t) => {
  const index = await openIndex(t);
  await index.save([object('film', 'a', [segment(0, 200), segment(1, 100)])]);
  await index.save([object('film', 'b', [segment(1, 200)])]);
  assert.deepEqual(await index.find(objectName('film')), object('film', 'b', [segment(1, 200)]));
  await index.close();
});

test('one generation can be removed, or whichever there is', async (t) => {
  const index = await openIndex(t);
  await index.save([object('film', 'a', [])]);
  assert.equal(await index.remove(objectName('film'), 'b'), null);
  assert.equal(await index.remove(objectName('film')), 'a');
  assert.equal(await index.remove(objectName('film')), null);
  assert.equal(await index.find(objectName('film')), null);
  await index.close();
});

test('the list goes on past one message from the worker', async (t) => {
  const index = await openIndex(t);
  await index.save(Array.from({ length: 1203 }, (_, number) => object(`film ${number}`, 'a', [segment(0, number)])));
  const listed = new Map<string, number>();
  for await (const { name, bytes } of index.list(never)) listed.set(name, bytes);
  assert.equal(listed.size, 1203);
  assert.equal(listed.get(objectName('film 1202')), 1202);
  await index.close();
});

test('no statement but the first of all reads every row, however many there are', async (t) => {
  const path = join(await temporaryDirectory(t), 'index.sqlite');
  const database = openDatabase({ path, ...place });
  for (const [name, statement] of Object.entries(statements)) {
    const bound = statement.replaceAll(/[?]|:[a-z]+/g, '1');
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${bound}`)
      .all()
      .map(({ detail }) => String(detail));
    const reads = plan.filter((step) => step.startsWith('SCAN') || step.includes('TEMP B-TREE'));
    assert.deepEqual(reads, name === 'objects' ? ['SCAN objects'] : [], name);
  }
  database.close();
});

test('a closed index refuses every call', async (t) => {
  const index = await openIndex(t);
  await index.close();
  await assert.rejects(index.find(objectName('film')), { name: 'StoreError' });
  await index.close();
});
