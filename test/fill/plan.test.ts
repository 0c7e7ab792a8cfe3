import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { RangeSet } from '../../src/bytes/range-set.ts';
import {
  goalOf,
  type KnownContent,
  missingAhead,
  type PlannedFetch,
  planFor,
  type ReaderInterest,
  rangeEnd,
  type Snapshot,
} from '../../src/fill/plan.ts';
import { runs } from '../support/runs.ts';

/** The world of the oracle: so many cells of so many bytes, and one byte more so that nothing is round. */
const cells = 40;
const cell = 8 * 1024 + 1;
const length = cells * cell;

interface World extends Snapshot<PlannedFetch> {
  /** Cell by cell. */
  readonly present: readonly boolean[];
  readonly fetches: readonly PlannedFetch[];
}

const world: fc.Arbitrary<World> = fc
  .record({
    present: fc.array(fc.boolean(), { minLength: cells, maxLength: cells }),
    sparse: fc.boolean(),
    lengthKnown: fc.boolean(),
    ranges: fc.constantFrom(true, true, true, false, null),
    fetches: fc.array(
      fc.record({
        at: fc.nat(cells - 1),
        throughput: fc.option(fc.integer({ min: 1, max: 5_000_000 })),
        body: fc.option(fc.nat(cells)),
      }),
      {
        maxLength: 6,
      },
    ),
    readers: fc.array(
      fc.record({
        at: fc.nat(cells),
        ahead: fc.nat(cells),
        beyond: fc.nat(cells),
        waitsFor: fc.option(fc.nat(5), { freq: 2 }),
        deadline: fc.nat(1000),
      }),
      {
        maxLength: 5,
      },
    ),
    jobs: fc.array(fc.record({ at: fc.nat(cells), size: fc.nat(cells) }), { maxLength: 2 }),
    foreseen: fc.array(fc.record({ at: fc.nat(cells), size: fc.nat(cells) }), { maxLength: 2 }),
  })
  .map(({ present, sparse, lengthKnown, ranges, fetches: opened, readers, jobs, foreseen }) => {
    const thinned = present.map((is, index) => is && (!sparse || index % 7 === 0));
    const runs = thinned.flatMap((is, index) => (is ? [{ start: index * cell, end: (index + 1) * cell }] : []));
    const fetches = opened.map(({ at, throughput, body }, index) => ({
      id: index + 1,
      position: at * cell,
      throughput,
      bodyEnd: body === null ? 0 : (at + body) * cell,
    }));
    return {
      present: thinned,
      content: { present: RangeSet.from(runs), length: lengthKnown ? length : Number.POSITIVE_INFINITY, ranges },
      fetches,
      readers: readers.map(({ at, ahead, beyond, waitsFor, deadline }) => ({
        position: at * cell,
        windowEnd: (at + ahead) * cell,
        end: (at + ahead + beyond) * cell,
        waitsFor: waitsFor === null ? null : (fetches[waitsFor] ?? null),
        deadline,
      })),
      jobs: jobs.map(({ at, size }) => ({ start: at * cell, end: (at + size) * cell })),
      foreseen: foreseen.map(({ at, size }) => ({ start: at * cell, end: (at + size) * cell })),
    };
  });

describe('who brings a missing byte', () => {
  it('is what a look at each cell backwards says', () => {
    fc.assert(
      fc.property(world, fc.nat(cells - 1), fc.integer({ min: 0, max: 2000 }), (there, at, firstByteMs) => {
        fc.pre(!there.present[at]);
        const offset = at * cell;
        let right: { join: PlannedFetch } | { open: number } = { open: there.content.ranges === false ? 0 : offset };
        for (let back = at; back >= 0; back -= 1) {
          const fetch = there.fetches.find(({ position }) => position === back * cell);
          if (back < at && there.present[back] && there.content.ranges !== false) {
            // Bytes that are there already end the fetch behind them; one that stands on them will end at once.
            break;
          }
          if (fetch === undefined) continue;
          const distance = offset - fetch.position;
          const soon =
            distance <= 16 * 1024 || (fetch.throughput !== null && (distance / fetch.throughput) * 1000 <= firstByteMs);
          if (there.content.ranges === false || soon) right = { join: fetch };
          break;
        }
        assert.deepEqual(planFor(offset, there.content, there.fetches, firstByteMs), right);
      }),
      { numRuns: runs(1000) },
    );
  });

  const empty: KnownContent = { present: new RangeSet(), length: 1_000_000_000, ranges: true };
  const at = (position: number, throughput: number | null = null) => ({ id: 1, position, throughput, bodyEnd: 0 });

  it('is a new fetch where there is none', () => assert.deepEqual(planFor(5, empty, [], 300), { open: 5 }));

  it('is the fetch that will be there before a new one could be', () => {
    const fetch = at(0, 1_000_000);
    assert.deepEqual(planFor(300_000, empty, [fetch], 300), { join: fetch });
    assert.deepEqual(planFor(300_001, empty, [fetch], 300), { open: 300_001 });
    assert.deepEqual(planFor(300_001, empty, [fetch], 3000), { join: fetch });
  });

  it('is the fetch that stands before its first byte only where it is close', () => {
    const fetch = at(0);
    assert.deepEqual(planFor(16 * 1024, empty, [fetch], 300), { join: fetch });
    assert.deepEqual(planFor(16 * 1024 + 1, empty, [fetch], 300), { open: 16 * 1024 + 1 });
  });

  it('is never a fetch that has passed', () => assert.deepEqual(planFor(5, empty, [at(6)], 300), { open: 5 }));

  it('is the one body of an origin that knows no ranges, or a new one from its start', () => {
    const whole = { ...empty, ranges: false };
    const fetch = at(0, 1);
    assert.deepEqual(planFor(999_999_999, whole, [fetch], 300), { join: fetch });
    assert.deepEqual(planFor(999_999_999, whole, [at(1_000_000_000)], 300), { open: 0 });
  });
});

/** The goal of a fetch beside others, where nobody reads. */
function goalOfOne(fetch: PlannedFetch, content: KnownContent, fetches: readonly PlannedFetch[]) {
  return goalOf(fetch, { content, fetches, readers: [], jobs: [], foreseen: [] }, 0);
}

describe('the goal of a fetch', () => {
  it('is what a look at each cell forwards says', () => {
    fc.assert(
      fc.property(world, fc.nat(5), fc.nat(1000), (there, which, aheadDeadline) => {
        const fetch = there.fetches[which];
        fc.pre(fetch !== undefined && there.content.ranges !== false);
        if (fetch === undefined) return;
        const { position } = fetch;
        const others = there.fetches.filter((other) => other !== fetch);
        const first = position / cell;
        let hardEnd = there.content.length;
        for (let index = first; index < cells; index += 1) {
          const here = others.some((other) => other.position === index * cell && index > first);
          if (!there.present[index] && !here) continue;
          hardEnd = index * cell;
          break;
        }
        const asked = (each: PlannedFetch) => each.bodyEnd > each.position;
        const goesBefore = (other: PlannedFetch) =>
          asked(other) === asked(fetch) ? other.id < fetch.id : asked(other);
        if (others.some((other) => other.position === position && goesBefore(other))) hardEnd = position;
        const waiting = there.readers.filter(({ waitsFor }) => waitsFor === fetch);
        const behind = there.readers.filter((reader) => waiting.includes(reader) || reader.position <= position);
        const passed = ({ start, end }: ByteRange) => start <= position && position < end;
        const isForeseen = there.foreseen.some(passed);
        const jobs = [...there.jobs, ...there.foreseen].filter(passed).map(({ end }) => end);
        const windowEnd = Math.max(0, ...behind.map((reader) => reader.windowEnd));
        const readersEnd = Math.max(0, ...behind.map(({ end }) => end));
        const refills = behind.map((reader) =>
          waiting.includes(reader) ? reader.windowEnd : 0.25 * reader.position + 0.75 * reader.windowEnd,
        );
        const served = windowEnd > position;
        assert.deepEqual(goalOf(fetch, there, aheadDeadline), {
          hardEnd,
          until: Math.max(windowEnd, ...jobs),
          refillBefore: Math.max(0, ...refills, ...jobs),
          readersEnd,
          wantedEnd: Math.max(served || waiting.length > 0 ? readersEnd : 0, ...jobs) || Number.POSITIVE_INFINITY,
          urgency: waiting.length > 0 ? 'waited for' : served || isForeseen ? 'ahead' : 'background',
          pressed: there.readers.some((reader) => position >= reader.position && position - reader.position <= 2 ** 18),
          deadline: Math.max(
            Number.NEGATIVE_INFINITY,
            ...waiting.map(({ deadline }) => deadline),
            ...(served ? [aheadDeadline] : []),
          ),
        });
      }),
      { numRuns: runs(1000) },
    );
  });

  it('goes over present bytes, too, where the origin gives everything from the start only', () => {
    const present = RangeSet.from([{ start: 10, end: 20 }]);
    const fetch = { id: 1, position: 5, throughput: 1, bodyEnd: 0 };
    assert.equal(goalOfOne(fetch, { present, length: 100, ranges: false }, [fetch]).hardEnd, 100);
  });

  it('is nothing where an older fetch from such an origin will come by with all that is missing', () => {
    const present = RangeSet.from([{ start: 0, end: 50 }]);
    const older = { id: 1, position: 50, throughput: 1, bodyEnd: 0 };
    const newer = { id: 2, position: 0, throughput: 1, bodyEnd: 0 };
    const content = { present, length: 100, ranges: false };
    assert.equal(goalOfOne(newer, content, [older, newer]).hardEnd, 0);
    assert.equal(goalOfOne(older, content, [older, newer]).hardEnd, 100);
    const later = { id: 3, position: 60, throughput: 1, bodyEnd: 0 };
    assert.equal(goalOfOne(newer, content, [later, newer]).hardEnd, 100, 'nobody else brings 50 to 60');
  });
});

describe('where a reader would run dry', () => {
  const reader: ReaderInterest<PlannedFetch> = { position: 0, windowEnd: 100, end: 100, waitsFor: null, deadline: 0 };

  it('is what a look at each cell of its window says', () => {
    fc.assert(
      fc.property(world, fc.nat(4), (there, which) => {
        const reader = there.readers[which];
        fc.pre(reader !== undefined && there.content.ranges !== false);
        if (reader === undefined) return;
        const end = Math.min(reader.windowEnd, there.content.length);
        let right: number | null = null;
        for (let index = reader.position / cell; index * cell < end; index += 1) {
          if (there.present[index]) continue;
          right = index * cell;
          break;
        }
        const soon = right !== null && right - reader.position < 0.75 * (reader.windowEnd - reader.position);
        assert.equal(missingAhead(reader, there.content), soon ? right : null);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('is nowhere where the origin gives everything from the start only', () => {
    assert.equal(missingAhead(reader, { present: new RangeSet(), length: 100, ranges: false }), null);
  });

  it('is nowhere where the window is present', () => {
    const present = RangeSet.from([{ start: 0, end: 100 }]);
    assert.equal(missingAhead(reader, { present, length: 200, ranges: true }), null);
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
        const [until, given] = [start + room, start + rest];
        const end = rangeEnd({ start, behind, until, meanwhile }, given);
        assert.ok(end > start && end <= given);
        assert.ok(end < Math.max(until, start + meanwhile) + unit);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('leaves no crumb: what is given is reached, or 256 KiB and more are left', () => {
    fc.assert(
      fc.property(fc.record(somewhere), ({ start, behind, room, meanwhile, rest }) => {
        const given = start + rest;
        const end = rangeEnd({ start, behind, until: start + room, meanwhile }, given);
        assert.ok(end === given || given - end >= unit);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('doubles from 256 KiB to 16 MiB while reading goes on in sequence', () => {
    const sizes: number[] = [];
    for (let start = 0; sizes.length < 9; ) {
      const end = rangeEnd({ start, behind: start, until: Infinity, meanwhile: 0 }, 2 ** 40);
      sizes.push((end - start) / unit);
      start = end;
    }
    assert.deepEqual(sizes, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  it('is that of the stride where a cut was healed, or a time slice ended, in its middle', () => {
    const healed = rangeEnd({ start: 5 * unit, behind: 5 * unit, until: Infinity, meanwhile: 0 }, 2 ** 40);
    assert.equal(healed - 5 * unit, 6 * unit);
  });

  it('is so far away that the next head is not waited for, and that heads are a small part of the whole', () => {
    const slow = { start: 0, until: unit, meanwhile: 100 * unit };
    assert.equal(rangeEnd({ ...slow, behind: 0 }, 2 ** 40), 100 * unit);
    assert.equal(rangeEnd({ ...slow, behind: 2 ** 34, until: Infinity }, 2 ** 40), 1600 * unit);
    assert.ok(1600 * unit > largest);
  });
});
