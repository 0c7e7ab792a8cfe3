/** The status with which an origin should answer for a film: as much of RFC 9110 §13.2.2 as an origin needs. */
import type { Fields } from '../../src/http/fields.ts';
import type { Behaviour } from './behaviour.ts';
import type { Film } from './film.ts';
import { askedRange, etagOf, lastModified, satisfied } from './film-fields.ts';

/** If-None-Match, then If-Range, then Range; 200, 206, 304 or 416. `fields` are the film's own, as in a behaviour. */
export function chooseStatus(
  film: Film,
  fields: Fields,
  { ignoreRange = false, ignoreIfRange = false, ignoreConditions = false, fields: own = {} }: Behaviour = {},
): number {
  const field = (name: string) => fields.find(([given]) => given === name)?.[1] ?? null;
  const { etag = etagOf(film), 'last-modified': date = lastModified } = own;
  const known = field('if-none-match') ?? field('if-modified-since');
  if (!ignoreConditions && known !== null && known === (field('if-none-match') === null ? date : etag)) return 304;
  const range = askedRange(fields, film.size);
  const current = ignoreIfRange || [null, etag, date].includes(field('if-range'));
  if (range === null || ignoreRange || !current) return 200;
  return satisfied(film, range.start, range.end) === null ? 416 : 206;
}
