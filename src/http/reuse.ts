/** Whether a stored answer may be given without asking the origin: by what the answer says and what the request says. Pure. */
import { deltaSeconds, parseCacheControl, responseDirectives } from './cache-control.ts';
import { type Fields, fieldValue } from './fields.ts';
import { currentAge, mustRevalidate } from './freshness.ts';
import type { Representation } from './representation.ts';

/** `behind`: at once, and the origin is asked while it is given (RFC 5861 §3). */
export type Reuse = 'fresh' | 'stale' | 'behind' | 'ask';

/** A stored answer, and until when it is fresh, in wall-clock milliseconds. */
export interface StoredAnswer {
  readonly representation: Representation;
  readonly until: number;
}

/** The directives of a request (RFC 9111 §5.2.1); `Pragma: no-cache` counts where there is no `Cache-Control` (§5.4). */
export function requestDirectives(request: Fields): ReturnType<typeof parseCacheControl> {
  const written = fieldValue(request, 'cache-control');
  return parseCacheControl(written ?? fieldValue(request, 'pragma'));
}

/** RFC 9111 §4; `now` is wall-clock milliseconds. */
export function reuseOf(request: Fields, { representation, until }: StoredAnswer, now: number): Reuse {
  const wanted = requestDirectives(request);
  const said = responseDirectives(representation.fields);
  if (wanted.has('no-cache') || said.has('no-cache')) return 'ask';
  const freshFor = (until - now) / 1000;
  const oldest = deltaSeconds(wanted, 'max-age');
  const tooOld = oldest !== null && currentAge(representation, now) > oldest;
  const tooSoonStale = freshFor < (deltaSeconds(wanted, 'min-fresh') ?? 0);
  if (freshFor > 0 && !tooOld && !tooSoonStale) return 'fresh';
  if (mustRevalidate(representation) || tooOld || wanted.has('min-fresh')) return 'ask';
  // Without an argument, any staleness will do (§5.2.1.2).
  const staleness = wanted.get('max-stale') === null ? Number.POSITIVE_INFINITY : deltaSeconds(wanted, 'max-stale');
  if (staleness !== null && -freshFor <= staleness) return 'stale';
  const behind = deltaSeconds(said, 'stale-while-revalidate');
  return behind !== null && -freshFor < behind ? 'behind' : 'ask';
}

/**
 * Whether a stale answer may be given because the origin can't be reached, or, with its `status`, because it has trouble
 * of its own (RFC 9111 §4.2.4, RFC 5861 §4).
 */
export function mayGiveStale(
  request: Fields,
  { representation, until }: StoredAnswer,
  status: number | null,
  now: number,
): boolean {
  if (mustRevalidate(representation)) return false;
  if (status === null) return true;
  if (![500, 502, 503, 504].includes(status)) return false;
  const ofRequest = deltaSeconds(requestDirectives(request), 'stale-if-error');
  const allowed = deltaSeconds(responseDirectives(representation.fields), 'stale-if-error') ?? ofRequest;
  return allowed !== null && (now - until) / 1000 <= allowed;
}
