/**
 * Origins that take long for each answer and serve many connections at once. Nobody waits longer for them than a client
 * that asks directly, however many ask for however much at the same time, and no request is made twice.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { film } from '../support/film.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';

/** Milliseconds until the head of the answer to the request of that number. */
const thinks: Readonly<Record<string, (request: number) => number>> = {
  '1.3 s': () => 1300,
  '2 s': () => 2000,
  '8 s': () => 8000,
  '1 to 4 s': (request) => 1000 + ((request * 1187) % 3000),
  'a second more for each': (request) => 1000 * (1 + (request % 9)),
};
const sizes = { '40 KiB': 40 * 1024, '700 KiB': 700 * 1024 };
const crowds = [3, 9];
const spacings = [0, 40, 700];
const ways = { near: 0, far: 60 };

/** What firstbyte itself may cost in virtual time: where a body has to end before there is room on a line. */
const most = 300;

/** Asks for titles that nobody has asked for, `spacing` ms apart; returns how much longer each waited than directly. */
async function crowd(rig: VirtualRig, think: (request: number) => number, titles: readonly string[], spacing: number) {
  const asked: Array<{ readonly at: number; readonly begun: Promise<number> }> = [];
  for (const title of titles) {
    const exchange = rig.player().get(`/films/${title}`);
    const at = rig.clock.now();
    asked.push({ at, begun: exchange.received(1).then(() => rig.clock.now() - at) });
    await rig.clock.advance(spacing);
  }
  const took = await rig.clock.advanceUntil(Promise.all(asked.map(({ begun }) => begun)), { limit: 120_000 });
  return took.map((ms, place) => {
    const seen = rig.origin.requests.findIndex(({ target }) => target === `/${titles[place]}`);
    return ms - think(seen);
  });
}

describe('an origin that takes long for each answer, and serves many connections at once', () => {
  for (const [way, delay] of Object.entries(ways))
    for (const [name, think] of Object.entries(thinks))
      for (const [size, bytes] of Object.entries(sizes))
        for (const count of crowds)
          for (const spacing of spacings)
            it(`${way}, ${name}, ${count} titles of ${size}, ${spacing} ms apart: each waits as it does directly`, async () => {
              const rig = await virtualRig({ films: film(bytes), relay: { delay } });
              let requests = 0;
              rig.origin.always(() => {
                requests += 1;
                return { headAfter: think(requests - 1) };
              });
              const titles: string[] = [];
              for (let round = 0; round < 4; round += 1) {
                const now = Array.from({ length: count }, (_, place) => `${round}-${place}.mp4`);
                titles.push(...now);
                const later = await crowd(rig, think, now, spacing);
                assert.ok(Math.max(...later) <= most + 4 * delay, `round ${round}: later by ${later} ms`);
                await rig.clock.advance(500);
              }
              assert.equal(rig.origin.requests.length, titles.length);
              await rig.close();
            });
});
