/**
 * The reply to a request, decided from the request and the representation: 304, 412, 416, 206 or 200 (RFC 9110 §13.2.2,
 * §14.2). Pure.
 */
import type { ByteRange, OpenRange } from '../bytes/byte-range.ts';
import type { Aim } from '../cache/read-session.ts';
import { formatContentRange } from '../http/content-range.ts';
import { type Fields, fieldsWhere, fieldValue, someField } from '../http/fields.ts';
import { currentAge } from '../http/freshness.ts';
import { evaluatePreconditions, ifRangeHolds } from '../http/preconditions.ts';
import { parseRange, resolveRanges } from '../http/range-field.ts';
import { type Representation, sliceable } from '../http/representation.ts';
import { remembered } from '../kit/remembered.ts';
import { type ErrorReply, rejectionReply, unsatisfiable } from './error-reply.ts';
import { type Multipart, multipart } from './multipart.ts';
import { rejection } from './rejection.ts';
import { type PassRules, passable } from './reply-fields.ts';

/** A reply's body: nothing, one run of bytes, or several parts. */
export type Body =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'run' } & OpenRange)
  | ({ readonly kind: 'parts' } & Multipart);

export interface Reply {
  readonly status: number;
  readonly fields: Fields;
  readonly body: Body;
}

export interface Request {
  readonly method: string;
  readonly fields: Fields;
}

/** Fields that firstbyte sets itself. */
const ours: ReadonlySet<string> = new Set(['accept-ranges', 'age']);

const acceptsRanges = ['accept-ranges', 'bytes'] as const;

/** So many ranges come in parts however small they are. */
const fewRanges = 16;

/** Fields that a whole answer may have and that say something else in a part of it. */
const ofTheWhole: ReadonlySet<string> = new Set(['content-digest', 'content-md5', 'content-range']);

const conditions: ReadonlySet<string> = new Set([
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
]);

/** What a request wants that has no use for content: the representation, and no byte of it. */
export const headOnly: OpenRange = { start: 0, end: 0 };

/** Which bytes are wanted while the representation is not known. */
export function hintOf({ method, fields }: Request): Aim {
  if (method === 'HEAD') return headOnly;
  const [spec, ...others] = parseRange(fieldValue(fields, 'range')) ?? [];
  if (spec === undefined || others.length > 0) return { start: 0, end: null };
  if ('suffix' in spec) {
    // Of another version than `If-Range` names, everything is wanted; and who wants more than any file has, wants everything.
    const isSure = fieldValue(fields, 'if-range') === null && spec.suffix < Number.MAX_SAFE_INTEGER;
    return { start: 0, end: null, ...(isSure && spec.suffix > 0 && { suffix: spec.suffix }) };
  }
  return { start: spec.first, end: spec.last === null ? null : spec.last + 1 };
}

/** Whether the reply may depend on more than the range. */
export function isConditional({ fields }: Request): boolean {
  return someField(fields, (name) => conditions.has(name));
}

/** `now` is wall-clock milliseconds. */
export function replyFor(
  request: Request,
  representation: Representation,
  now: number,
  rules: PassRules = {},
): Reply | ErrorReply {
  const { length, status = 200 } = representation;
  const stored = storedFor(representation.fields, rules);
  const age = ['age', String(currentAge(representation, now))] as const;
  // A condition is judged only where the answer without it would be a success (RFC 9110 §13.2.1).
  const refused = status < 300 ? evaluatePreconditions(request.method, request.fields, representation) : null;
  if (refused === 304) return { status: 304, fields: [...withoutContent(stored.whole), age], body: { kind: 'none' } };
  if (refused === 412) {
    return rejectionReply(rejection(412, 'A condition of the request does not hold.'));
  }

  const inParts = length !== null && sliceable(representation);
  const ranges = inParts ? rangesOf(request, representation, length) : null;
  if (ranges === 'unsatisfiable') return unsatisfiable(length);
  if (ranges === null || length === null) {
    // RFC 9110 §8.6: a 204 has no length.
    const isSized = length !== null && status !== 204;
    const fields: Fields = [
      ...stored.whole,
      age,
      ...(inParts ? [acceptsRanges] : []),
      ...(isSized ? [['content-length', String(length)] as const] : []),
    ];
    return { status, fields, body: bodyOf(request, { kind: 'run', start: 0, end: length }) };
  }
  const [range, ...others] = ranges;
  if (range !== undefined && others.length === 0) {
    const partial: Fields = [
      ...stored.part,
      age,
      acceptsRanges,
      ['content-length', String(range.end - range.start)],
      ['content-range', formatContentRange(range, length)],
    ];
    return { status: 206, fields: partial, body: { kind: 'run', ...range } };
  }
  const parts = multipart(ranges, length, fieldValue(stored.whole, 'content-type'));
  // Many small parts have more bytes in their frames than the whole.
  if (ranges.length > fewRanges && parts.length > length) {
    const whole: Fields = [...stored.whole, age, acceptsRanges, ['content-length', String(length)]];
    return { status, fields: whole, body: bodyOf(request, { kind: 'run', start: 0, end: length }) };
  }
  const several: Fields = [
    ...fieldsWhere(stored.part, (name) => name !== 'content-type'),
    age,
    acceptsRanges,
    ['content-length', String(parts.length)],
    ['content-type', parts.contentType],
  ];
  return { status: 206, fields: several, body: { kind: 'parts', ...parts } };
}

/** What of a representation's fields goes out with all of it, and with a part. */
interface StoredFields {
  readonly whole: Fields;
  readonly part: Fields;
}

function storedUnder(rules: PassRules): (fields: Fields) => StoredFields {
  return remembered((fields) => {
    const whole = fieldsWhere(passable(fields, rules), (name) => !ours.has(name));
    return { whole, part: fieldsWhere(whole, (name) => !ofTheWhole.has(name)) };
  });
}

/** Each representation's fields are judged once under each of the rules. */
const storedBy = {
  strict: { open: storedUnder({ isStrict: true, hasPages: true }), shut: storedUnder({ isStrict: true }) },
  media: { open: storedUnder({ hasPages: true }), shut: storedUnder({}) },
} as const;

function storedFor(fields: Fields, { isStrict = false, hasPages = false }: PassRules): StoredFields {
  return storedBy[isStrict ? 'strict' : 'media'][hasPages ? 'open' : 'shut'](fields);
}

/** The ranges to send, or `null` for the whole (RFC 9110 §14.2). */
function rangesOf(
  { method, fields }: Request,
  representation: Representation,
  length: number,
): readonly ByteRange[] | 'unsatisfiable' | null {
  if (method !== 'GET') return null;
  const specs = parseRange(fieldValue(fields, 'range'));
  if (specs === null || !ifRangeHolds(fieldValue(fields, 'if-range'), representation)) return null;
  const resolved = resolveRanges(specs, length);
  if (resolved.kind === 'unsatisfiable') return 'unsatisfiable';
  return resolved.kind === 'whole' ? null : resolved.ranges;
}

function bodyOf({ method }: Request, run: Extract<Body, { kind: 'run' }>): Body {
  return method === 'HEAD' || run.end === 0 ? { kind: 'none' } : run;
}

/** Fields that do not describe the content in spite of their names. */
const notOfContent = /^content-(location|security-policy(-report-only)?)$/;

/** The fields of a 304, which need not repeat those about the content (RFC 9110 §15.4.5). The client's copy takes them on. */
function withoutContent(fields: Fields): Fields {
  return fieldsWhere(fields, (name) => !name.startsWith('content-') || notOfContent.test(name));
}
