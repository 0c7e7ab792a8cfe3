/**
 * Strong proof beside weak: a date that tells versions apart, under whatever tag and however it is written. Seeks are
 * ranges, cuts are healed, a part survives a restart, and what is there plays while the origin is away.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rowIn, whole } from '../faults/row.ts';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';

const movie = film(1_000_000);
const weak = 'W/"1000000-18f4b2c"';

/** Fields of an origin that proves its versions, and does not do it by the book. */
const proofs: Readonly<Record<string, Behaviour['fields'] & object>> = {
  'a weak tag beside a date': { etag: weak },
  'a weak tag beside a date, and no time of its own': { etag: weak, date: null },
  'no tag, and no time of its own': { etag: null, date: null },
  'a date in UTC': { etag: weak, 'last-modified': 'Wed, 01 Jan 2025 00:00:00 UTC' },
  'a date with an offset': { etag: weak, 'last-modified': 'Wed, 01 Jan 2025 00:00:00 +0000' },
  'a day of one digit': { etag: weak, 'last-modified': 'Wed, 1 Jan 2025 00:00:00 GMT' },
  'an hour of one digit': { etag: null, 'last-modified': 'Wed, 01 Jan 2025 0:00:00 GMT' },
  'no weekday': { etag: null, 'last-modified': '01 Jan 2025 00:00:00 GMT' },
  'a date of RFC 850': { etag: weak, 'last-modified': 'Wednesday, 01-Jan-25 00:00:00 GMT' },
  'a date of asctime': { etag: weak, 'last-modified': 'Wed Jan  1 00:00:00 2025' },
  'a date of ISO 8601': { etag: weak, 'last-modified': '2025-01-01T00:00:00Z' },
  'a date in the future': { etag: weak, 'last-modified': 'Fri, 01 Jan 2100 00:00:00 GMT' },
  'an unquoted tag beside a date': { etag: '18f4b2c-f4240' },
  'an unquoted tag alone': { etag: '18f4b2c-f4240', 'last-modified': null },
  'a weak tag in lower case beside a date': { etag: 'w/"18f4b2c"' },
  'an empty tag beside a date': { etag: '' },
};

for (const [what, fields] of Object.entries(proofs)) {
  describe(`a film that its origin proves by ${what}`, () => {
    const network = { relay: { rate: 50_000_000 }, origin: { fields } };

    it('is sought in by ranges', async () => {
      const row = await rowIn('cold', network, movie);
      assert.deepEqual(await row.gets({ range: '0-99' }), [206, 'complete', 100]);
      assert.deepEqual(await row.gets({ range: '900000-' }), [206, 'complete', 100_000]);
      assert.deepEqual(await row.gets({ range: '900000-' }), [206, 'complete', 100_000]);
      assert.deepEqual(await row.gets({ range: '500000-500999' }), [206, 'complete', 1000]);
      assert.ok(row.rig.origin.bytesGiven < 700_000, `${row.rig.origin.bytesGiven} bytes`);
      assert.ok(row.heard.length <= 4, `${row.heard.length} requests`);
      await row.close();
    });

    it('goes on after a cut', async () => {
      const row = await rowIn('cold', network, movie);
      row.rig.origin.next({ cutAfter: 400_000 }, { cutAfter: 200_000 });
      assert.deepEqual(await row.gets(), whole);
      assert.ok(row.rig.origin.bytesGiven < movie.size + 10_000);
      await row.close();
    });

    it('in parts survives a restart, plays without its origin, and is completed', async () => {
      const row = await rowIn('partly present', network, movie);
      await row.rig.restart();
      row.rig.origin.always({ status: 503, fields });
      assert.deepEqual(await row.gets({ range: '0-99999' }), [206, 'complete', 100_000]);
      assert.equal(row.heard.length, 0);
      row.rig.origin.always({ fields });
      assert.deepEqual(await row.gets(), whole);
      assert.ok(row.rig.origin.bytesGiven < movie.size - 200_000);
      await row.close();
    });

    it('that is stale is confirmed by a 304, and the other way by another version', async () => {
      const row = await rowIn('complete', network, movie);
      const given = row.rig.origin.bytesGiven;
      await row.rig.clock.advance(90_000_000);
      assert.deepEqual(await row.gets(), whole);
      await row.rig.clock.advance(90_000_000);
      assert.deepEqual(await row.gets(), whole);
      assert.ok(row.rig.origin.bytesGiven - given < movie.size / 2, 'it came once');
      await row.close();
    });

    it('of another version in mid-film is never put to the old one', async () => {
      for (const other of [
        { etag: 'W/"other"', 'last-modified': 'Thu, 02 Jan 2025 00:00:00 GMT' },
        { 'last-modified': 'Thu, 02 Jan 2025 00:00:00 GMT' },
        // Only the bytes are others.
        {},
      ]) {
        const row = await rowIn('cold', { origin: { fields } }, movie);
        const second = film(movie.size, 2);
        row.rig.origin.next({ cutAfter: 400_000 });
        const view = row.view();
        await row.rig.clock.advance(100);
        row.rig.origin.always({ film: second, fields: { ...fields, ...other } });
        const [, outcome] = await row.got(view);
        assert.equal(outcome, 'cut');
        const after = row.view({ film: second });
        assert.deepEqual(await row.got(after), whole);
        await row.close();
      }
    });
  });
}

describe('an origin that begins to send a tag beside its date', () => {
  for (const etag of ['"1000000-18f4b2c"', weak]) {
    const network = { relay: { rate: 50_000_000 }, origin: { fields: { etag: null } } };

    it(`(${etag}) goes on with what was stored by the date, in mid-film and after an hour`, async () => {
      const row = await rowIn('partly present', network, movie);
      row.rig.origin.always({ fields: { etag } });
      assert.deepEqual(await row.gets({ range: '900000-' }), [206, 'complete', 100_000]);
      await row.rig.clock.advance(3_600_000);
      assert.deepEqual(await row.gets(), whole);
      assert.ok(row.rig.origin.bytesGiven < movie.size, `${row.rig.origin.bytesGiven} bytes`);
      const view = row.view();
      await row.got(view);
      assert.equal(view.field('etag'), null, 'the stored bytes came without');
      await row.close();
    });

    it(`(${etag}) confirms what is whole by a 304 with both`, async () => {
      const row = await rowIn('complete', network, movie);
      const given = row.rig.origin.bytesGiven;
      row.rig.origin.always({ fields: { etag } });
      await row.rig.clock.advance(90_000_000);
      assert.deepEqual(await row.gets(), whole);
      assert.equal(row.rig.origin.bytesGiven, given);
      await row.close();
    });

    it(`(${etag}) with another date or length is another version`, async () => {
      for (const other of [film(1_000_001), film(1_000_000, 2)]) {
        const row = await rowIn('partly present', network, movie);
        const fields = { etag, 'last-modified': 'Thu, 02 Jan 2025 00:00:00 GMT' };
        row.rig.origin.always({ film: other, fields });
        await row.got(row.view({ film: other, range: '900000-' }));
        await row.rig.clock.advance(60_000);
        const view = row.view({ film: other });
        assert.deepEqual(await row.got(view), [200, 'complete', other.size]);
        await row.close();
      }
    });
  }
});
