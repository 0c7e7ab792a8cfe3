/**
 * The heads of answers, as an HTTP parser takes them: what servers write otherwise and can mean one thing only is put
 * right, and interim answers (RFC 9110 §15.2) are left out, since nobody waits for them. Whatever is ambiguous stays as it
 * came, so that the parser refuses it. docs/reference/wire.md lists both.
 */

/** A head that is longer is given on unmended; the parser's own limit is the same. */
const mostHead = 64 * 1024;

const statusLine = /^(?:(icy)|http\/(\d)(?:\.(\d))?)[ \t]+(\d{3})(?:[ \t]+(.*))?$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\x00-\x08\x0a-\x1f\x7f]/;
const fieldLine = /^([!#$%&'*+.^_`|~\w-]+)[ \t]*:[ \t]*(.*?)[ \t]*$/;

export class HeadMender {
  #head: Buffer = Buffer.alloc(0);
  #isExpected = false;
  #isOld = false;

  /** Whether a head has begun that is not complete. */
  get isInHead(): boolean {
    return this.#head.length > 0;
  }

  /** Whether the last head was of HTTP/1.0, which has no transfer codings. */
  get isOld(): boolean {
    return this.#isOld;
  }

  /** What comes next begins with a head. */
  expect(): void {
    this.#isExpected = true;
    this.#head = Buffer.alloc(0);
    this.#isOld = false;
  }

  /** What is to be given on of bytes that have come; `null` where more has to come before. */
  mend(bytes: Buffer): Buffer | null {
    if (!this.#isExpected) return bytes;
    this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    for (;;) {
      const text = this.#head.toString('latin1');
      const [blank = ''] = /^(?:\r?\n)*/.exec(text) ?? [];
      const end = /\r?\n\r?\n/.exec(text.slice(blank.length));
      if (end === null) return mayBegin(text.slice(blank.length)) && text.length <= mostHead ? null : this.#takeAll();
      const length = blank.length + end.index + end[0].length;
      const head = text.slice(blank.length, blank.length + end.index);
      const [, status = ''] = /^\S+[ \t]+(\d{3})(?!\d)/.exec(head) ?? [];
      const rest = this.#head.subarray(length);
      if (status.startsWith('1') && status !== '101') {
        this.#head = rest;
        continue;
      }
      const all = this.#takeAll();
      const mended = mendedHead(head);
      this.#isOld = /^HTTP\/1\.0/.test(mended ?? head);
      return mended === null ? all : Buffer.concat([Buffer.from(mended, 'latin1'), rest]);
    }
  }

  #takeAll(): Buffer {
    const all = this.#head;
    this.#head = Buffer.alloc(0);
    this.#isExpected = false;
    return all;
  }
}

/** Whether this may be where a head begins. */
function mayBegin(text: string): boolean {
  return text === '\r' || ['HTTP/', 'ICY '].some((word) => word.startsWith(text.slice(0, word.length).toUpperCase()));
}

/** The head with its final empty line; `null` where it has to be judged as it is. */
function mendedHead(head: string): string | null {
  // Both ends of a line in one head are two readings of it.
  if (/\r\n/.test(head) && /(?<!\r)\n/.test(head)) return null;
  const [first = '', ...lines] = head.split(/\r?\n/);
  const status = statusLine.exec(first);
  if (status === null) return null;
  const [, icy, major = '1', minor = '0', code = '', reason = ''] = status;
  const isOld = icy !== undefined || (major === '1' && minor === '0');
  const fields: (readonly [name: string, value: string])[] = [];
  for (const line of lines) {
    const [, name, value = ''] = fieldLine.exec(line) ?? [];
    if (name !== undefined) fields.push([name, value]);
    // A line that is no field says nothing, unless it may mean where the body ends, or goes on a field (RFC 9112 §5.2).
    else if (/^[ \t]|length|encoding/i.test(line) || controls.test(line)) return null;
  }
  const kept = withoutLength(withoutIdentity(fields));
  const written = kept.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/${isOld ? '1.0' : '1.1'} ${code} ${reason}\r\n${written}\r\n`;
}

type Lines = ReadonlyArray<readonly [name: string, value: string]>;

/** The transfer coding that was none, and is gone from the standard (RFC 9112 §7). */
function withoutIdentity(fields: Lines): Lines {
  return fields.filter(([name, value]) => name.toLowerCase() !== 'transfer-encoding' || !/^identity$/i.test(value));
}

/** Of equal lengths one is kept (RFC 9112 §6.3); one that no number can hold is not known. */
function withoutLength(fields: Lines): Lines {
  const isLength = ([name]: Lines[number]) => name.toLowerCase() === 'content-length';
  const lengths = new Set(fields.filter(isLength).flatMap(([, value]) => value.split(/[ \t]*,[ \t]*/)));
  const [length = ''] = lengths;
  if (lengths.size !== 1 || !/^\d+$/.test(length)) return fields;
  const others = fields.filter((field) => !isLength(field));
  return Number.isSafeInteger(Number(length)) ? [...others, ['Content-Length', length]] : others;
}
