/** "What a viewer gets", third part: origins that ignore ranges, frame their bodies badly, or lie about them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lies } from '../faults/lies.ts';
import { movie, rowIn, states, whole } from '../faults/row.ts';
import type { Behaviour } from '../support/behaviour.ts';

for (const state of states) {
  describe(`ranges that the origin ignores, of a film that is ${state}`, () => {
    it('come as its one body passes them, without a second download for a second viewer', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ ignoreRange: true });
      const middle = row.view({ range: '500000-699999' });
      await row.rig.clock.advance(100);
      const tail = row.view({ range: '900000-' });
      assert.deepEqual(await row.got(middle), [206, 'complete', 200_000]);
      assert.deepEqual(await row.got(tail), [206, 'complete', 100_000]);
      // Once it has given a range, it may be `If-Range` that it does not take.
      const asked = { cold: 1, 'partly present': 2, complete: 0 }[state];
      assert.equal(row.heard.length, asked);
      assert.deepEqual(await row.gets({ range: '300000-300099' }), [206, 'complete', 100]);
      assert.deepEqual(await row.gets(), whole);
      assert.equal(row.heard.length, asked, 'the rest came from the store');
      await row.close();
    });

    it('at a resume only are healed by one more body from the start', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ ignoreRange: true });
      row.rig.origin.next({ cutAfter: 150_000, ignoreRange: false });
      const viewer = row.view();
      const second = row.view({ range: '800000-' });
      assert.deepEqual(await row.got(viewer), whole);
      assert.deepEqual(await row.got(second), [206, 'complete', 200_000]);
      assert.ok(row.rig.bytesFetched <= 2 * movie.size + 150_000, `${row.rig.bytesFetched} bytes came`);
      const before = row.heard.length;
      assert.deepEqual(await row.gets({ range: '0-99' }), [206, 'complete', 100]);
      assert.equal(row.heard.length, before);
      await row.close();
    });
  });

  describe(`a body without a length, of a film that is ${state}`, () => {
    const blind = { ignoreRange: true } as const;

    it('that is chunked comes whole and is kept', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ ...blind, framing: 'chunked' });
      assert.deepEqual(await row.gets(), whole);
      const before = row.heard.length;
      assert.deepEqual(await row.gets(), whole);
      assert.equal(row.heard.length, before);
      await row.close();
    });

    it('that is chunked and cut is gone on with', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ ...blind, framing: 'chunked' });
      row.rig.origin.next({ cutAfter: 150_000 });
      assert.deepEqual(await row.gets(), whole);
      assert.deepEqual(await row.gets(), whole);
      await row.close();
    });

    it('that ends with its connection comes whole; where nothing tells that from a cut, it is not kept', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ ...blind, framing: 'close' });
      assert.deepEqual(await row.gets(), whole);
      assert.deepEqual(await row.gets(), whole);
      assert.equal(row.heard.length, { cold: 2, 'partly present': 2, complete: 0 }[state]);
      await row.close();
    });

    it('that is cut where it could have ended is never taken for the whole film by anybody after', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ ...blind, framing: 'close' });
      row.rig.origin.next({ cutAfter: 400_000 });
      const got = await row.gets();
      // Who knows the length from before is not deceived.
      if (state === 'cold') assert.deepEqual(got, [200, 'complete', 400_000]);
      else assert.deepEqual(got, whole);
      assert.deepEqual(await row.gets(), whole);
      await row.close();
    });

    it('that is reset is a cut, whatever its framing', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ ...blind, framing: 'close' });
      row.rig.origin.next({ cutAfter: 400_000, cutBy: 'reset' });
      const [status, outcome, bytes] = await row.gets();
      assert.equal(status, 200);
      assert.ok(outcome === 'cut' || bytes === movie.size, `${outcome} after ${bytes} bytes`);
      assert.deepEqual(await row.gets(), whole);
      await row.close();
    });
  });

  describe(`an origin that lies about a film that is ${state}`, () => {
    const understated: Behaviour = { fields: { 'content-length': '1000' } };
    for (const [what, lie] of [...lies, ['announces less than it should', understated] as const]) {
      it(`and ${what} gives right bytes or a clean error, and nothing wrong is stored`, async () => {
        const row = await rowIn(state);
        row.rig.origin.always(lie);
        const got = await row.gets({ range: '300000-' });
        const coded = lie.fields?.['content-encoding'] !== undefined && state !== 'complete';
        if (lie === understated && state !== 'complete') assert.deepEqual(got.slice(0, 2), [416, 'complete']);
        else assert.deepEqual(got, coded ? whole : [206, 'complete', 700_000]);
        const [, begun] = await row.gets();
        assert.ok(begun === 'cut' || begun === 'complete');
        row.rig.origin.always({});
        await row.rig.clock.advance(60_000);
        assert.deepEqual(await row.gets(), whole);
        assert.deepEqual(await row.gets({ range: '300000-' }), [206, 'complete', 700_000]);
        await row.close();
      });
    }

    it('and sends more than it said gives the film and nothing beyond', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ surplus: 5000 });
      assert.deepEqual(await row.gets(), whole);
      assert.deepEqual(await row.gets({ range: '999000-' }), [206, 'complete', 1000]);
      await row.close();
    });

    it('and sends less than it said has it asked for the rest', async () => {
      const row = await rowIn(state);
      row.rig.origin.next({ cutAfter: 600_000 });
      assert.deepEqual(await row.gets(), whole);
      assert.deepEqual(await row.gets({ range: '999000-' }), [206, 'complete', 1000]);
      await row.close();
    });

    it('and codes the whole, whatever was asked, has it passed on and not stored', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ ignoreRange: true, fields: { 'content-encoding': 'gzip', etag: '"coded"' } });
      const viewer = row.view(state === 'complete' ? {} : { range: '600000-', film: null });
      const [, outcome] = await row.got(viewer);
      if (state === 'complete') assert.equal(outcome, 'complete');
      else assert.deepEqual([viewer.status, viewer.field('content-encoding')], [200, 'gzip']);
      row.rig.origin.always({});
      assert.deepEqual(await row.gets(), whole);
      await row.close();
    });

    it('about HEAD, as some do with 405 or 500, is never asked so', async () => {
      const row = await rowIn(state);
      const asked = row.view({ method: 'HEAD' });
      assert.deepEqual(await row.got(asked), [200, 'complete', 0]);
      assert.equal(asked.field('content-length'), String(movie.size));
      assert.deepEqual(await row.gets(), whole);
      const methods = new Set(row.rig.origin.requests.map(({ method }) => method));
      assert.deepEqual([...methods], state === 'complete' ? [] : ['GET']);
      await row.close();
    });
  });
}
