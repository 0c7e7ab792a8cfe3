/**
 * The distrust of origins: judges an answer by its head and by what was requested.
 *
 * An answer that could put a byte at a wrong offset is no content. Where it answers a range, it is a contradiction: a
 * request without `Range` may still bring the same bytes. The answer to such a request is taken as a client without
 * firstbyte would take it, as far as nothing proves it wrong, and is never stored.
 */
import type { OpenRange } from '../bytes/byte-range.ts';
import { type ContentPart, partIn, totalIn } from './content-range.ts';
import { type Fields, fieldsWhere, fieldValue, parseDecimal } from './fields.ts';
import { isCoded, type Representation, representationFrom } from './representation.ts';

/** The bytes asked for. */
export interface AskedBytes extends OpenRange {
  /** Whether that was asked for by `Range`; it was, where this is absent. Else it is everything. */
  readonly ranged?: boolean;
  /** So many bytes from the end were asked for, wherever they begin. */
  readonly suffix?: number;
}

export type OriginAnswer =
  | OriginContent
  /** 304: what is stored is current. */
  | { readonly kind: 'not-modified' }
  /** The file has no bytes. */
  | { readonly kind: 'empty'; readonly representation: Representation; readonly storable: boolean }
  /** 416: the file ends at or before the start; `length` where the origin says it. */
  | { readonly kind: 'unsatisfiable'; readonly length: number | null }
  /** Any other status: the client's to see, never stored as content. */
  | { readonly kind: 'status' }
  | OriginContradiction
  /** The answer contradicts the standard, and nothing that comes this way can be trusted. */
  | { readonly kind: 'violation'; readonly message: string };

/** The answer to a range contradicts that, or itself: to be asked for without one. `message` completes "the origin …". */
export interface OriginContradiction {
  readonly kind: 'contradiction';
  readonly message: string;
  /** The length that it claims for the file; `null` where it claims none. */
  readonly total: number | null;
}

/** Its range is what the body holds; the end is `null` where only the message's framing tells. */
export interface OriginContent extends OpenRange {
  readonly kind: 'content';
  readonly representation: Representation;
  /**
   * Whether its head proves enough to keep it. It does not where the body is in a content coding, so that offsets into
   * it mean nothing, where a status other than 200 and 206 came with it, and where it contradicts itself.
   */
  readonly storable: boolean;
}

export function readAnswer(asked: AskedBytes, status: number, fields: Fields, validatedAt: number): OriginAnswer {
  switch (status) {
    case 206:
      return asked.ranged === false ? readUnaskedPart(fields, validatedAt) : readPart(asked, fields, validatedAt);
    case 304:
      return { kind: 'not-modified' };
    case 412:
      // No condition was sent under which this may be said (RFC 9110 §13.1.5).
      return asked.ranged === false ? { kind: 'status' } : contradiction(asked, fields, 'answered 412 to If-Range');
    case 416:
      return readUnsatisfiable(asked, fields, validatedAt);
    // Accepted, but not there yet; and no content.
    case 202:
    case 204:
      return { kind: 'status' };
    default:
      return status >= 200 && status < 300 ? readWhole(asked, status, fields, validatedAt) : { kind: 'status' };
  }
}

/**
 * A 200 (RFC 9110 §15.3.1), and every status that is to be taken for one: the 203 of a proxy that transforms (§15.3.4),
 * and what nobody knows (§15). These are passed on as they are.
 */
function readWhole(asked: AskedBytes, status: number, fields: Fields, validatedAt: number): OriginAnswer {
  const framing = readFraming(fields);
  if ('violation' in framing) return violation(framing.violation);
  const { length } = framing;
  const coded = isCoded(fields);
  const said = fieldValue(fields, 'content-range');
  const range = partIn(fields);
  const agrees = said === null || (range !== null && isWhole(range, length));
  if (!agrees) {
    if (status === 200 && range !== null && !coded && isExactly(range, asked, length)) {
      const representation = representationFrom(fields, range.total, { validatedAt, ranges: true });
      return { kind: 'content', representation, start: range.start, end: range.end, storable: false };
    }
    // The field has no meaning here (§14.4), unless the body is as long as the part that it names.
    if (asked.ranged !== false || (range !== null && isProper(range) && fits(range, length))) {
      return contradiction(asked, fields, `answered ${status} with a part of the file`);
    }
  }
  const representation = representationFrom(fields, length, { validatedAt, ranges: false, status });
  const storable = agrees && status === 200 && !coded;
  if (length === 0 && !coded) return { kind: 'empty', representation, storable };
  return { kind: 'content', representation, start: 0, end: length, storable };
}

/** RFC 9110 §15.3.7. A part may be shorter than asked, but neither begin elsewhere nor end later. */
function readPart(asked: AskedBytes, fields: Fields, validatedAt: number): OriginAnswer {
  if (isMultipart(fields)) return contradiction(asked, fields, 'sent several parts where one range was asked for');
  if (isCoded(fields)) return contradiction(asked, fields, 'sent a part of another content coding than identity');
  const range = partIn(fields);
  if (range === null) return contradiction(asked, fields, 'sent a 206 without a valid Content-Range');
  if (asked.suffix !== undefined && !isSuffix(range, asked.suffix)) {
    return contradiction(asked, fields, `sent another part where the last ${asked.suffix} bytes were asked for`);
  }
  if (asked.suffix === undefined && range.start !== asked.start) {
    return contradiction(asked, fields, `sent bytes from ${range.start} where ${asked.start} was asked for`);
  }
  if (asked.end !== null && range.end > asked.end) {
    return contradiction(asked, fields, `sent bytes up to ${range.end} where ${asked.end} was asked for`);
  }
  const framing = readFraming(fields);
  if ('violation' in framing) return violation(framing.violation);
  if (!fits(range, framing.length)) {
    return contradiction(asked, fields, `announced ${framing.length} bytes for a range of ${range.end - range.start}`);
  }
  const representation = representationFrom(fields, range.total, { validatedAt, ranges: true });
  return { kind: 'content', representation, start: range.start, end: range.end, storable: true };
}

/** A 206 that nobody asked for says nothing wrong where it has everything. */
function readUnaskedPart(fields: Fields, validatedAt: number): OriginAnswer {
  const framing = readFraming(fields);
  if ('violation' in framing) return violation(framing.violation);
  const range = partIn(fields);
  if (range === null || isMultipart(fields) || isCoded(fields) || !isWhole(range, framing.length)) {
    return violation('sent a part where everything was asked for');
  }
  const representation = representationFrom(fields, range.total, { validatedAt, ranges: false });
  return { kind: 'content', representation, start: 0, end: range.end, storable: false };
}

/** RFC 9110 §15.5.17. */
function readUnsatisfiable(asked: AskedBytes, fields: Fields, validatedAt: number): OriginAnswer {
  if (asked.ranged === false) return { kind: 'status' };
  const length = partIn(fields) === null ? totalIn(fields) : null;
  if (length !== null && length > asked.start) {
    return contradiction(asked, fields, `refused a range at ${asked.start} of a file of ${length} bytes`);
  }
  if (length !== 0 || asked.start !== 0) return { kind: 'unsatisfiable', length };
  // The fields about content describe the body of the error, not the empty file.
  const ofTheFile = fieldsWhere(fields, (name) => !name.startsWith('content-'));
  const representation = representationFrom(ofTheFile, 0, { validatedAt, ranges: false });
  return { kind: 'empty', representation, storable: true };
}

/** Whether a body of that length, as far as it is announced, can be that part. */
function fits({ start, end }: ContentPart, length: number | null): boolean {
  return length === null || length === end - start;
}

function isWhole(range: ContentPart, length: number | null): boolean {
  return range.start === 0 && range.end === range.total && fits(range, length);
}

/** Whether there are certainly bytes that are not in it. */
function isProper({ start, end, total }: ContentPart): boolean {
  return start > 0 || (total !== null && end < total);
}

/** Whether that is all that was asked for, and nothing else; the length of the body has to bear it out. */
function isExactly(range: ContentPart, asked: AskedBytes, length: number | null): boolean {
  const { start, end, total } = range;
  if (asked.ranged === false || start !== asked.start || length !== end - start) return false;
  return end === asked.end || (end === total && (asked.end === null || end < asked.end));
}

/** Whether that is the end of the file, and so much of it. */
function isSuffix({ start, end, total }: ContentPart, bytes: number): boolean {
  return total !== null && end === total && start === Math.max(0, total - bytes);
}

function isMultipart(fields: Fields): boolean {
  return /^multipart\/byteranges\b/i.test(fieldValue(fields, 'content-type') ?? '');
}

/** The length that the message announces (RFC 9112 §6); `null` where only its framing tells. */
function readFraming(fields: Fields): { length: number | null } | { violation: string } {
  const contentLength = fieldValue(fields, 'content-length');
  const transferCoding = fieldValue(fields, 'transfer-encoding');
  if (transferCoding !== null) {
    if (contentLength !== null) return { violation: 'sent both Content-Length and Transfer-Encoding' };
    // No other coding was offered in TE (RFC 9112 §7.4).
    if (transferCoding.toLowerCase() !== 'chunked') return { violation: 'sent a transfer coding other than chunked' };
  }
  if (contentLength === null) return { length: null };
  const length = parseDecimal(contentLength);
  // What no number can hold is not known.
  if (length === null && /^\d+$/.test(contentLength)) return { length: null };
  return length === null ? { violation: 'sent a malformed Content-Length' } : { length };
}

/** Without a range there is nothing left to try. */
function contradiction({ ranged = true }: AskedBytes, fields: Fields, message: string): OriginAnswer {
  if (!ranged) return violation(message);
  return { kind: 'contradiction', message, total: totalIn(fields) };
}

function violation(message: string): OriginAnswer {
  return { kind: 'violation', message };
}
