/** The next episode of a series, while the one before it comes to its end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { type RigOptions, virtualRig } from '../support/rig.ts';

const mebibyte = 1024 * 1024;
const films = { '/s01e01.mkv': film(20 * mebibyte, 1), '/s01e02.mkv': film(20 * mebibyte, 2) };

/** Plays so much of the first episode, and waits for what comes of it. */
async function play(share: number, options: Partial<RigOptions> = {}) {
  const rig = await virtualRig({ films, ...options });
  const [first] = Object.values(films);
  const until = Math.floor(20 * mebibyte * share);
  const player = rig.player(first === undefined ? {} : { film: first });
  const exchange = player.get('/films/s01e01.mkv', { range: `0-${until - 1}` });
  assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
  await rig.clock.advance(20_000);
  return rig;
}

describe('the next episode', () => {
  it('has its first 8 MiB and its last one downloaded once 80 % of an episode was sent, and nothing twice', async () => {
    const rig = await play(0.9);
    const ranges = rig.fetched('/s01e02.mkv');
    assert.deepEqual(
      [ranges[0]?.start, (ranges[0]?.end ?? 0) >= 8 * mebibyte, ranges.at(-1)?.end],
      [0, true, 20 * mebibyte],
    );
    assert.deepEqual(rig.fetchedTwice('/s01e02.mkv'), []);
    const begun = rig.clock.now();
    const asked = rig.origin.requests.length;
    const next = rig.get('/films/s01e02.mkv', { range: '0-99999', film: films['/s01e02.mkv'] });
    assert.equal(await rig.clock.advanceUntil(next.done()), 'complete');
    assert.deepEqual([rig.clock.now() - begun < 100, rig.origin.requests.length], [true, asked], 'it begins at once');
    await rig.close();
  });

  it('is left alone before, where the setting says so, and where the origin fetches nothing ahead', async () => {
    for (const [share, options] of [
      [0.7, {}],
      [0.9, { settings: { nextEpisode: 'off' } }],
      [0.9, { mount: { fill: 'none' } }],
    ] as const) {
      const rig = await play(share, options);
      assert.deepEqual(rig.fetched('/s01e02.mkv'), []);
      await rig.close();
    }
  });

  it('keeps no connection of a server that never lists the folder', async () => {
    for (const silence of [{ headAfter: Number.POSITIVE_INFINITY }, { film: film(100_000, 3), stallAfter: 10 }]) {
      const rig = await virtualRig({ films });
      rig.origin.always(({ target }) => (target === '/' ? silence : {}));
      const [first] = Object.values(films);
      const exchange = rig.player({ film: first as NonNullable<typeof first> }).get('/films/s01e01.mkv');
      assert.equal(await rig.clock.advanceUntil(exchange.done()), 'complete');
      await rig.clock.advanceUntil(rig.assertNothingLent());
      await rig.close();
    }
  });

  it('is no trouble where there is none', async () => {
    const rig = await play(0.9, { films: { '/s01e01.mkv': films['/s01e01.mkv'] } });
    assert.equal(rig.eventsOf('bug').length, 0);
    await rig.close();
  });
});
