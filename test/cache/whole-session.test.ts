import assert from 'node:assert/strict';
import { readSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import type { OpenRange } from '../../src/bytes/byte-range.ts';
import { FillFailed, type ReadSession } from '../../src/cache/read-session.ts';
import type { Fields } from '../../src/http/fields.ts';
import type { Representation } from '../../src/http/representation.ts';
import type { Store } from '../../src/store/store.ts';
import { findSystemCalls } from '../../src/system-calls.ts';
import { openDiskStore, temporaryDirectory } from '../store/disk-directory.ts';
import { film } from '../support/film.ts';
import { never } from '../support/never.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { type Stage, type StageOptions, stage } from './stage.ts';

const { calls } = await findSystemCalls();
const size = 100_000;
const poster = film(size);
const target = '/poster.jpg';
const picture: Fields = [['content-type', 'image/jpeg']];

/** A cache over a disk on which a poster is stored whole, that nobody has open. */
async function stocked(
  t: TestContext,
  representation: Partial<Representation> = {},
  options: Partial<StageOptions> = {},
  length = size,
): Promise<Stage & { readonly store: Store }> {
  const clock = new VirtualClock();
  const store = await openDiskStore(await temporaryDirectory(t), { clock, openCached: calls?.openCached });
  t.after(() => store.close());
  const made = stage({ film: film(length), store, clock, ...options });
  const label = { origin: made.origin.name, path: target, private: false };
  const kept: Representation = {
    length,
    validator: { kind: 'etag', value: '"v1"', strong: true },
    fields: picture,
    validatedAt: clock.wallTime(),
    ranges: true,
    ...representation,
  };
  const name = made.cache.nameOf(made.origin.name, target) ?? '';
  const object = await store.create(name, kept, label, () => {});
  await object.write(0, film(length).bytesAt(0, length));
  await object.close();
  return made;
}

const whole = ({ length }: Representation): OpenRange => ({ start: 0, end: length });

function openNow({ cache, origin }: Stage, choose = whole, fields: Fields = []): ReadSession | null {
  return cache.openNow(origin.name, target, fields, choose);
}

/** Takes `most` bytes of the file that the session has, as the system would. */
function send({ reader }: ReadSession, most: number): Buffer | null {
  const bytes = Buffer.alloc(most);
  const used = reader.useFile(size, ({ descriptor, offset, length }) =>
    readSync(descriptor, bytes, 0, Math.min(most, length), offset),
  );
  return used === null ? null : bytes.subarray(0, used);
}

/** Reads what is left, and checks it. */
async function readOn({ reader }: ReadSession): Promise<void> {
  while ((await reader.arrival(never)) === 'bytes') {
    const { position } = reader;
    const slice = await reader.take(never)?.slice;
    assert.ok(slice !== undefined);
    poster.assertBytes(position, slice.bytes);
    slice.release();
  }
  assert.equal(reader.position, reader.end);
}

describe('a small object that is stored whole', { skip: calls === null ? 'no such calls here' : false }, () => {
  test('is given without an entry', async (t) => {
    const made = await stocked(t);
    const session = openNow(made);
    assert.ok(session !== null);
    assert.deepEqual([session.cache, session.ttl, session.fill.id], ['hit', 86_400, null]);
    poster.assertBytes(0, send(session, size) ?? Buffer.alloc(0));
    assert.deepEqual([session.reader.position, session.reader.end], [size, size]);
    session.reader.leave();
    session.leave();
    assert.deepEqual([made.cache.entries(), made.origin.requests], [[], []]);
  });

  test('is read on where its client takes a part of it, also when it has been removed meanwhile', async (t) => {
    for (const meanwhile of [
      async () => {},
      ({ store, cache, origin }: Stage) => store.remove(cache.nameOf(origin.name, target) ?? ''),
    ]) {
      const made = await stocked(t);
      const session = openNow(made);
      assert.ok(session !== null);
      poster.assertBytes(0, send(session, 33_333) ?? Buffer.alloc(0));
      await meanwhile(made);
      assert.equal(session.reader.position, 33_333);
      await readOn(session);
      session.leave();
      assert.equal(made.origin.requests.length, 0);
    }
  });

  test('is read where its file can’t be sent', async (t) => {
    const made = await stocked(t);
    const session = openNow(made);
    assert.ok(session !== null);
    await readOn(session);
    session.leave();
    assert.equal(made.cache.entries().length, 1);
  });

  test('is cut, and nothing else is given, where another has taken its place before a byte went out', async (t) => {
    const made = await stocked(t);
    const session = openNow(made);
    assert.ok(session !== null);
    await made.store.remove(made.cache.nameOf(made.origin.name, target) ?? '');
    assert.equal(send(session, size), null);
    assert.throws(() => session.reader.take(never), FillFailed);
    session.leave();
  });

  for (const [what, representation, options] of [
    ['is stale', { validatedAt: 0, fields: [...picture, ['cache-control', 'max-age=1']] as Fields }, {}],
    ['is no success', { status: 404 }, {}],
    ['is for one client', { fields: [...picture, ['cache-control', 'private, max-age=60']] as Fields }, {}],
    [
      'varies by what the client says',
      { fields: [...picture, ['vary', 'accept']] as Fields, selection: { by: [['accept', 'image/webp']] as Fields } },
      {},
    ],
  ] as const) {
    test(`is left to its entry where it ${what}`, async (t) => {
      const made = await stocked(t, representation, options);
      const session = openNow(made, whole, [['accept', 'image/png']]);
      assert.equal(session?.fill.id ?? null, null);
      assert.equal(made.cache.entries().length, 1);
      session?.leave();
    });
  }

  test('is left to its entry where it is a film, whose viewers are seen', async (t) => {
    const made = await stocked(t, {}, {}, 1024 * 1024 + 1);
    const session = openNow(made);
    assert.notEqual(session?.fill.id ?? null, null);
    session?.leave();
  });
});
