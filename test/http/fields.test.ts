import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endToEnd, fieldsFromRaw, fieldValue, listMembers, parseDecimal, titled } from '../../src/http/fields.ts';

test('raw headers become fields with lower-case names, in order, duplicates kept', () => {
  assert.deepEqual(fieldsFromRaw(['ETag', '"v1"', 'Vary', 'a', 'VARY', 'b']), [
    ['etag', '"v1"'],
    ['vary', 'a'],
    ['vary', 'b'],
  ]);
});

test('the lines of one field are joined', () => {
  const fields = fieldsFromRaw(['Vary', 'a', 'X', '1', 'vary', 'b']);
  assert.equal(fieldValue(fields, 'vary'), 'a, b');
  assert.equal(fieldValue(fields, 'etag'), null);
  assert.equal(fieldValue([['etag', '']], 'etag'), '');
});

test('fields of one hop, and those that Connection lists, go no further', () => {
  const raw = ['Connection', 'close, X-Hop', 'Keep-Alive', '5', 'x-hop', '1', 'TE', 'trailers', 'Upgrade', 'h2c'];
  const more = ['Transfer-Encoding', 'chunked', 'Proxy-Authorization', 'x', 'connection', ',other', 'Other', '2'];
  assert.deepEqual(endToEnd(fieldsFromRaw([...raw, ...more, 'ETag', '"v1"'])), [['etag', '"v1"']]);
});

test('list members are trimmed and empty ones do not count', () => {
  assert.deepEqual(listMembers(' a ,,\tb c\t, '), ['a', 'b c']);
  assert.deepEqual(listMembers(''), []);
});

test('a header full of blanks costs no more than its length', () => {
  const before = process.cpuUsage();
  assert.deepEqual(listMembers(`a${'\t'.repeat(200_000)}b`).length, 1);
  assert.ok(process.cpuUsage(before).user < 1_000_000);
});

test('a decimal is digits and nothing else, and no more than a number can hold', () => {
  assert.equal(parseDecimal('0010'), 10);
  assert.equal(parseDecimal('9007199254740991'), Number.MAX_SAFE_INTEGER);
  for (const text of ['', '-1', '+1', '1.0', '0x1', ' 1', '1e3', '9007199254740992', '1, 1']) {
    assert.equal(parseDecimal(text), null, text);
  }
});

test('a name has the letters that HTTP/1.1 programs give it', () => {
  const names = ['content-type', 'etag', 'www-authenticate', 'x-a1-b', 'icy-name', 'content-md5'];
  const titles = ['Content-Type', 'ETag', 'WWW-Authenticate', 'X-A1-B', 'icy-name', 'Content-MD5'];
  assert.deepEqual(names.map(titled), titles);
});
