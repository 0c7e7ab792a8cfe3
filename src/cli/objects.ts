/** The cached objects, and those of them that a user's patterns match. */
import type { ObjectPage, ObjectReport } from '../control/answers.ts';
import type { ControlClient } from './control-client.ts';
import { CommandError } from './exit-codes.ts';
import { placeWords } from './words.ts';

/** All objects, sorted by path. */
export async function listObjects(control: Pick<ControlClient, 'get'>, signal?: AbortSignal): Promise<ObjectReport[]> {
  const all: ObjectReport[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query = new URLSearchParams({ limit: '1000', sort: 'path', ...(cursor !== '' && { cursor }) });
    const page: ObjectPage = await control.get(`objects?${query}`, signal);
    all.push(...page.objects);
    cursor = page.next;
  }
  return all;
}

/** The objects that match any pattern; rejects where a pattern matches none. */
export async function findObjects(
  control: Pick<ControlClient, 'get'>,
  patterns: readonly string[],
): Promise<ObjectReport[]> {
  const all = await listObjects(control);
  const found = new Set<ObjectReport>();
  for (const pattern of patterns) {
    const meant = all.filter(matching(pattern));
    if (meant.length === 0) throw new CommandError('unmatched', `No cached file matches "${pattern}"`);
    for (const object of meant) found.add(object);
  }
  return [...found];
}

/** An id can be shortened to so many digits. */
const shortestId = 8;

/** Whether a pattern matches an object. Paths match with and without percent-encoding. */
function matching(pattern: string): (object: ObjectReport) => boolean {
  const text = pattern.endsWith('/') ? `${pattern}*` : pattern;
  const sought = regular(text.includes('/') ? text.replace(/^(?!\/)/, '/') : text);
  const beginning = /^[0-9a-f]+$/.test(pattern) && pattern.length >= shortestId ? pattern : null;
  return (object) => {
    if (beginning !== null && object.id.startsWith(beginning)) return true;
    return [`/${object.origin}${object.path}`, placeWords(object)].some((place) =>
      sought.test(text.includes('/') ? place : place.slice(place.lastIndexOf('/') + 1)),
    );
  };
}

/** `*` for any characters, `?` for one. */
export function regular(pattern: string): RegExp {
  const parts = { '*': '.*', '?': '.' } as const;
  const source = pattern.replace(/[\\^$.*+?()[\]{}|/-]/g, (sign) => parts[sign as '*' | '?'] ?? `\\${sign}`);
  return new RegExp(`^${source}$`, 'su');
}
