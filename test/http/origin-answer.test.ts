/** What an origin may do to us, and what each is worth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields } from '../../src/http/fields.ts';
import { type AskedBytes, type OriginAnswer, readAnswer } from '../../src/http/origin-answer.ts';

const fromStart: AskedBytes = { start: 0, end: null };
const fromMiddle: AskedBytes = { start: 500, end: null };
const bounded: AskedBytes = { start: 500, end: 600 };

function read(asked: AskedBytes, status: number, ...fields: Fields): OriginAnswer {
  return readAnswer(asked, status, fields, 7);
}

function part(asked: AskedBytes, contentRange: string, ...more: Fields): OriginAnswer {
  return read(asked, 206, ['content-range', contentRange], ['etag', '"v1"'], ...more);
}

function assertContent(
  answer: OriginAnswer,
  expected: { start: number; end: number | null; length: number | null; opaque?: boolean; ranges: boolean },
): void {
  assert.equal(answer.kind, 'content', JSON.stringify(answer));
  if (answer.kind !== 'content') return;
  const { start, end, opaque, representation } = answer;
  assert.deepEqual(
    { start, end, length: representation.length, opaque, ranges: representation.ranges },
    { opaque: false, ...expected },
  );
  assert.equal(representation.validatedAt, 7);
}

function assertViolation(answer: OriginAnswer, message: RegExp): void {
  assert.equal(answer.kind, 'violation', JSON.stringify(answer));
  if (answer.kind === 'violation') assert.match(answer.message, message);
}

test('a 200 starts at byte 0, whatever was asked', () => {
  const whole = { start: 0, end: 1000, length: 1000, ranges: false };
  assertContent(read(fromStart, 200, ['content-length', '1000']), whole);
  assertContent(read(fromMiddle, 200, ['content-length', '1000']), whole);
});

test('Content-Range on a 200 is ignored', () => {
  const answer = read(bounded, 200, ['content-length', '1000'], ['content-range', 'bytes 500-599/1000']);
  assertContent(answer, { start: 0, end: 1000, length: 1000, ranges: false });
});

test('a 200 without a length ends where its framing says', () => {
  const unknown = { start: 0, end: null, length: null, ranges: false };
  assertContent(read(fromStart, 200), unknown);
  assertContent(read(fromStart, 200, ['transfer-encoding', 'Chunked']), unknown);
});

test('a 200 of no bytes is an empty file', () => {
  const answer = read(fromStart, 200, ['content-length', '0'], ['content-type', 'video/mp4']);
  assert.equal(answer.kind, 'empty');
  assert.equal(answer.kind === 'empty' && answer.representation.length, 0);
});

test('a 200 in a content coding is passed through and never sliced', () => {
  const answer = read(fromStart, 200, ['content-length', '90'], ['content-encoding', 'gzip']);
  assertContent(answer, { start: 0, end: 90, length: 90, opaque: true, ranges: false });
  const plain = read(fromStart, 200, ['content-length', '90'], ['content-encoding', 'Identity']);
  assertContent(plain, { start: 0, end: 90, length: 90, opaque: false, ranges: false });
});

test('a 206 that gives what was asked tells length and ranges', () => {
  assertContent(part(fromStart, 'bytes 0-999/1000'), { start: 0, end: 1000, length: 1000, ranges: true });
  assertContent(part(bounded, 'bytes 500-599/1000', ['content-length', '100']), {
    start: 500,
    end: 600,
    length: 1000,
    ranges: true,
  });
});

test('a 206 of unknown length and a shorter one than asked are legal', () => {
  assertContent(part(fromStart, 'bytes 0-9/*'), { start: 0, end: 10, length: null, ranges: true });
  assertContent(part(fromMiddle, 'bytes 500-500/1000'), { start: 500, end: 501, length: 1000, ranges: true });
  assertContent(part(bounded, 'bytes 500-598/1000'), { start: 500, end: 599, length: 1000, ranges: true });
});

test('a 206 with another start is a violation', () => {
  assertViolation(part(fromMiddle, 'bytes 499-999/1000'), /from 499 where 500/);
  assertViolation(part(fromMiddle, 'bytes 0-999/1000'), /from 0 where 500/);
  assertViolation(part(fromStart, 'bytes 1-999/1000'), /from 1 where 0/);
});

test('a 206 that goes on past the end asked for is a violation', () => {
  assertViolation(part(bounded, 'bytes 500-600/1000'), /up to 601 where 600/);
  assertViolation(part(bounded, 'bytes 500-999/1000'), /up to 1000 where 600/);
});

test('a 206 without a valid Content-Range is a violation', () => {
  assertViolation(read(fromStart, 206), /Content-Range/);
  for (const value of ['bytes 599-500/1000', 'bytes 500-1000/1000', 'items 500-599/1000', 'bytes */1000', 'nonsense']) {
    assertViolation(part(bounded, value), /Content-Range/);
  }
  const twice = read(bounded, 206, ['content-range', 'bytes 500-599/1000'], ['content-range', 'bytes 0-9/1000']);
  assertViolation(twice, /Content-Range/);
});

test('several parts for one range are a violation', () => {
  const type: Fields[number] = ['content-type', 'Multipart/ByteRanges; boundary=x'];
  assertViolation(read(bounded, 206, type), /several parts/);
  assertViolation(part(bounded, 'bytes 500-599/1000', type), /several parts/);
});

test('a 206 in a content coding is a violation', () => {
  assertViolation(part(bounded, 'bytes 500-599/1000', ['content-encoding', 'gzip']), /coding/);
  assertViolation(part(bounded, 'bytes 500-599/1000', ['content-encoding', 'identity, br']), /coding/);
});

test('a Content-Length that contradicts Content-Range is a violation', () => {
  assertViolation(
    part(bounded, 'bytes 500-599/1000', ['content-length', '1000']),
    /announced 1000 bytes for a range of 100/,
  );
  assertViolation(part(bounded, 'bytes 500-599/1000', ['content-length', '99']), /announced 99 bytes/);
});

test('a message whose framing is in doubt is a violation', () => {
  for (const asked of [fromStart, fromMiddle]) {
    for (const length of ['-1', 'abc', '10, 20', '1e3', '']) {
      assertViolation(read(asked, 200, ['content-length', length]), /malformed Content-Length/);
    }
    assertViolation(read(asked, 200, ['content-length', '9'], ['content-length', '9']), /malformed Content-Length/);
    assertViolation(read(asked, 200, ['content-length', '9'], ['transfer-encoding', 'chunked']), /both/);
    assertViolation(read(asked, 200, ['transfer-encoding', 'gzip, chunked']), /transfer coding/);
  }
  assertViolation(part(bounded, 'bytes 500-599/1000', ['transfer-encoding', 'gzip']), /transfer coding/);
});

test('a 304 says that what is stored is current', () => {
  assert.deepEqual(read(fromStart, 304, ['etag', '"v1"']), { kind: 'not-modified' });
});

test('a 416 tells the length where it can', () => {
  const refused = (asked: AskedBytes, ...fields: Fields) => read(asked, 416, ...fields);
  assert.deepEqual(refused(fromMiddle, ['content-range', 'bytes */300']), { kind: 'unsatisfiable', length: 300 });
  assert.deepEqual(refused(fromMiddle, ['content-range', 'bytes */500']), { kind: 'unsatisfiable', length: 500 });
  assert.deepEqual(refused(fromMiddle, ['content-range', 'bytes */0']), { kind: 'unsatisfiable', length: 0 });
  for (const value of ['bytes 0-9/1000', 'nonsense']) {
    assert.deepEqual(refused(fromMiddle, ['content-range', value]), { kind: 'unsatisfiable', length: null });
  }
  assert.deepEqual(refused(fromStart), { kind: 'unsatisfiable', length: null });
});

test('a 416 for a range inside the length that it gives is a violation', () => {
  assertViolation(read(fromMiddle, 416, ['content-range', 'bytes */501']), /refused a range at 500/);
  assertViolation(read(fromStart, 416, ['content-range', 'bytes */1']), /refused a range at 0/);
});

test('a 416 of length 0 to the first byte is an empty file, without the fields of the error page', () => {
  const answer = read(
    fromStart,
    416,
    ['content-range', 'bytes */0'],
    ['content-type', 'text/html'],
    ['content-encoding', 'gzip'],
    ['etag', '"v0"'],
  );
  assert.equal(answer.kind, 'empty');
  if (answer.kind !== 'empty') return;
  assert.equal(answer.representation.length, 0);
  assert.equal(answer.representation.ranges, false);
  assert.deepEqual(answer.representation.fields, [['etag', '"v0"']]);
});

test('any other status is the client’s to see', () => {
  for (const status of [201, 203, 204, 301, 302, 400, 401, 403, 404, 410, 429, 500, 503]) {
    const answer = read(fromStart, status, ['content-range', 'bytes 0-9/1000'], ['content-length', '10']);
    assert.deepEqual(answer, { kind: 'status' }, String(status));
  }
});
