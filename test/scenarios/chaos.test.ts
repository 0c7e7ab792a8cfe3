/** An origin that does everything wrong that can be mended, and players that do as they please. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { pause } from '../support/pause.ts';
import type { ScriptedRequest } from '../support/scripted-origin.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';
import { answerAll, answerWith, refusal } from './answers.ts';

const movie = film(700_001);
const never = new AbortController().signal;

/** What one request meets; what is not told ends well. */
const fate = fc.record({
  after: fc.nat(900),
  how: fc.constantFrom('well', 'well', 'refused', 'reset', '503', 'cut', 'short', 'stall', 'whole', 'trickle'),
  bytes: fc.integer({ min: 1, max: 300_000 }),
});
type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never;

const player = fc.record({
  at: fc.nat(40_000),
  start: fc.oneof(fc.constant(0), fc.nat(movie.size - 1)),
  length: fc.option(fc.integer({ min: 1, max: 400_000 })),
  leaves: fc.option(fc.nat(8000), { freq: 2 }),
  pauses: fc.option(fc.nat(60_000), { freq: 2 }),
});

async function meet(request: ScriptedRequest, { after, how, bytes }: Fate, clock: VirtualClock): Promise<void> {
  await pause(clock, after, never);
  if (how === 'refused') return void request.refuse(refusal());
  if (how === 'reset') return void request.refuse(refusal('connection_terminated'));
  if (how === '503') return answerWith(request, 503);
  request.head(how === 'whole' ? 200 : 206);
  const end = how === 'whole' ? movie.size : (request.until ?? movie.size);
  const stop = how === 'well' || how === 'whole' ? end : Math.min(end, request.position + bytes);
  while (request.live && request.position < stop) {
    const size = how === 'trickle' ? 5000 : 65_536;
    await pause(clock, how === 'trickle' ? 200 : 20, never);
    await request.wanted();
    request.bytes(Math.min(size, stop - request.position));
  }
  if (how === 'cut') request.cut();
  if (how !== 'cut' && how !== 'stall') request.end();
}

describe('an origin that does everything wrong that can be mended', () => {
  it('costs nobody a byte, and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fate, { maxLength: 12 }),
        fc.array(player, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(1, 2, 32),
        fc.constantFrom(65_536, 262_144, 67_108_864),
        async (fates, players, maxConnections, readAhead) => {
          const { view, clock, origin, cache, eventsOf } = stage({
            film: movie,
            maxConnections,
            policy: { readAhead },
          });
          let met = 0;
          void answerAll(origin, (request) => {
            void meet(request, fates[met] ?? { after: 50, how: 'well', bytes: 1 }, clock);
            met += 1;
          });
          const staying: Array<ReturnType<typeof view>> = [];
          for (const { at, start, length, leaves, pauses } of players) {
            clock.after(at, () => {
              const viewer = view(start, length === null ? null : Math.min(movie.size, start + length));
              if (leaves === null) staying.push(viewer);
              else clock.after(leaves, () => viewer.leave());
              if (pauses === null) return;
              viewer.pause();
              clock.after(pauses, () => viewer.resume());
            });
          }
          await clock.advance(900_000);
          assert.deepEqual(
            staying.map(({ outcome }) => outcome),
            staying.map(() => 'whole'),
          );
          assert.deepEqual(eventsOf('bug'), []);
          assert.ok(origin.requests.length < 150, `${origin.requests.length} requests`);
          assert.deepEqual([cache.fills().length, clock.pending, origin.live.length], [0, 0, 0]);
        },
      ),
      { numRuns: 150, seed: 7 },
    );
  });
});
