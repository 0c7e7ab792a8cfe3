/**
 * What goes first when room is needed: a pure order over the segments of all objects.
 *
 * 1. Of a film that is being read and is larger than its share: what lies far behind every playhead, the farthest first.
 * 2. Everything else, least recently used first; of one moment's, the end of an object before its beginning.
 * 3. Of a film that is being read: what lies ahead of a playhead, the farthest first.
 *
 * These stay: what is pinned, what is being written, what lies at a playhead and within the room ahead of it; and for
 * bytes that nobody waits for, whatever was watched a moment ago.
 */

export interface SegmentSight {
  readonly number: number;
  /** Real bytes on the medium. */
  readonly bytes: number;
  /** Wall-clock milliseconds of the last use. */
  readonly used: number;
  /** When somebody last watched it; `null` where that was not since the start. */
  readonly watched: number | null;
  /** Whether bytes are on their way into it. */
  readonly busy: boolean;
}

export interface HoldingSight<S extends SegmentSight> {
  /** Of the representation; `null` while unknown. */
  readonly length: number | null;
  /** Whether nothing of it may go. */
  readonly kept: boolean;
  /** Where it is read now. */
  readonly playheads: readonly number[];
  readonly segments: Iterable<S>;
}

export interface EvictionRules {
  readonly segmentSize: number;
  /** How much the store may hold, in bytes, shared by those who read. */
  readonly limit: number;
  /** How far ahead of a playhead bytes stay. */
  readonly ahead: number;
  /** Wall-clock milliseconds since when what was watched stays; `Infinity` where it may go. */
  readonly watchedStays: number;
}

interface Candidate<H, S> {
  readonly holding: H;
  readonly segment: S;
  readonly turn: 1 | 2 | 3;
  /** Within one turn: lower goes first. */
  readonly rank: number;
}

/** Every segment that may go, in the order in which it should. */
export function evictionOrder<S extends SegmentSight, H extends HoldingSight<S>>(
  holdings: Iterable<H>,
  rules: EvictionRules,
): { readonly holding: H; readonly segment: S }[] {
  const all = [...holdings];
  const share = rules.limit / Math.max(1, all.filter(({ playheads }) => playheads.length > 0).length);
  return all
    .flatMap((holding) => candidatesOf<S, H>(holding, share, rules))
    .sort((a, b) => a.turn - b.turn || a.rank - b.rank || b.segment.number - a.segment.number);
}

function candidatesOf<S extends SegmentSight, H extends HoldingSight<S>>(
  holding: H,
  share: number,
  rules: EvictionRules,
): Candidate<H, S>[] {
  if (holding.kept) return [];
  const candidates: Candidate<H, S>[] = [];
  for (const segment of holding.segments) {
    if (segment.busy || (segment.watched !== null && segment.watched >= rules.watchedStays)) continue;
    const place = placeOf(segment.number, holding.playheads, rules);
    if (place === 'stays') continue;
    if (place.ahead !== null) candidates.push({ holding, segment, turn: 3, rank: -place.ahead });
    else if (place.behind > rules.ahead && (holding.length ?? 0) > share) {
      candidates.push({ holding, segment, turn: 1, rank: -place.behind });
    } else candidates.push({ holding, segment, turn: 2, rank: segment.used });
  }
  return candidates;
}

/** How far a segment lies ahead of the playhead before it (`null` where there is none), or behind the one after it. */
function placeOf(number: number, playheads: readonly number[], { segmentSize, ahead }: EvictionRules) {
  const start = number * segmentSize;
  const end = start + segmentSize;
  let nearest: number | null = null;
  let behind = playheads.length === 0 ? 0 : Number.POSITIVE_INFINITY;
  for (const playhead of playheads) {
    if (playhead < end) {
      const distance = Math.max(0, start - playhead);
      if (playhead >= start || distance < ahead) return 'stays';
      nearest = Math.min(nearest ?? Number.POSITIVE_INFINITY, distance);
    } else behind = Math.min(behind, playhead - end);
  }
  return { ahead: nearest, behind };
}
