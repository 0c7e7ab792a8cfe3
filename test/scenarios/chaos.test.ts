/**
 * An origin that does everything wrong that can be mended, and players that do as they please, under settings that are
 * drawn with them. What fails is told with its seed, its settings among them.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { stage } from '../cache/stage.ts';
import { fragmentedFilm, tailedFilm } from '../support/boxed-films.ts';
import { film } from '../support/film.ts';
import { pause } from '../support/pause.ts';
import { runs } from '../support/runs.ts';
import type { ScriptedRequest } from '../support/scripted-origin.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { answerAll, answerWith, refusal } from './answers.ts';

const mebibyte = 1024 * 1024;
const never = new AbortController().signal;

/** What one request meets; what is not told ends well. */
const fate = fc.record({
  after: fc.nat(900),
  how: fc.constantFrom('well', 'well', 'refused', 'reset', '503', 'cut', 'short', 'stall', 'whole', 'trickle'),
  bytes: fc.integer({ min: 1, max: 300_000 }),
});
/** An hour, in milliseconds. */
const longPause = 3_600_000;

type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never;

const player = fc.record({
  at: fc.nat(40_000),
  /** Of the film. */
  start: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  length: fc.option(fc.integer({ min: 1, max: 400_000 })),
  leaves: fc.option(fc.nat(8000), { freq: 2 }),
  pauses: fc.option(fc.oneof(fc.nat(60_000), fc.constant(longPause)), { freq: 2 }),
});

/** Times are in milliseconds, sizes in bytes. */
const settings = fc.record({
  shown: fc.oneof(
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(700_001, 700_001, 1, 7, 262_143, 262_144, 262_145, 3 * mebibyte)
        .map((size) => film(size)),
    },
    fc.constantFrom(
      tailedFilm(3 * mebibyte, 300_000, 8000).film,
      fragmentedFilm(3, true).film,
      fragmentedFilm(3, false).film,
    ),
  ),
  /** How much the store may hold. */
  room: fc.constantFrom(null, null, mebibyte / 2, mebibyte),
  maxConnections: fc.constantFrom(1, 2, 32),
  parallelFetches: fc.constantFrom(1, 8),
  readAhead: fc.constantFrom(65_536, 262_144, 67_108_864),
  restTimeout: fc.constantFrom(0, 5000, 60_000),
  stallTimeout: fc.constantFrom(10_000, 5000),
  firstByteTimeout: fc.constantFrom(30_000, 120_000),
  healTimeout: fc.constantFrom(90_000, 300_000),
});

async function meet(request: ScriptedRequest, fate: Fate, size: number, clock: VirtualClock): Promise<void> {
  const { after, how, bytes } = fate;
  await pause(clock, after, never);
  if (how === 'refused') return void request.refuse(refusal());
  if (how === 'reset') return void request.refuse(refusal('connection_terminated'));
  if (how === '503') return answerWith(request, 503);
  request.head(how === 'whole' ? 200 : 206);
  const end = how === 'whole' ? size : (request.until ?? size);
  const stop = how === 'well' || how === 'whole' ? end : Math.min(end, request.position + bytes);
  while (request.live && request.position < stop) {
    const piece = how === 'trickle' ? 5000 : 65_536;
    await pause(clock, how === 'trickle' ? 200 : 20, never);
    await request.wanted();
    request.bytes(Math.min(piece, stop - request.position));
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
        settings,
        async (fates, players, { shown, room, maxConnections, parallelFetches, ...policy }) => {
          const { size } = shown;
          const mounted = { maxConnections, parallelFetches };
          const clock = new VirtualClock();
          const limits = room === null ? {} : { maxSize: { bytes: room }, segmentSize: mebibyte / 4 };
          const store = createMemoryStore({ clock, ...limits });
          const { view, origin, cache, eventsOf } = stage({ film: shown, clock, store, ...mounted, policy });
          let met = 0;
          void answerAll(origin, (request) => {
            void meet(request, fates[met] ?? { after: 50, how: 'well', bytes: 1 }, size, clock);
            met += 1;
          });
          const staying: Array<ReturnType<typeof view>> = [];
          for (const { at, start: share, length, leaves, pauses } of players) {
            const start = Math.floor(share * size);
            clock.after(at, () => {
              const viewer = view(start, length === null ? null : Math.min(size, start + length));
              if (leaves === null) staying.push(viewer);
              else clock.after(leaves, () => viewer.leave());
              if (pauses === null) return;
              viewer.pause();
              clock.after(pauses, () => viewer.resume());
            });
          }
          await clock.advance(longPause + 1_800_000);
          assert.deepEqual(
            staying.map(({ outcome }) => outcome),
            staying.map(() => 'whole'),
          );
          assert.deepEqual(eventsOf('bug'), []);
          assert.ok(origin.requests.length < 150, `${origin.requests.length} requests`);
          const counts = { entries: cache.entries().length, slots: cache.slotsUsed, ...store.loans?.() };
          const all = Object.entries({ ...counts, timers: clock.pending, requests: origin.live.length });
          assert.deepEqual(
            all.filter(([, count]) => count !== 0),
            [],
            'nothing is lent',
          );
        },
      ),
      { numRuns: runs(200), seed: 7 },
    );
  });
});
