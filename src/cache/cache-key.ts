/** The key of an identity in memory, and the name of its object in the store. */
import { hash } from 'node:crypto';
import type { Fields } from '../http/fields.ts';
import type { ObjectName } from '../store/store.ts';

/** The key of a target at an origin, with its query. It holds only a hash of `fields`, which may be secret. */
export function cacheKey(origin: string, target: string, fields: Fields = []): string {
  const key = `${origin}\n${target}`;
  return fields.length === 0 ? key : `${key}\n${sha256(JSON.stringify(fields))}`;
}

/** The name of an object in the store. It reveals nothing of the URL. */
export function objectName(key: string): ObjectName {
  return sha256(key);
}

/** The key of one of several answers for a key, chosen by `by`. */
export function variantKey(key: string, by: Fields): string {
  return `${key}\n${sha256(JSON.stringify(by))}`;
}

function sha256(text: string): string {
  return hash('sha256', text);
}
