/** What an origin may do to us, and what each is worth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields } from '../../src/http/fields.ts';
import { type AskedBytes, type OriginAnswer, readAnswer } from '../../src/http/origin-answer.ts';

const fromStart: AskedBytes = { start: 0, end: null };
const fromMiddle: AskedBytes = { start: 500, end: null };
const bounded: AskedBytes = { start: 500, end: 600 };
const plain: AskedBytes = { start: 0, end: null, ranged: false };

function read(asked: AskedBytes, status: number, ...fields: Fields): OriginAnswer {
  return readAnswer(asked, status, fields, 7);
}

function part(asked: AskedBytes, contentRange: string, ...more: Fields): OriginAnswer {
  return read(asked, 206, ['content-range', contentRange], ['etag', '"v1"'], ...more);
}

function assertContent(
  answer: OriginAnswer,
  expected: {
    start: number;
    end: number | null;
    length: number | null;
    storable?: boolean;
    ranges: boolean;
    status?: number;
  },
): void {
  assert.equal(answer.kind, 'content', JSON.stringify(answer));
  if (answer.kind !== 'content') return;
  const { start, end, storable, representation } = answer;
  const { length, ranges, status } = representation;
  assert.deepEqual(
    { start, end, length, storable, ranges, status },
    { storable: true, status: undefined, ...expected },
  );
  assert.equal(representation.validatedAt, 7);
}

function assertViolation(answer: OriginAnswer, message: RegExp): void {
  assert.equal(answer.kind, 'violation', JSON.stringify(answer));
  if (answer.kind === 'violation') assert.match(answer.message, message);
}

function assertContradiction(answer: OriginAnswer, message: RegExp): void {
  assert.equal(answer.kind, 'contradiction', JSON.stringify(answer));
  if (answer.kind === 'contradiction') assert.match(answer.message, message);
}

test('a 200 starts at byte 0, whatever was asked', () => {
  const whole = { start: 0, end: 1000, length: 1000, ranges: false };
  assertContent(read(fromStart, 200, ['content-length', '1000']), whole);
  assertContent(read(fromMiddle, 200, ['content-length', '1000']), whole);
});

test('a 200 without a length ends where its framing says', () => {
  const unknown = { start: 0, end: null, length: null, ranges: false };
  assertContent(read(fromStart, 200), unknown);
  assertContent(read(fromStart, 200, ['transfer-encoding', 'Chunked']), unknown);
});

test('a 200 of a length that no number can hold ends where its framing says', () => {
  for (const length of ['9007199254740993', '99999999999999999999999']) {
    assertContent(read(fromStart, 200, ['content-length', length]), {
      start: 0,
      end: null,
      length: null,
      ranges: false,
    });
  }
});

test('a 200 of no bytes is an empty file', () => {
  const answer = read(fromStart, 200, ['content-length', '0'], ['content-type', 'video/mp4']);
  assert.equal(answer.kind, 'empty');
  assert.equal(answer.kind === 'empty' && answer.representation.length, 0);
});

test('a 200 in a content coding is passed through and never sliced', () => {
  const answer = read(fromStart, 200, ['content-length', '90'], ['content-encoding', 'gzip']);
  assertContent(answer, { start: 0, end: 90, length: 90, storable: false, ranges: false });
  const plain = read(fromStart, 200, ['content-length', '90'], ['content-encoding', 'Identity']);
  assertContent(plain, { start: 0, end: 90, length: 90, ranges: false });
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

test('a 206 with another start is a contradiction', () => {
  assertContradiction(part(fromMiddle, 'bytes 499-999/1000'), /from 499 where 500/);
  assertContradiction(part(fromMiddle, 'bytes 0-999/1000'), /from 0 where 500/);
  assertContradiction(part(fromStart, 'bytes 1-999/1000'), /from 1 where 0/);
});

test('a 206 that goes on past the end asked for is a contradiction', () => {
  assertContradiction(part(bounded, 'bytes 500-600/1000'), /up to 601 where 600/);
  assertContradiction(part(bounded, 'bytes 500-999/1000'), /up to 1000 where 600/);
});

test('a 206 without a valid Content-Range is a contradiction', () => {
  assertContradiction(read(fromStart, 206), /Content-Range/);
  for (const value of ['bytes 599-500/1000', 'bytes 500-1000/1000', 'items 500-599/1000', 'bytes */1000', 'nonsense']) {
    assertContradiction(part(bounded, value), /Content-Range/);
  }
  const twice = read(bounded, 206, ['content-range', 'bytes 500-599/1000'], ['content-range', 'bytes 0-9/1000']);
  assertContradiction(twice, /Content-Range/);
});

test('several parts for one range are a contradiction', () => {
  const type: Fields[number] = ['content-type', 'Multipart/ByteRanges; boundary=x'];
  assertContradiction(read(bounded, 206, type), /several parts/);
  assertContradiction(part(bounded, 'bytes 500-599/1000', type), /several parts/);
});

test('a 206 in a content coding is a contradiction', () => {
  assertContradiction(part(bounded, 'bytes 500-599/1000', ['content-encoding', 'gzip']), /coding/);
  assertContradiction(part(bounded, 'bytes 500-599/1000', ['content-encoding', 'identity, br']), /coding/);
});

test('a Content-Length that contradicts Content-Range is a contradiction', () => {
  assertContradiction(
    part(bounded, 'bytes 500-599/1000', ['content-length', '1000']),
    /announced 1000 bytes for a range of 100/,
  );
  assertContradiction(part(bounded, 'bytes 500-599/1000', ['content-length', '99']), /announced 99 bytes/);
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

test('a 416 for a range inside the length that it gives is a contradiction', () => {
  assertContradiction(read(fromMiddle, 416, ['content-range', 'bytes */501']), /refused a range at 500/);
  assertContradiction(read(fromStart, 416, ['content-range', 'bytes */1']), /refused a range at 0/);
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
  for (const status of [202, 204, 301, 302, 400, 401, 403, 404, 410, 429, 500, 503]) {
    const answer = read(fromStart, status, ['content-range', 'bytes 0-9/1000'], ['content-length', '10']);
    assert.deepEqual(answer, { kind: 'status' }, String(status));
  }
});

test('a 412 without a precondition is a contradiction, as long as If-Range may have been mistaken for one', () => {
  assertContradiction(read(fromMiddle, 412), /412/);
  assert.deepEqual(read(plain, 412), { kind: 'status' });
});

/** Successes that are content, by their status or because nobody knows better (RFC 9110 §15). */
const successes = Array.from({ length: 100 }, (_, index) => 200 + index).filter(
  (status) => ![202, 204, 206].includes(status),
);

test('every other success is taken for a 200, with its own status, and is not stored', () => {
  for (const status of successes) {
    const own = status === 200 ? {} : { status, storable: false };
    for (const asked of [fromStart, fromMiddle, bounded, plain]) {
      const answer = read(asked, status, ['content-length', '1000'], ['etag', '"v1"']);
      assertContent(answer, { start: 0, end: 1000, length: 1000, ranges: false, ...own });
    }
    const empty = read(plain, status, ['content-length', '0']);
    assert.deepEqual([empty.kind, 'storable' in empty && empty.storable], ['empty', status === 200], String(status));
  }
});

/** Values of Content-Range that do not say "this is the whole" of 1000 bytes, nor what `bounded` asked for. */
const partial = [
  'bytes 500-999/1000',
  'bytes 1-999/1000',
  'bytes 0-998/1000',
  'bytes 0-999/1001',
  'bytes 0-999/*',
  'bytes 0-99/1000',
  'bytes 500-1499/2000',
  'bytes 499-598/1000',
  'bytes 500-600/1000',
  'bytes 500-598/1000',
  'bytes */1000',
  'bytes */*',
  'bytes 0-1000/1000',
  'bytes 999-0/1000',
  'bytes 0-999',
  'bytes=0-999/1000',
  'bytes 0-999/1000, bytes 0-999/1000',
  'items 0-999/1000',
  'seconds 0-9/10',
  'none',
  '',
];

test('a success whose Content-Range is not the whole is no content at byte 0 of a file that was asked for in ranges', () => {
  const lengths: Fields = [
    ['content-length', '1000'],
    ['content-length', '100'],
    ['content-length', '500'],
    ['x', ''],
  ];
  for (const status of successes) {
    for (const value of partial) {
      for (const length of lengths) {
        for (const asked of [fromStart, fromMiddle, bounded]) {
          const answer = read(asked, status, ['content-range', value], length);
          if (answer.kind === 'contradiction') continue;
          // What names exactly what was asked is taken as that.
          assertContent(answer, { start: 500, end: 1000, length: 1000, ranges: true, storable: false });
          assert.deepEqual([status, asked, value], [200, fromMiddle, 'bytes 500-999/1000']);
        }
      }
    }
  }
});

test('a 200 that names exactly what was asked is that part, and is not stored', () => {
  const part = { start: 500, end: 600, length: 1000, ranges: true, storable: false };
  assertContent(read(bounded, 200, ['content-range', 'bytes 500-599/1000'], ['content-length', '100']), part);
  const shorter = read(bounded, 200, ['content-range', 'bytes 500-549/550'], ['content-length', '50']);
  assertContent(shorter, { ...part, end: 550, length: 550 });
  const unknown = read(bounded, 200, ['content-range', 'bytes 500-599/*'], ['content-length', '100']);
  assertContent(unknown, { ...part, length: null });
  assertContradiction(read(bounded, 200, ['content-range', 'bytes 500-599/1000']), /part/);
  assertContradiction(read(bounded, 200, ['content-range', 'bytes 500-599/1000'], ['content-length', '1000']), /part/);
  assertContradiction(read(bounded, 200, ['content-range', 'bytes 500-599/1000'], ['content-encoding', 'br']), /part/);
});

test('a 200 whose Content-Range is the whole is an ordinary one', () => {
  const value: Fields[number] = ['content-range', 'bytes 0-999/1000'];
  for (const asked of [fromStart, fromMiddle, bounded, plain]) {
    assertContent(read(asked, 200, value, ['content-length', '1000']), {
      start: 0,
      end: 1000,
      length: 1000,
      ranges: false,
    });
    assertContent(read(asked, 200, value), { start: 0, end: null, length: null, ranges: false });
  }
});

test('Content-Range on a 200 that was asked for without a range means nothing, and keeps it from the store', () => {
  const whole = { start: 0, end: 1000, length: 1000, ranges: false, storable: false };
  for (const value of ['none', 'bytes */1000', 'items 0-9/10', 'bytes 0-99/1000', 'bytes 500-599/1000']) {
    assertContent(read(plain, 200, ['content-range', value], ['content-length', '1000']), whole);
  }
});

test('a 200 that was asked for without a range and is as long as a part that it names is a violation', () => {
  assertViolation(read(plain, 200, ['content-range', 'bytes 500-599/1000'], ['content-length', '100']), /part/);
  assertViolation(read(plain, 200, ['content-range', 'bytes 0-99/1000'], ['content-length', '100']), /part/);
  assertViolation(read(plain, 200, ['content-range', 'bytes 500-599/1000']), /part/);
});

test('a 206 that was asked for without a range is the whole, or a violation', () => {
  const whole = { start: 0, end: 1000, length: 1000, ranges: false, storable: false };
  assertContent(read(plain, 206, ['content-range', 'bytes 0-999/1000'], ['content-length', '1000']), whole);
  for (const value of partial.filter((value) => value !== 'bytes 0-999/1000')) {
    assertViolation(read(plain, 206, ['content-range', value]), /part/);
  }
  assertViolation(read(plain, 206), /part/);
});

test('nothing that was asked for without a range is a contradiction: there is nothing left to ask', () => {
  for (let status = 200; status < 600; status += 1) {
    for (const value of [...partial, 'bytes 0-999/1000']) {
      assert.notEqual(read(plain, status, ['content-range', value]).kind, 'contradiction', `${status} ${value}`);
    }
  }
});
