/** The last bytes of a file that nobody knows yet: asked for as such, where the origin takes that. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { film } from '../support/film.ts';
import type { SeenRequest } from '../support/film-reply.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

const movie = film(4_000_000);
const small = film(1000);

const rangeOf = ({ fields }: SeenRequest) => fields.find(([name]) => name === 'range')?.[1] ?? null;
const asked = (rig: VirtualRig) => rig.origin.requests.map(rangeOf);

/** Behaves like this where a suffix is asked for, and well where not. */
function onSuffix(behaviour: Behaviour): (seen: SeenRequest) => Behaviour {
  return (seen) => (rangeOf(seen)?.startsWith('bytes=-') ? behaviour : {});
}

async function gets(rig: VirtualRig, range: string, what = movie, target = '/films/a.mp4'): Promise<string> {
  const view = rig.get(target, { range, film: what });
  assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
  return `${view.status} ${view.field('content-range')}`;
}

describe('the last bytes of a file that is not stored', () => {
  for (const bytes of [1, 1000, 300_000]) {
    it(`cost one request for ${bytes} bytes from the end, and no byte more`, async () => {
      const rig = await virtualRig({ films: movie });
      assert.equal(await gets(rig, `-${bytes}`), `206 bytes ${4_000_000 - bytes}-3999999/4000000`);
      assert.deepEqual(asked(rig), [`bytes=-${bytes}`]);
      assert.equal(rig.bytesFetched, bytes);
      assert.equal(await gets(rig, `-${bytes}`), `206 bytes ${4_000_000 - bytes}-3999999/4000000`);
      assert.equal(asked(rig).length, 1, 'they are stored');
      await rig.close();
    });
  }

  it('are the whole where it has no more', async () => {
    const rig = await virtualRig({ films: small });
    assert.equal(await gets(rig, '-5000', small), '206 bytes 0-999/1000');
    assert.deepEqual(asked(rig), ['bytes=-5000']);
    await rig.close();
  });

  it('are not asked for as such by what depends on more, or wants nothing or everything', async () => {
    for (const range of ['-0', '-99999999999999999999', '-10,0-9']) {
      const rig = await virtualRig({ films: movie });
      await rig.play('/films/a.mp4', { range, film: null });
      assert.equal(asked(rig)[0], 'bytes=0-', range);
      await rig.close();
    }
  });

  it('come together with the beginning, for another client', async () => {
    const rig = await virtualRig({ films: movie, relay: { delay: 20 } });
    const last = rig.get('/films/a.mp4', { range: '-1000' });
    const first = rig.get('/films/a.mp4');
    assert.equal(await rig.clock.advanceUntil(last.done()), 'complete');
    assert.equal(await rig.clock.advanceUntil(first.done()), 'complete');
    assert.deepEqual(rig.fetchedTwice('/a.mp4'), []);
    await rig.close();
  });

  it('are healed after a cut from where they were cut', async () => {
    const rig = await virtualRig({ films: movie });
    rig.origin.next({ cutAfter: 100_000 });
    assert.equal(await gets(rig, '-300000'), '206 bytes 3700000-3999999/4000000');
    assert.equal(asked(rig)[0], 'bytes=-300000');
    assert.deepEqual(rig.fetchedTwice('/a.mp4'), []);
    await rig.close();
  });

  it('of an empty file are none', async () => {
    const rig = await virtualRig({ films: film(0) });
    const view = await rig.play('/films/a.mp4', { range: '-5', film: film(0) });
    assert.equal(view.status, 200);
    await rig.close();
  });
});

const others: Readonly<Record<string, Behaviour>> = {
  'refuses them by 400': { status: 400 },
  'refuses them by 416': { status: 416 },
  'refuses them by 416, and tells the length': { status: 416, fields: { 'content-range': 'bytes */4000000' } },
  'refuses them by 501': { status: 501 },
  'breaks at them': { status: 500 },
  'says that it is busy': { status: 503 },
  'gives everything': { ignoreRange: true },
  'gives as many from the beginning': { fields: { 'content-range': 'bytes 0-999/4000000' } },
  'gives others': { shift: -10 },
  'does not say how long the file is': { fields: { 'content-range': 'bytes 3999000-3999999/*' } },
  'does not say which they are': { fields: { 'content-range': null } },
};

describe('the last bytes of a file of an origin that', () => {
  for (const [what, behaviour] of Object.entries(others)) {
    it(`${what} come by a range from an offset, and no others`, async () => {
      const rig = await virtualRig({ films: movie });
      rig.origin.always(onSuffix(behaviour));
      assert.equal(await gets(rig, '-1000'), '206 bytes 3999000-3999999/4000000');
      const ranges = asked(rig);
      assert.deepEqual(ranges.slice(0, 2), ['bytes=-1000', 'bytes=0-']);
      assert.ok(ranges.length <= 3 && rig.bytesFetched < 1_000_000, `${ranges} ${rig.bytesFetched}`);
      await rig.close();
    });
  }

  it('gives no suffix is remembered: the next film is spared the detour', async () => {
    const rig = await virtualRig({ films: movie });
    rig.origin.always(onSuffix({ ignoreRange: true }));
    await gets(rig, '-1000');
    const before = asked(rig).length;
    await gets(rig, '-1000', movie, '/films/b.mp4');
    assert.deepEqual(asked(rig).slice(before, before + 1), ['bytes=0-']);
    await rig.close();
  });

  it('has no ranges come at the end of the whole', async () => {
    const rig = await virtualRig({ films: movie });
    rig.origin.always({ ignoreRange: true, fields: { 'accept-ranges': null } });
    const view = rig.get('/films/a.mp4', { range: '-1000', film: movie });
    assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
    assert.equal(view.status, 206);
    assert.equal(rig.origin.requests.length, 2);
    await rig.close();
  });
});
