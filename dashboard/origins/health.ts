/** The health of an origin, up, slow or down, as a word and a sentence. */
import type { OriginReport } from '../../src/control/answers.ts';
import { durationText, timeOfDay } from '../words/times.ts';

export type Health = 'up' | 'slow' | 'down' | 'tried' | 'unknown';

/** An origin is slow where its median first byte takes longer, in milliseconds. */
const slowFrom = 2000;

export function healthOf({ breaker, firstByteMs }: OriginReport): { readonly health: Health; readonly why: string } {
  const { state, since, nextProbe, cause } = breaker;
  if (state !== 'closed') {
    const reason = cause === null ? '' : `, last error: ${cause.replaceAll('_', ' ')}`;
    const from = since === null ? '' : ` since ${timeOfDay(since)}`;
    if (state === 'half-open') return { health: 'tried', why: `out of reach${from}${reason}; it is being tried now` };
    const next = nextProbe === null ? '' : `, next try at ${timeOfDay(nextProbe)}`;
    return { health: 'down', why: `out of reach${from}${reason}${next}` };
  }
  const { median } = firstByteMs;
  if (median === null) return { health: 'unknown', why: 'nothing has been asked of it yet' };
  const speed = `half of its first bytes come within ${durationText(median)}`;
  return median > slowFrom ? { health: 'slow', why: speed } : { health: 'up', why: speed };
}
