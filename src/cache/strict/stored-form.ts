/** What strict mode stores of an answer, and which part of the content it has. Pure. */
import type { OpenRange } from '../../bytes/byte-range.ts';
import { partIn } from '../../http/content-range.ts';
import { endToEnd, type Fields, fieldsWhere, fieldValue, parseDecimal } from '../../http/fields.ts';
import { withoutSecrets } from '../../http/for-one-client.ts';
import { combinable, type Representation, refreshed, representationFrom } from '../../http/representation.ts';
import { showablePath } from '../../showable.ts';

/** The content of an answer: where it lies in the whole, and the representation that it is of. */
export interface AnswerForm extends OpenRange {
  readonly representation: Representation;
  /** Whether its head is sound enough to keep it. */
  readonly storable: boolean;
}

/**
 * `null` for what is no answer: of a status above all (RFC 9110 §15), or with a malformed `Content-Length`, so that nobody
 * can tell where it ends. `now` is wall-clock milliseconds.
 */
export function formOf(status: number, fields: Fields, now: number): AnswerForm | null {
  const announced = fieldValue(fields, 'content-length');
  const said = announced === null ? null : parseDecimal(announced);
  if (status > 599 || (announced !== null && said === null)) return null;
  const length = status === 204 || status === 304 ? 0 : said;
  const part = partIn(fields);
  if (status === 206) {
    if (part === null || part.total === null || (length !== null && length !== part.end - part.start)) {
      return whole(status, fields, length, now, false);
    }
    const representation = representationFrom(fields, part.total, { validatedAt: now, ranges: true });
    return { representation, start: part.start, end: part.end, storable: combinable(representation) };
  }
  // Where the field is well formed, the body may be that part (RFC 9110 §14.4 gives it no meaning here).
  const isPart = part !== null && (part.start > 0 || part.end !== part.total);
  return whole(status, fields, length, now, !isPart && isStorableRedirect(status, fields));
}

function whole(status: number, fields: Fields, length: number | null, now: number, storable: boolean): AnswerForm {
  const described = representationFrom(fields, length, { validatedAt: now, ranges: false, status });
  const representation = { ...described, fields: storedWhole(fields) };
  return { representation, start: 0, end: length, storable };
}

/** Besides what other modes store: what is about the one message, where a redirect leads, and what no client heeds any more. */
const storedBesides = new Set(['location', 'set-cookie2']);

function storedWhole(fields: Fields): Fields {
  const besides = fieldsWhere(fields, (name) => storedBesides.has(name));
  const kept = withoutSecrets(endToEnd(fields)).filter(([name]) => name !== 'content-length');
  return [...kept, ...besides];
}

/**
 * What is stored with the fresher fields of an answer that confirms it (RFC 9111 §4.3.4); `stored` itself where that names
 * another version, and so confirms nothing.
 */
export function freshened(stored: Representation, fields: Fields, now: number): Representation {
  const fresher = refreshed(stored, fields, now);
  if (fresher === stored) return stored;
  const besides = fieldsWhere(fields, (name) => storedBesides.has(name));
  const replaced = new Set(besides.map(([name]) => name));
  return { ...fresher, fields: [...fieldsWhere(fresher.fields, (name) => !replaced.has(name)), ...besides] };
}

/** A place that holds a secret is for the one client that asked. */
function isStorableRedirect(status: number, fields: Fields): boolean {
  const location = fieldValue(fields, 'location');
  return location === null || (status >= 200 && status < 400 && showablePath(location) === location);
}
