import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deltaSeconds, parseCacheControl, responseDirectives } from '../../src/http/cache-control.ts';

function parsed(value: string | null): Record<string, string | null> {
  return Object.fromEntries(parseCacheControl(value));
}

test('directives are read in any case, with and without an argument', () => {
  assert.deepEqual(parsed('No-Store, MAX-AGE=3600,,private="set-cookie, x"\t, a=b'), {
    'no-store': null,
    'max-age': '3600',
    private: 'set-cookie, x',
    a: 'b',
  });
  assert.deepEqual(parsed(null), {});
  assert.deepEqual(parsed(''), {});
});

test('a directive inside a quoted string is none', () => {
  assert.deepEqual(parsed('ext="max-age=3600, no-store", max-age=1'), {
    ext: 'max-age=3600, no-store',
    'max-age': '1',
  });
  assert.deepEqual(parsed('ext="a\\", no-store"'), { ext: 'a", no-store' });
});

test('the first of two directives of one name counts', () => {
  assert.deepEqual(parsed('max-age=1, max-age=3600'), { 'max-age': '1' });
});

test('blanks around the equals sign make no directive', () => {
  assert.deepEqual(parsed('max-age =3600, no-cache'), { 'no-cache': null });
  assert.deepEqual(parsed('max-age= 3600, no-cache'), { 'no-cache': null });
});

test('malformed seconds are none left, and too many are 2^31', () => {
  const seconds = (value: string) => deltaSeconds(parseCacheControl(value), 'max-age');
  assert.equal(seconds('max-age=60'), 60);
  assert.equal(seconds('max-age="60"'), 60);
  assert.equal(seconds('max-age=0060'), 60);
  assert.equal(seconds('max-age=99999999999'), 2 ** 31);
  assert.equal(seconds('no-cache'), null);
  for (const value of ['max-age', 'max-age=', 'max-age=-1', 'max-age=60.5', 'max-age=a60', "max-age='60'"]) {
    assert.equal(seconds(value), 0, value);
  }
});

test('a valid targeted field is all that counts', () => {
  const directives = (targeted: string) =>
    Object.fromEntries(
      responseDirectives([
        ['cache-control', 'no-store'],
        ['cdn-cache-control', targeted],
      ]),
    );
  assert.deepEqual(directives('max-age=60'), { 'max-age': '60' });
  assert.deepEqual(directives('no-cache;x=1, private="a"'), { 'no-cache': null, private: 'a' });
  assert.deepEqual(directives('no-cache=?0, max-age=60'), { 'max-age': '60' });
  for (const ignored of ['', '&&&', 'max-age=60, &&&', 'max-age="60"', 'Max-Age=60', 'max-age =60']) {
    assert.deepEqual(directives(ignored), { 'no-store': null }, ignored);
  }
});
