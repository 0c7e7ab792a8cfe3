import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHttpDate, parseOriginDate } from '../../src/http/http-date.ts';

const moment = Date.UTC(1994, 10, 6, 8, 49, 37);

test('all three forms of a date are read', () => {
  assert.equal(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT'), moment);
  assert.equal(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT'), moment);
  assert.equal(parseHttpDate('Sun Nov  6 08:49:37 1994'), moment);
});

test('a date is read in any case', () => {
  assert.equal(parseHttpDate('SUN, 06 nov 1994 08:49:37 gmt'), moment);
});

test('a year of two digits is between 1970 and 2069', () => {
  assert.equal(parseHttpDate('Sunday, 06-Nov-69 08:49:37 GMT'), Date.UTC(2069, 10, 6, 8, 49, 37));
  assert.equal(parseHttpDate('Sunday, 06-Nov-70 08:49:37 GMT'), Date.UTC(1970, 10, 6, 8, 49, 37));
});

test('a leap second is the first of the next minute', () => {
  assert.equal(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT'), Date.UTC(2017, 0, 1));
  assert.equal(parseHttpDate('Sat, 31 Dec 2016 23:59:61 GMT'), null);
});

test('what is no HTTP date is none', () => {
  const wrong = [
    '',
    '0',
    '-1',
    'now',
    '784111777',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ];
  for (const text of wrong) assert.equal(parseHttpDate(text), null, text);
});

test('every second of the calendar comes back as it was written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
      assert.equal(parseHttpDate(new Date(seconds * 1000).toUTCString()), seconds * 1000);
    }),
  );
});

test('a date of an origin is read as servers write it, where it can mean one moment only', () => {
  const odd = [
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun,  6 Nov 1994 8:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sunday, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 November 1994 08:49:37 GMT',
    'Sun, 06-Nov-1994 08:49:37 GMT',
    'Sun 06 Nov 1994 08:49:37 GMT',
    '06 Nov 1994 08:49:37 GMT',
    'Sun Nov 06 08:49:37 UTC 1994',
    'Sun Nov 6 08:49:37 1994',
    '1994-11-06T08:49:37Z',
    '1994-11-06T08:49:37.000Z',
    '1994-11-06 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 GMT ',
  ];
  for (const text of odd) assert.equal(parseOriginDate(text), moment, text);
  const wrong = [
    '',
    '0',
    'now',
    '784111777',
    '1994-13-06T08:49:37Z',
    '11/06/1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 +0200',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 31 Feb 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ];
  for (const text of wrong) assert.equal(parseOriginDate(text), null, text);
});
