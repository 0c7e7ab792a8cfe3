/**
 * An origin that gives a player the film, and does not take what firstbyte adds to a request: it is asked again plainly,
 * the film plays, and what was learned spares the next film the detour.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Row, rowIn, type State, states } from '../faults/row.ts';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import type { SeenRequest } from '../support/film-reply.ts';

const movie = film(400_000);
const whole = [200, 'complete', movie.size] as const;
const network = { relay: { rate: 50_000_000 } };

function hasField({ fields }: SeenRequest, name: string): boolean {
  return fields.some(([given]) => given === name);
}

/** Behaves like this where a request has that field, and well where not. */
function on(name: string, behaviour: Behaviour): (seen: SeenRequest) => Behaviour {
  return (seen) => (hasField(seen, name) ? behaviour : {});
}

/** Errors that a program may give to a range which it does not understand, and none that speak of the target. */
const refusals = [400, 402, 403, 405, 406, 409, 411, 412, 415, 416, 417, 422, 500, 501, 503, 505, 599];

/** Fields of a 206 that do not say which part it is, or say that it is coded. */
const contradictions: Readonly<Record<string, Behaviour['fields'] & object>> = {
  'no Content-Range': { 'content-range': null },
  'a malformed one': { 'content-range': 'bytes=0-399999/400000' },
  'one that ends a byte late': { 'content-range': 'bytes 0-400000/400000' },
  'one that begins a byte late': { 'content-range': 'bytes 1-400000/400001' },
  'one of other units': { 'content-range': 'items 0-399999/400000' },
  'a content coding': { 'content-encoding': 'gzip' },
};

async function plays(row: Row): Promise<void> {
  assert.deepEqual(await row.gets(), whole);
  assert.deepEqual(await row.gets({ range: '300000-' }), [206, 'complete', 100_000]);
  const suffix = row.view({ range: '-1000' });
  assert.deepEqual(await row.got(suffix), [206, 'complete', 1000]);
}

describe('an origin that refuses ranges', () => {
  for (const status of refusals) {
    for (const state of ['cold', 'complete'] as const satisfies readonly State[]) {
      it(`by ${status} gives a film that is ${state}`, async () => {
        const row = await rowIn(state, network, movie);
        row.rig.origin.always(on('range', { status }));
        await row.rig.clock.advance(90_000_000);
        await plays(row);
        await row.close();
      });
    }
  }

  for (const [what, fields] of Object.entries(contradictions)) {
    it(`by a 206 with ${what} gives the film`, async () => {
      const row = await rowIn('cold', network, movie);
      row.rig.origin.always(on('range', { fields }));
      await plays(row);
      await row.close();
    });
  }

  it('is asked plainly the next time, and with a range again when an hour is over', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always((seen) => ({
      fields: { 'cache-control': 'no-store' },
      ...(hasField(seen, 'range') && { status: 403 }),
    }));
    const ranged = () => row.rig.origin.requests.map((seen) => hasField(seen, 'range'));
    assert.deepEqual(await row.gets(), whole);
    assert.deepEqual(ranged(), [true, false]);
    assert.deepEqual(await row.gets(), whole);
    assert.deepEqual(ranged(), [true, false, false]);
    await row.rig.clock.advance(3_600_000);
    assert.deepEqual(await row.gets(), whole);
    assert.deepEqual(ranged(), [true, false, false, true, false]);
    await row.close();
  });

  it('of one film is asked for ranges of the next', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always((seen) => (seen.target === '/film.mp4' && hasField(seen, 'range') ? { status: 403 } : {}));
    assert.deepEqual(await row.gets(), whole);
    const other = row.rig.get('/films/other.mp4', { range: '300000-' });
    assert.equal(await row.rig.clock.advanceUntil(other.done()), 'complete');
    assert.equal(row.heard.at(-1)?.[2], 206);
    await row.close();
  });

  it('and is asked for what is not there gives what it says to plainer requests, once each', async () => {
    for (const status of [400, 403, 501]) {
      const row = await rowIn('cold', network, movie);
      row.rig.origin.always({ status });
      const view = row.view({ film: null });
      assert.equal((await row.got(view))[0], status);
      assert.equal(row.heard.length, status === 400 ? 3 : 2);
      await row.close();
    }
  });

  it('and plain requests by 416 never gives a 416 to who asked for no range', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always({ status: 416 });
    assert.equal((await row.got(row.view({ film: null })))[0], 502);
    await row.close();
  });

  it('for a moment only gives ranges afterwards', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.next({ status: 503 }, { status: 503 }, { status: 503 }, { status: 503 });
    assert.deepEqual(await row.gets({ range: '0-99' }), [206, 'complete', 100]);
    await row.rig.clock.advance(60_000);
    assert.deepEqual(await row.gets({ range: '390000-' }), [206, 'complete', 10_000]);
    assert.equal(row.heard.at(-1)?.[2], 206);
    await row.close();
  });
});

describe('an origin that does not take If-Range', () => {
  for (const [what, behaviour] of [
    ['and gives the whole', { ignoreRange: true }],
    ['and answers 400', { status: 400 }],
    ['and answers 501', { status: 501 }],
  ] as const) {
    it(`${what} gives ranges without it, also of the next film`, async () => {
      const row = await rowIn('partly present', network, movie);
      row.rig.origin.always(on('if-range', behaviour));
      assert.deepEqual(await row.gets({ range: '300000-' }), [206, 'complete', 100_000]);
      assert.deepEqual(
        row.heard.map(([range, ifRange]) => [range !== '', ifRange !== null]),
        [
          [true, true],
          [true, false],
        ],
      );
      const { requests } = row.rig.origin;
      for (const range of ['0-99', '350000-']) {
        const other = row.rig.get('/films/other.mp4', { range });
        assert.equal(await row.rig.clock.advanceUntil(other.done()), 'complete');
        await row.rig.clock.advance(10_000);
      }
      assert.ok(requests.slice(2).every((seen) => !hasField(seen, 'if-range')));
      await row.close();
    });
  }

  it('and holds another version by now is never put to the old one', async () => {
    const row = await rowIn('partly present', network, movie);
    const other = film(movie.size, 2);
    row.rig.origin.always((seen) => ({ film: other, ...(hasField(seen, 'if-range') && { status: 400 }) }));
    const view = row.view({ range: '300000-', film: other });
    assert.deepEqual(await row.got(view), [206, 'complete', 100_000]);
    await row.close();
  });
});

describe('an origin that does not take', () => {
  it('Accept-Encoding: identity is asked without', async () => {
    for (const status of [400, 406, 415]) {
      const row = await rowIn('cold', network, movie);
      row.rig.origin.always(on('accept-encoding', { status }));
      await plays(row);
      await row.close();
    }
  });

  it('conditions is asked without whether a film is current', async () => {
    for (const status of [400, 403, 412, 500, 501, 502]) {
      const row = await rowIn('complete', network, movie);
      row.rig.origin.always(on('if-none-match', { status }));
      await row.rig.clock.advance(90_000_000);
      await plays(row);
      await row.rig.clock.advance(90_000_000);
      await plays(row);
      const asked = row.rig.origin.requests.filter((seen) => hasField(seen, 'if-none-match'));
      assert.ok(row.rig.origin.bytesGiven < movie.size + 200_000, `${row.rig.origin.bytesGiven} bytes`);
      assert.ok(asked.length <= 4, `${status}: ${asked.length} conditional requests`);
      await row.close();
    }
  });
});

describe('a content coding', () => {
  for (const coding of ['identity', 'none', 'utf-8', 'binary', '', 'Identity, none', '8bit', 'video/mp4']) {
    it(`"${coding}" is none`, async () => {
      for (const state of states) {
        const row = await rowIn(state, network, movie);
        row.rig.origin.always({ fields: { 'content-encoding': coding } });
        await plays(row);
        await row.close();
      }
    });
  }

  it('of the only form that there is passes through', async () => {
    const row = await rowIn('cold', network, movie);
    row.rig.origin.always({ fields: { 'content-encoding': 'gzip' } });
    const view = row.view();
    assert.deepEqual(await row.got(view), whole);
    assert.equal(view.field('content-encoding'), 'gzip');
    await row.close();
  });
});
