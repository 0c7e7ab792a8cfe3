import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { RangeSet } from '../../src/bytes/range-set.ts';
import {
  goalOf,
  type KnownContent,
  missingAhead,
  nextPiece,
  type Pieces,
  type PlannedFetch,
  pieceUnit,
  planFor,
  type ReaderInterest,
  rangeEnd,
  type Snapshot,
  whole,
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
        size: fc.option(fc.nat(cells)),
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
    const fetches = opened.map(({ at, throughput, size }, index) => {
      const position = at * cell;
      return { id: index + 1, position, throughput, bodyEnd: size === null ? 0 : position + size * cell };
    });
    return {
      present: thinned,
      content: { present: RangeSet.from(runs), length: lengthKnown ? length : Number.POSITIVE_INFINITY, ranges },
      fetches,
      readers: readers.map(({ at, ahead, beyond, waitsFor, deadline }) => ({
        position: at * cell,
        windowEnd: (at + ahead) * cell,
        sequence: 0,
        end: (at + ahead + beyond) * cell,
        waitsFor: waitsFor === null ? null : (fetches[waitsFor] ?? null),
        deadline,
      })),
      pieces: whole,
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

/** A reader that waits for nothing and wants all. */
function readerAt(position: number, { windowEnd = 2 ** 40, sequence = 0 }): ReaderInterest<PlannedFetch> {
  return { position, windowEnd, sequence, end: 2 ** 40, waitsFor: null, deadline: 0 };
}

/** The goal of a fetch beside others, where nobody reads. */
function goalOfOne(fetch: PlannedFetch, content: KnownContent, fetches: readonly PlannedFetch[]) {
  return goalOf(fetch, { content, fetches, readers: [], jobs: [], foreseen: [], pieces: whole }, 0);
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
          piece: Number.POSITIVE_INFINITY,
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
  const reader = readerAt(0, { windowEnd: 100 });

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
  const piece = Number.POSITIVE_INFINITY;
  const prompt = { firstByteMs: 1, throughput: 0, piece };
  const somewhere = {
    start: fc.nat(2 ** 40),
    behind: fc.nat(2 ** 34),
    room: fc.integer({ min: 1, max: 2 ** 30 }),
    firstByteMs: fc.integer({ min: 1, max: 30_000 }),
    throughput: fc.oneof(fc.constant(0), fc.nat(2 ** 28)),
    rest: fc.integer({ min: 1, max: 2 ** 34 }),
  };
  /** Sixteen times what comes in while a head is waited for at a million bytes a second; or once at what comes. */
  const worthwhile = ({ firstByteMs, throughput }: { firstByteMs: number; throughput: number }) =>
    (firstByteMs * Math.max(16_000_000, throughput)) / 1000;

  it('is past its start, and never past what is given, nor past the window but for a crumb or what a head is worth', () => {
    fc.assert(
      fc.property(fc.record(somewhere), ({ start, behind, room, rest, ...pace }) => {
        const [until, given] = [start + room, start + rest];
        const end = rangeEnd({ start, behind, until, ...pace, piece }, given);
        assert.ok(end > start && end <= given);
        assert.ok(end < Math.max(until, start + worthwhile(pace)) + unit + 1);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('leaves no crumb: what is given is reached, or 256 KiB and more are left', () => {
    fc.assert(
      fc.property(fc.record(somewhere), ({ start, behind, room, rest, ...pace }) => {
        const given = start + rest;
        const end = rangeEnd({ start, behind, until: start + room, ...pace, piece }, given);
        assert.ok(end === given || given - end >= unit);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('doubles from 256 KiB to 16 MiB while reading goes on in sequence', () => {
    const sizes: number[] = [];
    for (let start = 0; sizes.length < 9; ) {
      const end = rangeEnd({ start, behind: start, until: Infinity, ...prompt }, 2 ** 40);
      sizes.push((end - start) / unit);
      start = end;
    }
    assert.deepEqual(sizes, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  it('is that of the stride where a cut was healed, or a time slice ended, in its middle', () => {
    const healed = rangeEnd({ start: 5 * unit, behind: 5 * unit, until: Infinity, ...prompt }, 2 ** 40);
    assert.equal(healed - 5 * unit, 6 * unit);
  });

  it('is so far away that heads are a small part of the whole, also past the window, and also while bytes are slow yet', () => {
    const satellite = { start: 0, until: unit, behind: 0, firstByteMs: 600, throughput: 50_000, piece };
    assert.ok(Math.abs(rangeEnd(satellite, 2 ** 40) - 9_600_000) < unit);
    const fast = { ...satellite, throughput: 5_000_000, behind: 2 ** 34, until: Infinity };
    assert.ok(Math.abs(rangeEnd(fast, 2 ** 40) - 48_000_000) < unit);
    assert.ok(rangeEnd(fast, 2 ** 40) > largest);
  });

  it('is where its piece ends, if several fetches run side by side', () => {
    const among = { start: 5, until: unit, behind: 0, firstByteMs: 600, throughput: 0, piece: 1000 };
    assert.equal(rangeEnd(among, 2 ** 40), 1005);
    assert.equal(rangeEnd(among, 1004), 1004);
  });
});

const somePieces: fc.Arbitrary<Pieces> = fc.record({
  unit: fc.integer({ min: 1, max: 6 }).map((of) => of * cell),
  even: fc.boolean(),
});

describe('pieces that fetches bring side by side', () => {
  const empty: KnownContent = { present: new RangeSet(), length: 2 ** 40, ranges: true };
  const unit = 64 * 1024;
  const growing = { unit, even: false };
  const pace = { firstByteMs: 60, throughput: 300_000 };

  /** Starts fetches until there is nothing to start; each asks for its piece. */
  function started(content: KnownContent, reader: ReaderInterest<PlannedFetch>, most: number, of: Pieces) {
    const fetches: PlannedFetch[] = [];
    for (let id = 1; fetches.length < most; id += 1) {
      const start = nextPiece(reader, content, fetches, of);
      if (start === null) break;
      const fresh = { id, position: start, throughput: null, bodyEnd: 0 };
      fetches.push(fresh);
      const snapshot = { content, fetches, readers: [reader], jobs: [], foreseen: [], pieces: of };
      const { hardEnd, piece } = goalOf(fresh, snapshot, 0);
      fetches[fetches.length - 1] = { ...fresh, bodyEnd: Math.min(hardEnd, start + piece) };
    }
    return fetches;
  }

  it('follow each other, each by one unit longer than the one before it, so that they end one after the other', () => {
    const fetches = started(empty, readerAt(0, {}), 4, growing);
    assert.deepEqual(
      fetches.map(({ position, bodyEnd }) => ({ start: position / unit, end: bodyEnd / unit })),
      [
        { start: 0, end: 1 },
        { start: 1, end: 3 },
        { start: 3, end: 6 },
        { start: 6, end: 10 },
      ],
    );
  });

  it('are of one unit each, where connections begin together', () => {
    const fetches = started(empty, readerAt(5, {}), 4, { unit, even: true });
    assert.deepEqual(
      fetches.map(({ position, bodyEnd }) => [(position - 5) / unit, (bodyEnd - position) / unit]),
      [0, 1, 2, 3].map((place) => [place, 1]),
    );
  });

  it('bring each missing byte of the window once, and none that is present', () => {
    fc.assert(
      fc.property(world, fc.nat(cells - 1), somePieces, ({ content }, at, of) => {
        const window = { start: at * cell, end: length };
        const reader = readerAt(window.start, { windowEnd: length });
        const known = { ...content, length, ranges: true };
        const brought = started(known, reader, 1000, of).map(({ position: start, bodyEnd: end }) => ({
          start,
          end,
        }));
        const all = RangeSet.from([...content.present]);
        for (const piece of brought) {
          assert.equal(all.firstGap(piece)?.start, piece.start, 'not there already');
          assert.ok(all.firstGap(piece)?.end === piece.end, 'nor any of it');
          all.add(piece);
        }
        assert.ok(all.covers(window));
      }),
      { numRuns: runs(1000) },
    );
  });

  it('begin in the window, at a byte that is missing and that no fetch is about to bring, whatever fetches there are', () => {
    fc.assert(
      fc.property(world, fc.nat(cells - 1), fc.nat(cells), somePieces, (there, at, ahead, of) => {
        const { content, fetches } = there;
        const reader = readerAt(at * cell, { windowEnd: (at + ahead) * cell });
        const start = nextPiece(reader, { ...content, ranges: true }, fetches, of);
        if (start === null) return;
        assert.ok(start >= reader.position && start < reader.windowEnd);
        assert.ok(!content.present.has(start));
        assert.ok(fetches.every(({ position }) => position !== start));
      }),
      { numRuns: runs(1000) },
    );
  });

  it('follow the fetch that goes on, where two stand at one place', () => {
    const idle = { id: 1, position: 0, throughput: null, bodyEnd: 0 };
    const asking = { id: 2, position: 0, throughput: null, bodyEnd: unit };
    assert.equal(nextPiece(readerAt(0, {}), empty, [idle, asking], growing), unit);
  });

  it('cut a body that goes on to the end, and leave one that was asked for as a piece alone', () => {
    const reader = readerAt(0, {});
    const open = { id: 1, position: 100, throughput: 300_000, bodyEnd: Infinity };
    const present = RangeSet.from([{ start: 0, end: 100 }]);
    assert.equal(nextPiece(reader, { ...empty, present }, [open], growing), 100 + unit);
    const last = { ...open, bodyEnd: 100 + 9 * unit };
    assert.equal(nextPiece(reader, { ...empty, present }, [last], growing), 100 + 9 * unit);
  });

  it('cut a body once, wherever the fetch before it is by then', () => {
    const before = (position: number) => ({ id: 1, position, throughput: 300_000, bodyEnd: 20 * unit });
    const long = (position: number) => ({ id: 2, position, throughput: 300_000, bodyEnd: 40 * unit });
    const cut = nextPiece(readerAt(15 * unit, {}), empty, [before(15 * unit), long(20 * unit)], growing) ?? 0;
    assert.equal(cut / unit, 26);
    const rest = { id: 3, position: cut, throughput: 300_000, bodyEnd: 40 * unit };
    const present = RangeSet.from([{ start: 20 * unit, end: 20.5 * unit }]);
    const running = [before(18 * unit), long(20.5 * unit), rest];
    assert.equal((nextPiece(readerAt(18 * unit, {}), { ...empty, present }, running, growing) ?? 0) / unit, 32.5);
  });

  it('share a body that a reader stands at and that takes seconds to come', () => {
    const slow = { id: 1, position: 0, throughput: 300_000, bodyEnd: 3_000_000 };
    const two = { unit: 1_500_000, even: false };
    const cut = nextPiece(readerAt(0, {}), empty, [slow], two);
    assert.equal(cut, 1_500_000);
    const beside = { id: 2, position: 1_500_000, throughput: null, bodyEnd: 3_000_000 };
    assert.equal(nextPiece(readerAt(0, {}), empty, [slow, beside], two), 750_000, 'again, while it takes so long');
    const quick = { ...slow, throughput: 1_500_000 };
    assert.equal(nextPiece(readerAt(0, {}), empty, [quick], two), 3_000_000, 'but not one that comes soon');
    const first = { ...quick, bodyEnd: 1_000_000 };
    const ahead = { ...slow, id: 2, position: 1_000_000, bodyEnd: 4_000_000 };
    assert.equal(nextPiece(readerAt(0, {}), empty, [first, ahead], two), 4_000_000, 'nor one far ahead of the reader');
    const faded = { ...slow, throughput: 10_000 };
    const fast = { ...beside, position: 3_000_000, throughput: 590_000, bodyEnd: 6_000_000 };
    assert.equal(nextPiece(readerAt(0, {}), empty, [faded, fast], two), 96_775, 'the less, the slower it is');
    const short = { ...slow, throughput: 1000, bodyEnd: 120_000 };
    assert.equal(nextPiece(readerAt(0, {}), empty, [short], two), 120_000, 'nor one too small to share');
  });

  it('are none at the edge of the window, where a request is not worth it', () => {
    assert.equal(nextPiece(readerAt(0, { windowEnd: unit - 1 }), empty, [], growing), null);
    assert.equal(nextPiece(readerAt(0, { windowEnd: unit }), empty, [], growing), 0);
    assert.equal(nextPiece(readerAt(0, {}), { ...empty, length: 10 }, [], growing), 0);
  });

  it('are of a unit that grows with what was read, and of which the largest takes seconds', () => {
    const of = (sequence: number) => pieceUnit(readerAt(0, { sequence }), 4, pace) / unit;
    assert.deepEqual(
      [0, 4, 8, 1000].map((mebibytes) => of(mebibytes * 2 ** 20)),
      [1.25, 2.75, 5.5, 5.75],
    );
  });

  it('are of a unit that takes a second at most over a slow line, as far as a request is worth it', () => {
    const of = (throughput: number) => pieceUnit(readerAt(0, {}), 2, { firstByteMs: 60, throughput }) / 1024;
    assert.deepEqual([2000, 16_000, 40_000, 64_000].map(of), [16, 16, 48, 64]);
  });

  it('are of a unit that a connection brings while a new one gets going, as far as the window allows', () => {
    const satellite = { firstByteMs: 600, throughput: 1_000_000 };
    assert.equal(pieceUnit(readerAt(0, {}), 4, satellite), Math.ceil(2_400_000 / (unit / 4)) * (unit / 4));
    assert.equal(pieceUnit(readerAt(0, { windowEnd: 2 ** 20 }), 4, satellite), 2 ** 18);
  });
});
