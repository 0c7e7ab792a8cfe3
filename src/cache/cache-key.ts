/** Which requests mean the same bytes: the identity of an entry. */
import { createHash } from 'node:crypto';
import type { ObjectName } from '../store/store.ts';

/** The key of a target at an origin; the query is part of it. */
export function cacheKey(origin: string, target: string): string {
  return `${origin}\n${target}`;
}

/** The name that an object bears in the store: nothing of the URL can be read from it. */
export function objectName(key: string): ObjectName {
  return createHash('sha256').update(key).digest('hex');
}
