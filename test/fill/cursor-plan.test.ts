import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { RangeSet } from '../../src/bytes/range-set.ts';
import {
  aheadOf,
  type CursorSight,
  type Ground,
  planFor,
  type ReaderSight,
  rangeEnd,
  reachOf,
} from '../../src/fill/cursor-plan.ts';
import { runs } from '../support/runs.ts';

/** The world of the oracle: so many cells of so many bytes, and one byte more so that nothing is round. */
const cells = 40;
const cell = 8 * 1024 + 1;
const length = cells * cell;

interface World {
  readonly ground: Ground;
  /** Cell by cell. */
  readonly present: readonly boolean[];
  readonly cursors: readonly CursorSight[];
  readonly readers: ReadonlyArray<ReaderSight<CursorSight>>;
  readonly errands: readonly ByteRange[];
}

const world: fc.Arbitrary<World> = fc
  .record({
    present: fc.array(fc.boolean(), { minLength: cells, maxLength: cells }),
    sparse: fc.boolean(),
    lengthKnown: fc.boolean(),
    ranges: fc.constantFrom(true, true, true, false, null),
    cursors: fc.array(fc.record({ at: fc.nat(cells - 1), speed: fc.option(fc.integer({ min: 1, max: 5_000_000 })) }), {
      maxLength: 6,
    }),
    readers: fc.array(
      fc.record({
        at: fc.nat(cells),
        ahead: fc.nat(cells),
        beyond: fc.nat(cells),
        owed: fc.option(fc.nat(5), { freq: 2 }),
      }),
      {
        maxLength: 5,
      },
    ),
    errands: fc.array(fc.record({ at: fc.nat(cells), size: fc.nat(cells) }), { maxLength: 2 }),
  })
  .map(({ present, sparse, lengthKnown, ranges, cursors, readers, errands }) => {
    const thinned = present.map((is, index) => is && (!sparse || index % 7 === 0));
    const runs = thinned.flatMap((is, index) => (is ? [{ start: index * cell, end: (index + 1) * cell }] : []));
    const sights = cursors.map(({ at, speed }, index) => ({ id: index + 1, position: at * cell, speed }));
    return {
      present: thinned,
      ground: { present: RangeSet.from(runs), length: lengthKnown ? length : Number.POSITIVE_INFINITY, ranges },
      cursors: sights,
      readers: readers.map(({ at, ahead, beyond, owed }) => ({
        position: at * cell,
        edge: (at + ahead) * cell,
        until: (at + ahead + beyond) * cell,
        owedBy: owed === null ? null : (sights[owed] ?? null),
      })),
      errands: errands.map(({ at, size }) => ({ start: at * cell, end: (at + size) * cell })),
    };
  });

describe('who brings a missing byte', () => {
  it('is what a look at each cell backwards says', () => {
    fc.assert(
      fc.property(world, fc.nat(cells - 1), fc.integer({ min: 0, max: 2000 }), (there, at, firstByteIn) => {
        fc.pre(!there.present[at]);
        const offset = at * cell;
        let right: { join: CursorSight } | { open: number } = { open: there.ground.ranges === false ? 0 : offset };
        for (let back = at; back >= 0; back -= 1) {
          const cursor = there.cursors.find(({ position }) => position === back * cell);
          if (back < at && there.present[back] && there.ground.ranges !== false) {
            // Bytes that are there already end the cursor behind them; one that stands on them will end at once.
            break;
          }
          if (cursor === undefined) continue;
          const distance = offset - cursor.position;
          const soon =
            distance <= 16 * 1024 || (cursor.speed !== null && (distance / cursor.speed) * 1000 <= firstByteIn);
          if (there.ground.ranges === false || soon) right = { join: cursor };
          break;
        }
        assert.deepEqual(planFor(offset, there.ground, there.cursors, firstByteIn), right);
      }),
      { numRuns: runs(1000) },
    );
  });

  const empty: Ground = { present: new RangeSet(), length: 1_000_000_000, ranges: true };
  const at = (position: number, speed: number | null = null) => ({ id: 1, position, speed });

  it('is a new cursor where there is none', () => assert.deepEqual(planFor(5, empty, [], 300), { open: 5 }));

  it('is the cursor that will be there before a new one could be', () => {
    const cursor = at(0, 1_000_000);
    assert.deepEqual(planFor(300_000, empty, [cursor], 300), { join: cursor });
    assert.deepEqual(planFor(300_001, empty, [cursor], 300), { open: 300_001 });
    assert.deepEqual(planFor(300_001, empty, [cursor], 3000), { join: cursor });
  });

  it('is the cursor that stands before its first byte only where it is close', () => {
    const cursor = at(0);
    assert.deepEqual(planFor(16 * 1024, empty, [cursor], 300), { join: cursor });
    assert.deepEqual(planFor(16 * 1024 + 1, empty, [cursor], 300), { open: 16 * 1024 + 1 });
  });

  it('is never a cursor that has passed', () => assert.deepEqual(planFor(5, empty, [at(6)], 300), { open: 5 }));

  it('is the one body of an origin that knows no ranges, or a new one from its start', () => {
    const whole = { ...empty, ranges: false };
    const cursor = at(0, 1);
    assert.deepEqual(planFor(999_999_999, whole, [cursor], 300), { join: cursor });
    assert.deepEqual(planFor(999_999_999, whole, [at(1_000_000_000)], 300), { open: 0 });
  });
});

describe('how far a cursor may run', () => {
  it('is what a look at each cell forwards says', () => {
    fc.assert(
      fc.property(world, fc.nat(5), (there, which) => {
        const cursor = there.cursors[which];
        fc.pre(cursor !== undefined && there.ground.ranges !== false);
        if (cursor === undefined) return;
        const others = there.cursors.filter((other) => other !== cursor);
        const first = cursor.position / cell;
        let hard = there.ground.length;
        for (let index = first; index < cells; index += 1) {
          const here = others.some(({ position }) => position === index * cell && index > first);
          if (!there.present[index] && !here) continue;
          hard = index * cell;
          break;
        }
        if (others.some(({ id, position }) => position === cursor.position && id < cursor.id)) hard = cursor.position;
        const behind = there.readers.filter(({ position, owedBy }) => owedBy === cursor || position <= cursor.position);
        const edge = Math.max(0, ...behind.map((reader) => reader.edge));
        const here = there.errands.filter(({ start, end }) => start <= cursor.position && cursor.position < end);
        assert.deepEqual(reachOf(cursor, there.ground, there.cursors, there.readers, there.errands), {
          hard,
          edge: Math.max(edge, ...here.map(({ end }) => end)),
          worthwhile: Math.max(
            0,
            ...behind.map((reader) =>
              reader.owedBy === cursor ? reader.edge : 0.25 * reader.position + 0.75 * reader.edge,
            ),
            ...here.map(({ end }) => end),
          ),
          served: edge > cursor.position,
          followed: behind.some(({ until }) => until > cursor.position),
        });
      }),
      { numRuns: runs(1000) },
    );
  });

  it('is over present bytes, too, where the origin gives everything from the start only', () => {
    const present = RangeSet.from([{ start: 10, end: 20 }]);
    const cursor = { id: 1, position: 5, speed: 1 };
    const { hard } = reachOf(cursor, { present, length: 100, ranges: false }, [cursor], [], []);
    assert.equal(hard, 100);
  });

  it('is nothing where an older cursor of such an origin will come by with all that is missing', () => {
    const present = RangeSet.from([{ start: 0, end: 50 }]);
    const [older, newer] = [
      { id: 1, position: 50, speed: 1 },
      { id: 2, position: 0, speed: 1 },
    ];
    const ground = { present, length: 100, ranges: false };
    assert.equal(reachOf(newer, ground, [older, newer], [], []).hard, 0);
    assert.equal(reachOf(older, ground, [older, newer], [], []).hard, 100);
    const later = { id: 3, position: 60, speed: 1 };
    assert.equal(reachOf(newer, ground, [later, newer], [], []).hard, 100, 'nobody else brings 50 to 60');
  });
});

describe('where a reader would run dry', () => {
  it('is what a look at each cell of its window says', () => {
    fc.assert(
      fc.property(world, fc.nat(4), (there, which) => {
        const reader = there.readers[which];
        fc.pre(reader !== undefined && there.ground.ranges !== false);
        if (reader === undefined) return;
        const end = Math.min(reader.edge, there.ground.length);
        let right: number | null = null;
        for (let index = reader.position / cell; index * cell < end; index += 1) {
          if (there.present[index]) continue;
          right = index * cell;
          break;
        }
        const soon = right !== null && right - reader.position < 0.75 * (reader.edge - reader.position);
        assert.equal(aheadOf(reader, there.ground), soon ? right : null);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('is nowhere where the origin gives everything from the start only', () => {
    const reader = { position: 0, edge: 100, until: 100, owedBy: null };
    assert.equal(aheadOf(reader, { present: new RangeSet(), length: 100, ranges: false }), null);
  });

  it('is nowhere where the window is present', () => {
    const present = RangeSet.from([{ start: 0, end: 100 }]);
    assert.equal(
      aheadOf({ position: 0, edge: 100, until: 100, owedBy: null }, { present, length: 200, ranges: true }),
      null,
    );
  });
});

describe('where a bounded range ends', () => {
  const unit = 256 * 1024;
  const largest = 16 * 1024 * 1024;
  const somewhere = {
    start: fc.nat(2 ** 40),
    behind: fc.nat(2 ** 34),
    room: fc.integer({ min: 1, max: 2 ** 30 }),
    meanwhile: fc.oneof(fc.constant(0), fc.nat(2 ** 28)),
    rest: fc.integer({ min: 1, max: 2 ** 34 }),
  };

  it('is past its start, and never past what is given, nor past the window but for a crumb or one head', () => {
    fc.assert(
      fc.property(fc.record(somewhere), ({ start, behind, room, meanwhile, rest }) => {
        const [edge, given] = [start + room, start + rest];
        const end = rangeEnd({ start, behind, edge, meanwhile }, given);
        assert.ok(end > start && end <= given);
        assert.ok(end < Math.max(edge, start + meanwhile) + unit);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('leaves no crumb: what is given is reached, or 256 KiB and more are left', () => {
    fc.assert(
      fc.property(fc.record(somewhere), ({ start, behind, room, meanwhile, rest }) => {
        const given = start + rest;
        const end = rangeEnd({ start, behind, edge: start + room, meanwhile }, given);
        assert.ok(end === given || given - end >= unit);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('doubles from 256 KiB to 16 MiB while reading goes on in sequence', () => {
    const sizes: number[] = [];
    for (let start = 0; sizes.length < 9; ) {
      const end = rangeEnd({ start, behind: start, edge: Infinity, meanwhile: 0 }, 2 ** 40);
      sizes.push((end - start) / unit);
      start = end;
    }
    assert.deepEqual(sizes, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  it('is that of the stride where a cut was healed, or a turn ended, in its middle', () => {
    const healed = rangeEnd({ start: 5 * unit, behind: 5 * unit, edge: Infinity, meanwhile: 0 }, 2 ** 40);
    assert.equal(healed - 5 * unit, 6 * unit);
  });

  it('is so far away that the next head is not waited for, and that heads are a small part of the whole', () => {
    const slow = { start: 0, edge: unit, meanwhile: 100 * unit };
    assert.equal(rangeEnd({ ...slow, behind: 0 }, 2 ** 40), 100 * unit);
    assert.equal(rangeEnd({ ...slow, behind: 2 ** 34, edge: Infinity }, 2 ** 40), 1600 * unit);
    assert.ok(1600 * unit > largest);
  });
});
