/**
 * What a `Range` field asks for (RFC 9110 §14.2), and what of it a representation can give (§14.1.2).
 *
 * Parsing does not know the length and resolving does not know the syntax: the one happens when a request comes in,
 * the other when the origin has said how long the film is.
 */
import { type ByteRange, totalLength } from '../bytes/byte-range.ts';
import { listMembers } from './fields.ts';

/** One member of the set, positions inclusive as on the wire; `last` is `null` for "to the end". */
export type RangeSpec = { readonly first: number; readonly last: number | null } | { readonly suffix: number };

export type ResolvedRanges =
  | { readonly kind: 'unsatisfiable' }
  /** The field is to be ignored (§14.2): 200 is cheaper than what it asks for, or the only answer there is. */
  | { readonly kind: 'whole' }
  /** At least one range, none empty, in the order in which they were asked for. */
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] };

/** Beyond this many ranges a request is an attack or a mistake (§17.15); updaters send some hundred. */
const mostRanges = 1024;

/**
 * The ranges asked for; `null` where the field must be ignored: absent, another unit, or one bad member (§14.2).
 * Positions that no number can hold are clamped to 2^53 - 1, which no length exceeds.
 */
export function parseRange(value: string | null): RangeSpec[] | null {
  // The name of a range unit is case-insensitive (§14.1).
  const set = /^bytes=(.*)$/i.exec(value ?? '')?.[1];
  if (set === undefined) return null;
  const specs: RangeSpec[] = [];
  for (const member of listMembers(set)) {
    const spec = parseSpec(member);
    if (spec === null) return null;
    specs.push(spec);
  }
  return specs.length === 0 ? null : specs;
}

function parseSpec(member: string): RangeSpec | null {
  const match = /^(?<first>\d*)-(?<last>\d*)$/.exec(member);
  const { first = '', last = '' } = match?.groups ?? {};
  if (first === '') return last === '' ? null : { suffix: clamp(last) };
  if (last === '') return { first: clamp(first), last: null };
  // An int-range whose last position is before its first one is invalid (§14.1.1), however long their digits are.
  return BigInt(last) < BigInt(first) ? null : { first: clamp(first), last: clamp(last) };
}

function clamp(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** The bytes of a representation of `length` bytes that `specs` ask for. */
export function resolveRanges(specs: readonly RangeSpec[], length: number): ResolvedRanges {
  const satisfiable = specs.filter((spec) => ('suffix' in spec ? spec.suffix > 0 : spec.first < length));
  if (satisfiable.length === 0) return { kind: 'unsatisfiable' };
  // A suffix of nothing is satisfiable, but no Content-Range can say so.
  if (length === 0 || satisfiable.length > mostRanges) return { kind: 'whole' };
  const ranges = satisfiable.map((spec) => resolveSpec(spec, length));
  // Ranges that overlap may not be used to draw more bytes than the file has (§17.15).
  return totalLength(ranges) > length ? { kind: 'whole' } : { kind: 'ranges', ranges };
}

function resolveSpec(spec: RangeSpec, length: number): ByteRange {
  if ('suffix' in spec) return { start: Math.max(0, length - spec.suffix), end: length };
  return { start: spec.first, end: spec.last === null ? length : Math.min(spec.last + 1, length) };
}
