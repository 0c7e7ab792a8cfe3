/**
 * The head of an answer, as bytes come. What servers write otherwise than the standard and can mean one thing only is
 * taken, and interim answers (RFC 9110 §15.2) are left out, since nobody waits for them. Whatever is ambiguous is refused.
 * docs/reference/wire.md lists both.
 */
import { type Fields, fieldsWhere, fieldValue } from '../http/fields.ts';
import { recalled } from '../kit/remembered.ts';

/** How the end of a body is told (RFC 9112 §6.3): after so many bytes, by its last chunk, or by that of the connection. */
export type Framing = number | 'chunked' | 'close';

export interface AnswerHead {
  readonly status: number;
  /** Names in lower case. */
  readonly fields: Fields;
  /** That of a body, where the request and the status allow one. */
  readonly framing: Framing;
  /** Whether another request may follow on the connection, as far as the head says (RFC 9112 §9.3). */
  readonly isKept: boolean;
  /** For how many milliseconds an idle connection is kept, where the server says that. */
  readonly keptFor: number | null;
}

/** Why an answer is refused. */
export class Refused extends Error {
  readonly why: 'malformed' | 'oversized' | 'old coding' | 'unasked coding';

  constructor(why: Refused['why']) {
    super(`the answer is refused: ${why}`);
    this.why = why;
  }
}

/** Bytes of a head. */
const mostHead = 64 * 1024;

const statusLine = /^(?:(icy)|http\/(\d)(?:\.(\d))?)[ \t]+(\d{3})(?:[ \t]+(.*))?$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\x00-\x08\x0a-\x1f\x7f]/;
const listed = /[ \t]*,[ \t]*/;
const fieldLine = /^([!#$%&'*+.^_`|~\w-]+)[ \t]*:[ \t]*(.*?)[ \t]*$/;

export class AnswerHeadReader {
  #begun: Buffer = Buffer.alloc(0);

  /** Whether a head has begun that is not complete. */
  get hasBegun(): boolean {
    return this.#begun.length > 0;
  }

  /** The head, and what of `bytes` is behind it; `null` where more has to come before. Throws `Refused`. */
  take(bytes: Buffer): { readonly head: AnswerHead; readonly rest: Buffer } | null {
    this.#begun = this.#begun.length === 0 ? bytes : Buffer.concat([this.#begun, bytes]);
    for (;;) {
      const start = blankEnd(this.#begun);
      const end = endOf(this.#begun, start);
      if (end === null || end.next > mostHead + 1) {
        if (this.#begun.length > mostHead) throw new Refused('oversized');
        if (!mayBegin(this.#begun.toString('latin1', start, start + longestBeginning))) throw new Refused('malformed');
        return null;
      }
      const head = this.#begun.toString('latin1', start, end.at);
      const [, status = ''] = /^\S+[ \t]+(\d{3})(?!\d)/.exec(head) ?? [];
      const rest = this.#begun.subarray(end.next);
      this.#begun = rest;
      if (status.startsWith('1') && status !== '101') continue;
      this.#begun = Buffer.alloc(0);
      return { head: parsed(head), rest };
    }
  }
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** Where what is not a blank line begins. */
function blankEnd(bytes: Buffer): number {
  for (let at = 0; ; ) {
    const line = bytes[at] === carriageReturn ? at + 1 : at;
    if (bytes[line] !== lineFeed) return at;
    at = line + 1;
  }
}

/** Where the head ends, and where what follows its blank line begins; `null` where it does not end yet. */
function endOf(bytes: Buffer, start: number): { readonly at: number; readonly next: number } | null {
  for (let line = bytes.indexOf(lineFeed, start); line !== -1; line = bytes.indexOf(lineFeed, line + 1)) {
    const blank = bytes[line + 1] === carriageReturn ? line + 2 : line + 1;
    if (bytes[blank] === lineFeed) {
      return { at: line > start && bytes[line - 1] === carriageReturn ? line - 1 : line, next: blank + 1 };
    }
  }
  return null;
}

const beginnings = ['HTTP/', 'ICY '] as const;
const longestBeginning = 5;

/** Whether this may be where a head begins. */
function mayBegin(text: string): boolean {
  return text === '\r' || beginnings.some((word) => word.startsWith(text.slice(0, word.length).toUpperCase()));
}

function parsed(head: string): AnswerHead {
  // Both ends of a line in one head are two readings of it.
  if (/\r\n/.test(head) && /(?<!\r)\n/.test(head)) throw new Refused('malformed');
  const [first = '', ...lines] = head.split(/\r?\n/);
  const [, icy, major = '1', minor = '0', code = ''] = statusLine.exec(first) ?? [];
  if (code === '' || code === '101' || code.startsWith('0')) throw new Refused('malformed');
  const isOld = icy !== undefined || (major === '1' && minor === '0');
  const read = head.length <= longestRecalled ? fieldOften : fieldIn;
  const fields: Fields[number][] = [];
  for (const line of lines) {
    const field = read(line);
    if (field !== null) fields.push(field);
  }
  return framed(Number(code), fields, isOld);
}

/** The field of a line; `null` where it is none. */
function fieldIn(line: string): Fields[number] | null {
  const [, name, value = ''] = fieldLine.exec(line) ?? [];
  // A line that is no field says nothing, unless it may mean where the body ends, or goes on a field (RFC 9112 §5.2).
  if (controls.test(line) || (name === undefined && /^[ \t]|length|encoding/i.test(line)))
    throw new Refused('malformed');
  return name === undefined ? null : [own(name.toLowerCase()), own(value)];
}

/** Servers say most lines again and again; what is stored of many answers has them once. */
const fieldOften = recalled(fieldIn);

/** Of no longer head: what is remembered of a line keeps all of the head. */
const longestRecalled = 4096;

/** A string of its own, not a part of the head that keeps all of it. */
function own(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function framed(status: number, given: Fields, isOld: boolean): AnswerHead {
  const lengths = new Set(fieldValue(given, 'content-length')?.split(listed));
  // The transfer coding that was none is gone from the standard (RFC 9112 §7). Behind chunks, some would read to the close.
  const coding = fieldValue(given, 'transfer-encoding')?.replace(/^(?:identity(?:[ \t]*,[ \t]*|$))+/i, '') || null;
  const [written] = lengths;
  if (lengths.size > 1 || (written !== undefined && !/^\d+$/.test(written))) throw new Refused('malformed');
  if (coding !== null && isOld) throw new Refused('old coding');
  if (coding !== null && written !== undefined) throw new Refused('malformed');
  if (coding !== null && coding.toLowerCase() !== 'chunked') throw new Refused('unasked coding');
  // A length that no number can hold is not known.
  const length = written !== undefined && Number.isSafeInteger(Number(written)) ? Number(written) : null;
  const others = fieldsWhere(given, (name) => name !== 'content-length' && name !== 'transfer-encoding');
  const fields: Fields = length === null ? others : [...others, ['content-length', String(length)]];
  const options = (fieldValue(given, 'connection') ?? '').toLowerCase().split(listed);
  const isKept = !options.includes('close') && (!isOld || options.includes('keep-alive'));
  const [, seconds] = /\btimeout=(\d+)/i.exec(fieldValue(given, 'keep-alive') ?? '') ?? [];
  const keptFor = seconds === undefined ? null : Number(seconds) * 1000;
  return { status, fields, framing: coding !== null ? 'chunked' : (length ?? 'close'), isKept, keptFor };
}
