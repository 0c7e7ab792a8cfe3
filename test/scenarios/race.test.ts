/** Requests before, during and after the start of a fill, in every order that a seed can think of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stage } from '../cache/stage.ts';
import { film } from '../support/film.ts';
import { virtualRig } from '../support/rig.ts';
import { runs } from '../support/runs.ts';

const movie = film(40_000);

/** What happens next, and after how many turns of which kind. */
const step = fc.oneof(
  fc.record({ do: fc.constantFrom('connect', 'head', 'byte', 'bytes', 'all', 'leave', 'end') }),
  fc.record({ do: fc.constant('join' as const), at: fc.constantFrom(0, 0, 0, 1, 9999, 16_000) }),
  fc.record({ do: fc.constantFrom('microtask', 'turn', 'rest', 'time') }),
);

describe('a thousand ways to begin', () => {
  it('never fail a request, never ask the origin twice, and give the right bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, patient) => {
        const { view, clock, origin, cache } = stage({ film: movie });
        // One stays to the end, so that there is a fill that all others meet.
        const viewers = [view()];
        const leavers = new Set<number>();
        for (const one of steps) {
          const request = origin.requests[0];
          if (one.do === 'join') viewers.push(view('at' in one ? one.at : 0));
          else if (one.do === 'microtask') await Promise.resolve();
          else if (one.do === 'turn') await new Promise((resolve) => setImmediate(resolve));
          else if (one.do === 'rest') await clock.settle();
          else if (one.do === 'time') await clock.advance(patient ? 1000 : 1);
          else if (one.do === 'leave' && viewers.length > 1) {
            viewers.at(-1)?.leave();
            leavers.add(viewers.length - 1);
          } else if (request !== undefined) {
            if (one.do === 'connect') request.connected();
            const answered = request.position > 0 || request.reading;
            if (one.do === 'head' && !answered) await give(() => request.head());
            if (answered && one.do === 'byte') request.bytes(1);
            if (answered && one.do === 'bytes') request.bytes(Math.min(7777, movie.size - request.position));
            if (answered && one.do === 'all') request.bytes(movie.size - request.position);
            if (answered && one.do === 'end' && request.position === movie.size) request.end();
          }
        }
        await clock.settle();
        const request = origin.requests[0];
        assert.ok(request !== undefined);
        if (request.live) {
          await give(() => request.head());
          request.bytes(movie.size - request.position).end();
        }
        await clock.settle();
        viewers.push(view(), view(20_000));
        await clock.settle();
        for (const [index, { outcome }] of viewers.entries()) {
          if (!leavers.has(index)) assert.equal(outcome, 'whole', `viewer ${index}`);
          else assert.ok(outcome === 'whole' || outcome === 'left', `viewer ${index}: ${outcome}`);
        }
        assert.deepEqual([origin.requests.length, origin.fetchedTwice], [1, []]);
        await clock.advance(120_000);
        assert.deepEqual([clock.pending, cache.fills().length, origin.live.length], [0, 0, 0]);
      }),
      { numRuns: runs(1000), seed: 20_261_122 },
    );
  });
});

describe('a hundred ways to begin, over HTTP', () => {
  it('give every player the right bytes at the first asking, for one request to the origin', async () => {
    const moments = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 120 }),
        range: fc.constantFrom(null, '0-', '0-0', '48-', '1000-15000', '39999-', '0-39999'),
        leaves: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 3 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const origins = fc.record({
      headAfter: fc.nat(60),
      bodyAfter: fc.nat(30),
      rate: fc.constantFrom(500_000, 5_000_000),
    });
    await fc.assert(
      fc.asyncProperty(moments, origins, async (requests, origin) => {
        const rig = await virtualRig({ films: movie, origin, relay: { delay: 5 } });
        // As in the other race: one stays to the end.
        const exchanges = [rig.get('/films/film.mp4')];
        for (const { at, range, leaves } of requests) {
          rig.clock.after(at, () => {
            const player = rig.player();
            const exchange = player.get('/films/film.mp4', range === null ? {} : { range });
            if (leaves === null) exchanges.push(exchange);
            else rig.clock.after(leaves, () => player.leave());
          });
        }
        await rig.clock.advance(2000);
        for (const { outcome, status } of exchanges) assert.ok(outcome === 'complete' && (status ?? 500) < 300);
        const asked = rig.origin.requests.filter(
          ({ fields }) => !fields.some(([name, value]) => name === 'range' && value.startsWith('bytes=39999')),
        );
        assert.equal(asked.length, 1);
        assert.deepEqual([rig.eventsOf('own-error'), rig.eventsOf('bug')], [[], []]);
        await rig.close();
      }),
      { numRuns: runs(100), seed: 20_261_122 },
    );
  });
});

/** A head may have been given in an earlier step. */
async function give(head: () => unknown): Promise<void> {
  try {
    head();
  } catch (error) {
    assert.match(String(error), /given before/);
  }
}
