/** "What a viewer gets", second part: films that change between requests, within one, and under their readers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { day, movie, partSize, type Row, rowIn, states, whole } from '../faults/row.ts';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';

const other = film(movie.size, 2);
const longer = film(movie.size + 70_000, 2);
const shorter = film(movie.size - 70_000, 2);

/** The old version and the new one, as the origin gives them. */
const changes: ReadonlyArray<readonly [string, Behaviour, Behaviour & { readonly film: typeof other }]> = [
  ['its ETag', {}, { film: other }],
  ['its ETag, at an origin that does not know If-Range,', {}, { film: other, ignoreIfRange: true }],
  ['its ETag and becomes longer', {}, { film: longer }],
  ['its ETag and becomes shorter', {}, { film: shorter, ignoreIfRange: true }],
  [
    'its Last-Modified, which is all that it has,',
    { fields: { etag: null } },
    { film: other, fields: { etag: null, 'last-modified': 'Thu, 02 Jan 2025 00:00:00 GMT' } },
  ],
  [
    'its length alone, under the same Last-Modified,',
    { fields: { etag: null } },
    { film: longer, fields: { etag: null }, ignoreIfRange: true, ignoreConditions: true },
  ],
];

/** After which the next viewer gets the new version, all of it. */
async function nextGetsTheNew(row: Row, version: typeof other): Promise<void> {
  assert.deepEqual(await row.gets({ film: version }), [200, 'complete', version.size]);
  assert.deepEqual(await row.gets({ film: version, range: '-1000' }), [206, 'complete', 1000]);
}

for (const [what, before, after] of changes) {
  describe(`a film that changes ${what}`, () => {
    it('between two requests, and is cold, comes in its new version', async () => {
      const row = await rowIn('cold', { origin: before });
      row.rig.origin.always(after);
      await nextGetsTheNew(row, after.film);
      await row.close();
    });

    it('and is partly present gives what is there and is cut, then comes in its new version', async () => {
      const row = await rowIn('partly present', { origin: before });
      row.rig.origin.always(after);
      const [status, outcome, bytes] = await row.gets();
      assert.deepEqual([status, outcome], [200, 'cut']);
      assert.ok(bytes <= partSize, `${bytes} bytes of the old version`);
      await nextGetsTheNew(row, after.film);
      await row.close();
    });

    it('and is partly present comes in its new version where what is asked for is not there', async () => {
      const row = await rowIn('partly present', { origin: before });
      row.rig.origin.always(after);
      const [status, outcome, bytes] = await row.gets({ film: after.film, range: '600000-699999' });
      assert.deepEqual([status, outcome, bytes], [206, 'complete', 100_000]);
      await nextGetsTheNew(row, after.film);
      await row.close();
    });

    it('and is complete is played as it was, until it is not fresh any more', async () => {
      const row = await rowIn('complete', { origin: before });
      row.rig.origin.always(after);
      assert.deepEqual(await row.gets(), whole);
      await row.rig.clock.advance(2 * day);
      assert.deepEqual(await row.gets(), whole, 'what is stale is served while the origin is asked');
      await row.rig.clock.advance(60_000);
      await nextGetsTheNew(row, after.film);
      await row.close();
    });

    it('while it is on its way is cut at the first byte of the new version', async () => {
      const row = await rowIn('cold', { origin: before });
      row.rig.origin.next({ cutAfter: 150_000 });
      const viewer = row.view();
      await row.rig.clock.advanceUntil(viewer.received(1000));
      row.rig.origin.always(after);
      assert.deepEqual(await row.got(viewer), [200, 'cut', 150_000]);
      await nextGetsTheNew(row, after.film);
      await row.close();
    });

    it('while two parts of it are on their way is cut where the old one ends', async () => {
      const row = await rowIn('cold', { origin: { ...before, rate: 100_000 } });
      const head = row.view();
      await row.rig.clock.advanceUntil(head.received(10_000));
      row.rig.origin.always(after);
      const sought = row.view({ film: after.film, range: '800000-899999' });
      assert.deepEqual(await row.got(sought), [206, 'complete', 100_000]);
      const [status, outcome, bytes] = await row.got(head);
      assert.deepEqual([status, outcome], [200, 'cut']);
      assert.ok(bytes >= 10_000 && bytes < movie.size, `${bytes} bytes of the old version`);
      await nextGetsTheNew(row, after.film);
      await row.close();
    });
  });
}

/** Nothing but the bytes tells two versions of one date and length apart. */
const dated = { fields: { etag: null } };
const replaced = { film: other, fields: { etag: null } };

describe('two versions of one date and length', () => {
  it('are not mixed where the first is gone on with', async () => {
    const row = await rowIn('partly present', { origin: dated });
    row.rig.origin.always(replaced);
    assert.deepEqual(await row.gets(), [200, 'cut', partSize]);
    assert.deepEqual(await row.gets({ film: other }), [200, 'complete', other.size]);
    await row.close();
  });

  it('are not mixed where the second runs into the first', async () => {
    const row = await rowIn('cold', { origin: dated });
    assert.deepEqual(await row.gets({ range: '600000-' }), [206, 'complete', 400_000]);
    row.rig.origin.always(replaced);
    const [, outcome, bytes] = await row.gets({ film: other });
    assert.ok(outcome === 'cut' && bytes <= 600_000, `${outcome} after ${bytes} bytes`);
    await row.close();
  });

  it('are not mixed where the second is given from its start in place of a part', async () => {
    const row = await rowIn('partly present', { origin: dated });
    row.rig.origin.always({ ...replaced, ignoreRange: true });
    assert.deepEqual(await row.gets(), [200, 'cut', partSize]);
    await row.close();
  });

  it('are not mixed after a restart', async () => {
    const row = await rowIn('cold', { origin: dated });
    assert.deepEqual(await row.gets({ range: '600000-' }), [206, 'complete', 400_000]);
    row.rig.origin.always(replaced);
    await row.rig.restart();
    const [, outcome, bytes] = await row.gets({ film: other });
    assert.ok(outcome === 'cut' && bytes <= 600_000, `${outcome} after ${bytes} bytes`);
    await row.close();
  });
});

for (const state of states) {
  describe(`a film without any validator that is ${state}`, () => {
    it('and is cut is not put together: the reply is cut, and the next one comes whole', async () => {
      const row = await rowIn(state, { origin: { fields: { etag: null, 'last-modified': null } } });
      row.rig.origin.next({ cutAfter: 150_000 });
      const got = await row.gets();
      // A part that may be of another version is not gone on with.
      if (state === 'complete') assert.deepEqual(got, whole);
      else assert.deepEqual(got.slice(0, 2), [200, 'cut']);
      assert.deepEqual(await row.gets(), whole);
      await row.close();
    });
  });
}
