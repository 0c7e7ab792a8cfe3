/** Long files that are read in small steps, each a request of its own: disc images, AVI, databases. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';

const mebibyte = 1024 * 1024;
const step = 4096;

interface Reading {
  /** Offsets at which a step begins. */
  readonly at: readonly number[];
  readonly size: number;
  /** Milliseconds between two steps. */
  readonly pause: number;
  /** Whether every step comes over a connection of its own. */
  readonly anew: boolean;
}

/** What all steps together cost the origin. */
async function cost({ at, size, pause, anew }: Reading) {
  const disc = film(size);
  const rig = await virtualRig({ films: disc, relay: { rate: 12_500_000, delay: 5 } });
  let player = rig.player();
  for (const start of at) {
    if (anew) player = rig.player();
    const part = player.get('/films/disc.iso', { range: `${start}-${start + step - 1}` });
    assert.equal(await rig.clock.advanceUntil(part.done()), 'complete');
    assert.equal(part.status, 206);
    if (anew) player.leave();
    if (pause > 0) await rig.clock.advance(pause);
  }
  const { requests, bytesGiven } = rig.origin;
  const asked = requests.length;
  await rig.close();
  return { asked, bytesGiven };
}

describe('a file read whole in steps of 4 KiB', () => {
  const size = 16 * mebibyte;
  const at = Array.from({ length: size / step }, (_, index) => index * step);
  for (const [what, reading] of [
    ['one after the other', { pause: 0, anew: false }],
    ['with pauses, over a connection each', { pause: 5, anew: true }],
  ] as const) {
    it(`${what} costs one request for a MiB at most, and hardly a byte twice`, async () => {
      const { asked, bytesGiven } = await cost({ at, size, ...reading });
      assert.ok(asked <= 16, `${asked} requests`);
      assert.ok(bytesGiven <= 1.05 * size, `${bytesGiven / size} times the bytes`);
    });
  }
});

/** The same offsets, as a program asks for them that has several requests under way, or reads a tree. */
function shuffled(at: readonly number[], window: number): number[] {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const places = at.map((start, index) => ({ start, rank: Math.floor(index / window) + random() }));
  return places.sort((a, b) => a.rank - b.rank).map(({ start }) => start);
}

describe('a file read whole in steps of 4 KiB that are out of order', () => {
  const size = 16 * mebibyte;
  const at = Array.from({ length: size / step }, (_, index) => index * step);
  for (const window of [4, 16, 64]) {
    it(`within ${window} steps costs one request for a MiB at most, and hardly a byte twice`, async () => {
      const { asked, bytesGiven } = await cost({ at: shuffled(at, window), size, pause: 0, anew: false });
      assert.ok(asked <= 16, `${asked} requests`);
      assert.ok(bytesGiven <= 1.05 * size, `${bytesGiven / size} times the bytes`);
    });
  }
  it('in two places by turns does so as well', async () => {
    // Each place has a beginning of its own, of small requests.
    const longer = 2 * size;
    const turns = Array.from({ length: longer / step / 2 }, (_, index) => [index * step, longer / 2 + index * step]);
    const { asked, bytesGiven } = await cost({ at: turns.flat(), size: longer, pause: 0, anew: false });
    assert.ok(asked <= 32, `${asked} requests`);
    assert.ok(bytesGiven <= 1.05 * longer, `${bytesGiven / longer} times the bytes`);
  });
});

describe('a file of which 150 places are read in steps of 4 KiB', () => {
  const at = Array.from({ length: 150 }, (_, index) => index * 327_680 + step);
  it('costs half of it at most: who reads here and there is not read ahead for', async () => {
    const { bytesGiven } = await cost({ at, size: 48 * mebibyte, pause: 0, anew: false });
    assert.ok(bytesGiven <= 24 * mebibyte, `${bytesGiven / mebibyte} MiB`);
  });
  it('in any order costs no more', async () => {
    const { bytesGiven } = await cost({ at: shuffled(at, at.length), size: 48 * mebibyte, pause: 0, anew: false });
    assert.ok(bytesGiven <= 24 * mebibyte, `${bytesGiven / mebibyte} MiB`);
  });
});
