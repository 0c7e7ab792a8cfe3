import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type EvictionRules, evictionOrder, type ObjectView, type SegmentView } from '../../src/store/eviction.ts';
import { runs } from '../support/runs.ts';

const segmentSize = 10;
const rules: EvictionRules = {
  segmentSize,
  limit: 100,
  ahead: 20,
  watchedStays: Number.POSITIVE_INFINITY,
  edges: 0,
  tail: 5,
};

interface Film extends ObjectView<SegmentView> {
  readonly title: string;
  readonly segments: readonly SegmentView[];
}

function film(title: string, used: readonly number[], more: Partial<Film> = {}): Film {
  const segments = used.map((at, number) => ({ number, bytes: 10, used: at, watched: null, busy: false }));
  return { title, length: 10 * used.length, kept: false, playheads: [], place: null, segments, ...more };
}

function order(films: readonly Film[], changes: Partial<EvictionRules> = {}): string[] {
  const going = evictionOrder<SegmentView, Film>(films, { ...rules, ...changes });
  return going.map(({ held, segment }) => `${held.title}${segment.number}`);
}

describe('what goes first', () => {
  test('is what was used least recently, over all objects', () => {
    assert.deepEqual(order([film('a', [5, 1]), film('b', [3, 9])]), ['a1', 'b0', 'a0', 'b1']);
  });

  test('is the end of what was used at one time', () => {
    assert.deepEqual(order([film('a', [1, 1, 1])]), ['a2', 'a1', 'a0']);
  });

  test('is nothing that is pinned or being written', () => {
    const written = film('b', [1, 2]);
    const busy = { ...written, segments: written.segments.map((each) => ({ ...each, busy: each.number === 0 })) };
    assert.deepEqual(order([film('a', [1, 1], { kept: true }), busy]), ['b1']);
  });

  test('is nothing at a playhead, nor within the room ahead of it', () => {
    assert.deepEqual(order([film('a', [1, 1, 1, 1, 1], { playheads: [15] })]), ['a0', 'a4']);
  });

  test('is what lies ahead of a playhead last, the farthest first', () => {
    const playing = film('a', [7, 1, 1, 1, 1, 1], { playheads: [5] });
    assert.deepEqual(order([playing, film('b', [9])]), ['b0', 'a5', 'a4', 'a3']);
  });

  test('is what lies far behind the playhead of a film that is larger than its share', () => {
    const large = film('a', [6, 6, 6, 6, 6, 6], { playheads: [55], length: 1000 });
    assert.deepEqual(order([large, film('b', [1])]).slice(0, 4), ['a0', 'a1', 'a2', 'b0']);
    const small = { ...large, length: 60 };
    assert.equal(order([small, film('b', [1])])[0], 'b0');
  });

  test('is nothing that was watched a moment ago, where nobody waits for the room', () => {
    const watched = film('a', [1, 2]);
    const segments = watched.segments.map((each) => ({ ...each, watched: each.number === 0 ? 50 : 20 }));
    assert.deepEqual(order([{ ...watched, segments }], { watchedStays: 40 }), ['a1']);
  });
});

describe('what goes last', () => {
  test('is the beginning and the end of what was used last, as much as has room', () => {
    const films = [film('a', [2, 3, 4]), film('b', [6, 6, 6]), film('c', [9])];
    assert.deepEqual(order(films, { edges: 30 }), ['a0', 'a1', 'a2', 'b1', 'b2', 'b0', 'c0']);
    assert.deepEqual(order(films, { edges: 100 }), ['a1', 'b1', 'a0', 'a2', 'b2', 'b0', 'c0']);
  });

  test('is both segments of an end that lies in two', () => {
    assert.deepEqual(order([film('a', [1, 1, 1, 1], { length: 33 })], { edges: 100 }), ['a1', 'a3', 'a2', 'a0']);
  });

  test('is the place where somebody left a film', () => {
    assert.deepEqual(order([film('a', [1, 1, 1, 1], { place: 15 })], { edges: 100 }), ['a2', 'a3', 'a1', 'a0']);
  });

  test('is no beginning that is larger than all that has room', () => {
    assert.deepEqual(order([film('a', [1]), film('b', [2, 3])], { edges: 9 }), ['a0', 'b0', 'b1']);
  });

  test('is the end of a film that plays, rather than what lies ahead of its playhead', () => {
    const playing = film('a', [1, 1, 1, 1, 1, 1], { playheads: [5] });
    assert.deepEqual(order([playing, film('b', [9, 9, 9])], { edges: 10 }), ['b2', 'b1', 'a5', 'a4', 'a3', 'b0']);
  });
});

/** The same, from its words, one comparison at a time. */
function naively(films: readonly Film[], { limit, ahead, watchedStays, edges, tail }: EvictionRules): string[] {
  const readers = films.filter(({ playheads }) => playheads.length > 0).length;
  const share = limit / Math.max(1, readers);
  const going: { name: string; key: [number, number, number]; edge: SegmentView | null }[] = [];
  for (const { title, kept, playheads, length, place, segments } of films) {
    for (const segment of segments) {
      const { number, used, watched, busy } = segment;
      const bytes = Array.from({ length: segmentSize }, (_, place) => number * segmentSize + place);
      const first = number * segmentSize;
      const atPlayhead = playheads.some((playhead) => bytes.includes(playhead));
      const before = playheads.filter((playhead) => playhead < first);
      const distances = before.map((playhead) => first - playhead);
      const soon = distances.some((distance) => distance < ahead);
      if (kept || busy || atPlayhead || soon || (watched !== null && watched >= watchedStays)) continue;
      const behind = playheads.filter((playhead) => playhead > first).map((playhead) => playhead - first - segmentSize);
      const far = playheads.length > 0 && Math.min(...behind) > ahead && (length ?? 0) > share;
      const name = `${title}${number}`;
      const isEdge = number === 0 || bytes.some((byte) => byte === place || (length !== null && byte >= length - tail));
      const edge = isEdge ? segment : null;
      if (before.length > 0) going.push({ name, key: [3, -Math.min(...distances), -number], edge });
      else if (far) going.push({ name, key: [1, -Math.min(...behind), -number], edge });
      else going.push({ name, key: [2, used, -number], edge });
    }
  }
  let room = edges;
  for (let used = 6; used >= 0; used -= 1) {
    for (const each of going) {
      if (each.edge?.used !== used || each.edge.bytes > room) continue;
      room -= each.edge.bytes;
      each.key = [4, used, -each.edge.number];
    }
  }
  const ordered: string[] = [];
  while (going.length > 0) {
    let least = 0;
    for (const [place, { key }] of going.entries()) {
      const other = going[least]?.key ?? key;
      const differing = key.findIndex((part, position) => part !== other[position]);
      if (differing >= 0 && (key[differing] ?? 0) < (other[differing] ?? 0)) least = place;
    }
    ordered.push(...going.splice(least, 1).map(({ name }) => name));
  }
  return ordered;
}

test('the order is that of a naive reading of its words', () => {
  const segment = fc.record({
    bytes: fc.integer({ min: 1, max: 10 }),
    used: fc.integer({ min: 0, max: 6 }),
    watched: fc.option(fc.integer({ min: 0, max: 6 })),
    busy: fc.boolean(),
  });
  const anyFilm = fc.record({
    length: fc.option(fc.integer({ min: 0, max: 200 })),
    kept: fc.boolean(),
    playheads: fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 3 }),
    place: fc.option(fc.integer({ min: 0, max: 120 })),
    segments: fc.array(segment, { maxLength: 12 }),
  });
  fc.assert(
    fc.property(
      fc.array(anyFilm, { maxLength: 4 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 25 }),
      (described, limit, ahead, watchedStays, edges, tail) => {
        const films = described.map((each, number) => ({
          ...each,
          title: String.fromCharCode(97 + number),
          segments: each.segments.map((one, place) => ({ ...one, number: place })),
        }));
        const changed = { ...rules, limit, ahead, watchedStays, edges, tail };
        assert.deepEqual(order(films, changed), naively(films, changed));
      },
    ),
    { numRuns: runs(1000) },
  );
});
