/** `Cache-Status` (RFC 9211) of a reply: what the cache did for it. Pure. */
import type { ReadSession } from '../cache/read-session.ts';
import type { FillPhase } from '../events.ts';
import { cacheStatus } from '../http/cache-status.ts';
import type { Fields } from '../http/fields.ts';

/** The field of a request for which the origin was asked; `phase` is the fill's when the failure was decided. */
export function missedIn(phase: FillPhase | null): Fields[number] {
  return ['cache-status', cacheStatus({ fwd: 'miss', detail: phase ?? undefined })];
}

/** The field of a reply from a session. */
export function statusOf(session: ReadSession): Fields[number] {
  return ['cache-status', words(session)];
}

function words({ cache, collapsed, fill, isVariant, reader, ttl, forwarded }: ReadSession): string {
  if (forwarded !== undefined) return cacheStatus(forwarded);
  // What was stored and could not be read has been fetched again.
  const isHealed = cache === 'hit' && reader.waited;
  if ((cache === 'hit' || cache === 'stale') && !isHealed) return cacheStatus({ hit: true, ttl });
  const miss = isVariant ? 'vary-miss' : 'uri-miss';
  const fwd = {
    pass: 'bypass',
    partial: 'partial',
    miss,
    none: 'miss',
    hit: 'partial',
    stale: 'stale',
  } as const;
  return cacheStatus({ fwd: fwd[cache], stored: !fill.passing, collapsed: collapsed || undefined });
}
