/**
 * The distrust of origins: what an answer is worth, judged from its head against what was asked.
 *
 * Whatever could put a byte at a wrong offset is a violation, of which nothing is stored and nothing is served.
 */
import { type ContentRange, parseContentRange } from './content-range.ts';
import { type Fields, fieldValue, listMembers, parseDecimal } from './fields.ts';
import { type Representation, representationFrom } from './representation.ts';

/** The bytes asked for; `end` is exclusive, and `null` for "to the end". */
export interface AskedBytes {
  readonly start: number;
  readonly end: number | null;
}

export type OriginAnswer =
  | OriginContent
  /** 304: what is stored is current. */
  | { readonly kind: 'not-modified' }
  /** The file has no bytes. */
  | { readonly kind: 'empty'; readonly representation: Representation }
  /** 416: the file ends at or before the start; `length` where the origin says it. */
  | { readonly kind: 'unsatisfiable'; readonly length: number | null }
  /** Any other status: the client's to see, never stored as content. */
  | { readonly kind: 'status' }
  /** The answer contradicts the question, the standard or itself. `message` completes "the origin …". */
  | { readonly kind: 'violation'; readonly message: string };

export interface OriginContent {
  readonly kind: 'content';
  readonly representation: Representation;
  /** Offset of the first byte of the body: 0 for every 200, whatever was asked. */
  readonly start: number;
  /** One past its last byte; `null` where only the message's framing tells. */
  readonly end: number | null;
  /** The body is in a content coding, so offsets into it mean nothing: to be passed through whole and unstored. */
  readonly opaque: boolean;
}

export function readAnswer(asked: AskedBytes, status: number, fields: Fields, validatedAt: number): OriginAnswer {
  switch (status) {
    case 200:
      return readWhole(fields, validatedAt);
    case 206:
      return readPart(asked, fields, validatedAt);
    case 304:
      return { kind: 'not-modified' };
    case 416:
      return readUnsatisfiable(asked, fields, validatedAt);
    default:
      return { kind: 'status' };
  }
}

/** RFC 9110 §15.3.1. Content-Range means nothing here (§14.4). */
function readWhole(fields: Fields, validatedAt: number): OriginAnswer {
  const framing = readFraming(fields);
  if ('violation' in framing) return violation(framing.violation);
  const { length } = framing;
  const representation = representationFrom(fields, length, { validatedAt, ranges: false });
  const opaque = isCoded(fields);
  if (length === 0 && !opaque) return { kind: 'empty', representation };
  return { kind: 'content', representation, start: 0, end: length, opaque };
}

/** RFC 9110 §15.3.7. A part may be shorter than asked, but neither begin elsewhere nor end later. */
function readPart(asked: AskedBytes, fields: Fields, validatedAt: number): OriginAnswer {
  if (/^multipart\/byteranges\b/i.test(fieldValue(fields, 'content-type') ?? '')) {
    return violation('sent several parts where one range was asked for');
  }
  if (isCoded(fields)) return violation('sent a part of another content coding than identity');
  const range = parseContentRange(fieldValue(fields, 'content-range'));
  if (range === null || !('start' in range)) return violation('sent a 206 without a valid Content-Range');
  if (range.start !== asked.start) {
    return violation(`sent bytes from ${range.start} where ${asked.start} was asked for`);
  }
  if (asked.end !== null && range.end > asked.end) {
    return violation(`sent bytes up to ${range.end} where ${asked.end} was asked for`);
  }
  const framing = readFraming(fields);
  if ('violation' in framing) return violation(framing.violation);
  if (framing.length !== null && framing.length !== range.end - range.start) {
    return violation(`announced ${framing.length} bytes for a range of ${range.end - range.start}`);
  }
  const representation = representationFrom(fields, range.total, { validatedAt, ranges: true });
  return { kind: 'content', representation, start: range.start, end: range.end, opaque: false };
}

/** RFC 9110 §15.5.17. */
function readUnsatisfiable(asked: AskedBytes, fields: Fields, validatedAt: number): OriginAnswer {
  const length = unsatisfiedTotal(parseContentRange(fieldValue(fields, 'content-range')));
  if (length !== null && length > asked.start) {
    return violation(`refused a range at ${asked.start} of a file of ${length} bytes`);
  }
  if (length !== 0 || asked.start !== 0) return { kind: 'unsatisfiable', length };
  // The fields about content describe the body of the error, not the empty file.
  const ofTheFile = fields.filter(([name]) => !name.startsWith('content-'));
  return { kind: 'empty', representation: representationFrom(ofTheFile, 0, { validatedAt, ranges: false }) };
}

function unsatisfiedTotal(range: ContentRange | null): number | null {
  return range !== null && 'unsatisfiedTotal' in range ? range.unsatisfiedTotal : null;
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
  return length === null ? { violation: 'sent a malformed Content-Length' } : { length };
}

/** Whether a coding other than identity was applied (RFC 9110 §8.4): another representation, which is never sliced. */
export function isCoded(fields: Fields): boolean {
  return listMembers(fieldValue(fields, 'content-encoding') ?? '').some(
    (coding) => coding.toLowerCase() !== 'identity',
  );
}

function violation(message: string): OriginAnswer {
  return { kind: 'violation', message };
}
