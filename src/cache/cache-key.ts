/** The name of an identity: as a key in memory, and in the store. */
import { hash } from 'node:crypto';
import type { Fields } from '../http/fields.ts';
import type { ObjectName } from '../store/store.ts';

/** The key of a target at an origin, its query included; of `fields`, which may be secret, it holds a hash only. */
export function cacheKey(origin: string, target: string, fields: Fields = []): string {
  const key = `${origin}\n${target}`;
  return fields.length === 0 ? key : `${key}\n${sha256(JSON.stringify(fields))}`;
}

/** The name that an object bears in the store: nothing of the URL can be read from it. */
export function objectName(key: string): ObjectName {
  return sha256(key);
}

function sha256(text: string): string {
  return hash('sha256', text);
}
