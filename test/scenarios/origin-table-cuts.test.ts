/** "What a viewer gets", first part: origins that cut, stall, or are busy. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { movie, partSize, rowIn, type State, states, whole } from '../faults/row.ts';
import { etagOf } from '../support/film-fields.ts';

const tag = etagOf(movie);

/** Where the first request begins of what is missing; `null` where nothing is. */
function beginning(state: State): number | null {
  return state === 'complete' ? null : state === 'cold' ? 0 : partSize;
}

for (const state of states) {
  describe(`a film that is ${state}`, () => {
    const begins = beginning(state);

    for (const cutBy of ['end', 'reset'] as const) {
      it(`whose transfer is cut once (${cutBy}) comes whole, in the same reply, from the missing byte under If-Range`, async () => {
        const row = await rowIn(state);
        row.rig.origin.next({ cutAfter: 150_000, cutBy });
        assert.deepEqual(await row.gets(), whole);
        assert.deepEqual(await row.gets(), whole);
        const [first, second, ...others] = row.heard;
        if (begins === null) assert.equal(first, undefined);
        else {
          assert.equal(first?.[0], `${begins}-`);
          const resumedAt = Number.parseInt(second?.[0] ?? '', 10);
          assert.ok(resumedAt > begins && resumedAt <= begins + 150_000, `it went on from ${resumedAt}`);
          for (const [range, ifRange, status] of [second ?? [], ...others]) {
            assert.deepEqual([ifRange, status], [tag, 206], range ?? 'no range');
          }
          assert.deepEqual(row.rig.fetchedTwice('/film.mp4'), []);
        }
        await row.close();
      });

      it(`whose transfer is cut every 100 KB (${cutBy}) comes whole, and no byte comes twice`, async () => {
        const row = await rowIn(state);
        row.rig.origin.always({ cutAfter: 100_000, cutBy });
        assert.deepEqual(await row.gets(), whole);
        assert.deepEqual(await row.gets(), whole);
        const cuts = begins === null ? 0 : Math.ceil((movie.size - begins) / 100_000);
        // A reset takes with it what was on its way.
        assert.ok(row.heard.length >= cuts && row.heard.length <= 4 * cuts, `${row.heard.length} requests`);
        assert.deepEqual(row.rig.fetchedTwice('/film.mp4'), []);
        await row.close();
      });
    }

    for (const status of [503, 502, 429]) {
      for (const [times, wanted] of [
        [1, null],
        [3, null],
        [1, '4'],
        [3, '4'],
      ] as const) {
        const after = wanted === null ? '' : ', to be asked again in 4 s,';
        it(`whose origin answers ${status}${after} ${times === 1 ? 'once' : 'thrice'} comes whole, later`, async () => {
          const row = await rowIn(state);
          const busy = { status, ...(wanted === null ? {} : { fields: { 'retry-after': wanted } }) };
          row.rig.origin.next(...Array(times).fill(busy));
          const viewer = row.view();
          assert.deepEqual(await row.got(viewer), whole);
          assert.deepEqual(await row.gets(), whole);
          const took = (viewer.times.endAt ?? Number.NaN) - viewer.times.sentAt;
          const pauses = begins === null || wanted === null ? 0 : times * 4000;
          assert.ok(took >= pauses && took <= pauses + 3000, `it took ${took} ms`);
          assert.equal(row.heard.length, begins === null ? 0 : times + 1);
          await row.close();
        });
      }
    }

    it('whose transfer stalls for 5 s comes whole over the same connection', async () => {
      const row = await rowIn(state);
      row.rig.origin.next({ stallAfter: 150_000, stallFor: 5000 });
      assert.deepEqual(await row.gets(), whole);
      assert.deepEqual(await row.gets(), whole);
      assert.equal(row.heard.length, begins === null ? 0 : 1);
      await row.close();
    });

    it('whose transfer stalls for 60 s comes whole: after stallTimeout another connection takes over', async () => {
      const row = await rowIn(state);
      row.rig.origin.next({ stallAfter: 150_000, stallFor: 60_000 });
      const viewer = row.view();
      assert.deepEqual(await row.got(viewer), whole);
      const took = (viewer.times.endAt ?? Number.NaN) - viewer.times.sentAt;
      assert.ok(begins === null ? took < 10 : took >= 10_000 && took < 12_000, `it took ${took} ms`);
      assert.deepEqual(
        row.heard.map(([range, ifRange]) => [range, ifRange]),
        begins === null
          ? []
          : [
              [`${begins}-`, begins === 0 ? null : tag],
              [`${begins + 150_000}-`, tag],
            ],
      );
      assert.deepEqual(await row.gets(), whole);
      await row.close();
    });

    it('whose origin stalls on every connection is cut after healTimeout, and what came is there for the next', async () => {
      const row = await rowIn(state);
      row.rig.origin.always({ stallAfter: 0 });
      row.rig.origin.next({ stallAfter: 150_000 });
      const viewer = row.view();
      const got = await row.got(viewer);
      if (begins === null) assert.deepEqual(got, whole);
      else {
        const took = (viewer.times.endAt ?? Number.NaN) - viewer.times.sentAt;
        assert.deepEqual(got, [200, 'cut', begins + 150_000]);
        assert.ok(took > 90_000 && took < 91_000, `it took ${took} ms`);
      }
      row.rig.origin.always({});
      assert.deepEqual(await row.gets(), whole);
      assert.deepEqual(row.rig.fetchedTwice('/film.mp4'), []);
      await row.close();
    });
  });
}
