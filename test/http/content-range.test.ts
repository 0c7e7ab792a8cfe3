import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatContentRange, parseContentRange } from '../../src/http/content-range.ts';

test('a valid Content-Range is read with its end exclusive', () => {
  assert.deepEqual(parseContentRange('bytes 0-9/1000'), { start: 0, end: 10, total: 1000 });
  assert.deepEqual(parseContentRange('bytes 990-999/1000'), { start: 990, end: 1000, total: 1000 });
  assert.deepEqual(parseContentRange('bytes 5-5/*'), { start: 5, end: 6, total: null });
  assert.deepEqual(parseContentRange('Bytes 0-0/1'), { start: 0, end: 1, total: 1 });
  // What no number can hold is not known.
  assert.deepEqual(parseContentRange('bytes 0-9/18446744073709551616'), { start: 0, end: 10, total: null });
  const most = { start: 0, end: Number.MAX_SAFE_INTEGER, total: null };
  assert.deepEqual(parseContentRange('bytes 0-9007199254740992/*'), most);
  assert.deepEqual(parseContentRange('bytes 0-18446744073709551615/18446744073709551616'), most);
  assert.deepEqual(parseContentRange('bytes */1000'), { unsatisfiedTotal: 1000 });
  assert.deepEqual(parseContentRange('bytes */0'), { unsatisfiedTotal: 0 });
});

test('a Content-Range that is malformed or contradicts itself is none', () => {
  const wrong = [
    '',
    'bytes',
    'bytes 0-9',
    'bytes 0-/1000',
    'bytes -9/1000',
    'bytes 0-9/',
    'bytes */*',
    'bytes=0-9/1000',
    'bytes: 0-9/1000',
    'items 0-9/1000',
    'bytes 9-0/1000',
    'bytes 0-1000/1000',
    'bytes 0-9/9',
    'bytes 0-9/0x10',
    'bytes 0 - 9/1000',
    'bytes 0-9/1000, bytes 20-29/1000',
    'bytes 9007199254740992-9007199254740993/*',
    'bytes 0-18446744073709551616/18446744073709551616',
    'bytes */18446744073709551616',
  ];
  for (const value of wrong) assert.equal(parseContentRange(value), null, value);
  assert.equal(parseContentRange(null), null);
});

test('a Content-Range is written with its end inclusive', () => {
  assert.equal(formatContentRange({ start: 0, end: 10 }, 1000), 'bytes 0-9/1000');
  assert.equal(formatContentRange({ start: 0, end: 10 }, null), 'bytes 0-9/*');
  assert.equal(formatContentRange(null, 0), 'bytes */0');
});
