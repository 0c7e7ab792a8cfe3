/** The health of an origin, up, slow or down, as a word and a sentence. */
import type { OriginReport } from '../../src/control/answers.ts';
import { durationWords } from '../../src/kit/amounts.ts';
import { timeOfDay } from '../words/times.ts';

export type Health = 'up' | 'slow' | 'reached' | 'failing' | 'down' | 'tried' | 'unknown';

/** An origin is slow where its median first byte takes longer, in milliseconds. */
const slowFrom = 2000;

export function healthOf(origin: OriginReport): { readonly health: Health; readonly why: string } {
  const { contact, breaker, firstByteMs } = origin;
  const { state, since, nextProbe, cause } = breaker;
  const reason = cause === null ? '' : `, last error: ${cause.replaceAll('_', ' ')}`;
  if (state !== 'closed') {
    const from = since === null ? '' : ` since ${timeOfDay(since)}`;
    if (state === 'half-open') return { health: 'tried', why: `out of reach${from}${reason}; it is being tried now` };
    const next = nextProbe === null ? '' : `, next try at ${timeOfDay(nextProbe)}`;
    return { health: 'down', why: `out of reach${from}${reason}${next}` };
  }
  if (contact === 'failing') return { health: 'failing', why: `cannot be reached${reason}` };
  const { median } = firstByteMs;
  if (median === null) {
    return contact === 'none'
      ? { health: 'unknown', why: 'not asked yet' }
      : { health: 'reached', why: 'no bytes yet' };
  }
  const speed = `median first byte ${durationWords(median)}`;
  return median > slowFrom ? { health: 'slow', why: speed } : { health: 'up', why: speed };
}
