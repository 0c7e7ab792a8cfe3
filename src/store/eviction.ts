/**
 * What goes first when room is needed: a pure order over the segments of all objects.
 *
 * 1. Of a film that is being read and is larger than its share: what lies far behind every playhead, the farthest first.
 * 2. Everything else, least recently used first; of one moment's, the end of an object before its beginning.
 * 3. Of a film that is being read: what lies ahead of a playhead, the farthest first.
 * 4. The edges of the objects that were used last, as many as fit into their share, least recently used first: the
 *    beginning, the end, where films have their index, and the place where somebody left it, so that each of them opens
 *    at once.
 *
 * These stay: what is pinned, what is being written, what lies at a playhead and within the room ahead of it; and for
 * bytes that nobody waits for, whatever was watched a moment ago.
 */

export interface SegmentView {
  readonly number: number;
  /** Real bytes on the medium. */
  readonly bytes: number;
  /** Wall-clock milliseconds of the last use. */
  readonly used: number;
  /** When somebody last watched it, by the monotonic clock; `null` where that was not since the start. */
  readonly watched: number | null;
  /** Whether bytes are on their way into it. */
  readonly busy: boolean;
}

export interface ObjectView<S extends SegmentView> {
  /** Of the representation; `null` while unknown. */
  readonly length: number | null;
  /** Whether nothing of it may go. */
  readonly kept: boolean;
  /** Where it is read now. */
  readonly playheads: readonly number[];
  /** Where somebody left it last; `null` where nobody did. */
  readonly place: number | null;
  readonly segments: Iterable<S>;
}

export interface EvictionRules {
  readonly segmentSize: number;
  /** How much the store may hold, in bytes, shared by those who read. */
  readonly limit: number;
  /** How far ahead of a playhead bytes stay. */
  readonly ahead: number;
  /** Since when what was watched stays, by the same clock; `Infinity` where it may go. */
  readonly watchedStays: number;
  /** How many bytes of edges go last. */
  readonly edges: number;
  /** How much of the end of an object is its edge, in bytes; of the beginning it is the first segment. */
  readonly tail: number;
}

interface Candidate<H, S> {
  readonly held: H;
  readonly segment: S;
  readonly group: 1 | 2 | 3 | 4;
  /** Within one group: lower goes first. */
  readonly rank: number;
}

/** Every segment that may go, in the order in which it should. */
export function evictionOrder<S extends SegmentView, H extends ObjectView<S>>(
  objects: Iterable<H>,
  rules: EvictionRules,
): { readonly held: H; readonly segment: S }[] {
  const all = [...objects];
  const share = rules.limit / Math.max(1, all.filter(({ playheads }) => playheads.length > 0).length);
  const candidates = all.flatMap((held) => candidatesOf<S, H>(held, share, rules));
  return withEdgesLast(candidates, rules).sort(
    (a, b) => a.group - b.group || a.rank - b.rank || b.segment.number - a.segment.number,
  );
}

function withEdgesLast<S extends SegmentView, H extends ObjectView<S>>(
  candidates: readonly Candidate<H, S>[],
  { segmentSize, edges, tail }: EvictionRules,
): Candidate<H, S>[] {
  const last = new Set<Candidate<H, S>>();
  const isEdge = ({ held: { length, place }, segment: { number } }: Candidate<H, S>) =>
    number === 0 ||
    (length !== null && (number + 1) * segmentSize > length - tail) ||
    (place !== null && number === Math.floor(place / segmentSize));
  let room = edges;
  for (const candidate of candidates.filter(isEdge).sort((a, b) => b.segment.used - a.segment.used)) {
    const { bytes } = candidate.segment;
    if (bytes > room) continue;
    room -= bytes;
    last.add(candidate);
  }
  return candidates.map((each) => (last.has(each) ? { ...each, group: 4, rank: each.segment.used } : each));
}

function candidatesOf<S extends SegmentView, H extends ObjectView<S>>(
  held: H,
  share: number,
  rules: EvictionRules,
): Candidate<H, S>[] {
  if (held.kept) return [];
  const candidates: Candidate<H, S>[] = [];
  for (const segment of held.segments) {
    if (segment.busy || (segment.watched !== null && segment.watched >= rules.watchedStays)) continue;
    const place = placeOf(segment.number, held.playheads, rules);
    if (place === 'stays') continue;
    if (place.ahead !== null) candidates.push({ held, segment, group: 3, rank: -place.ahead });
    else if (place.behind > rules.ahead && (held.length ?? 0) > share) {
      candidates.push({ held, segment, group: 1, rank: -place.behind });
    } else candidates.push({ held, segment, group: 2, rank: segment.used });
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
