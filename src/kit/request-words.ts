/** How a request ended, and what the cache had of it, in words for people. */
import type { CacheResult, RequestOutcome } from '../events.ts';

export const outcomeWords: Readonly<Record<RequestOutcome, string>> = {
  served: 'complete',
  refused: 'refused',
  passed: 'from the origin',
  failed: 'failed',
  cut: 'interrupted',
  gone: 'player left',
};

/** To follow other words. */
export const cacheWords: Readonly<Record<CacheResult, string>> = {
  hit: ', cached',
  miss: ', not cached before',
  partial: ', partly cached',
  stale: ', cached, not checked',
  pass: ', passed through',
  none: '',
};
