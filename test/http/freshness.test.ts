import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields } from '../../src/http/fields.ts';
import { type CacheMode, currentAge, freshUntil, mustRevalidate, storable } from '../../src/http/freshness.ts';
import { type Representation, representationFrom } from '../../src/http/representation.ts';

const arrival = Date.UTC(2026, 10, 6, 12, 0, 0);
const day = 24 * 3600 * 1000;

/** An HTTP date some seconds after the arrival. */
function date(seconds: number): string {
  return new Date(arrival + seconds * 1000).toUTCString();
}

function film(...fields: Fields): Representation {
  return representationFrom(fields, 1000, { validatedAt: arrival, ranges: true });
}

/** Seconds of freshness from arrival, and whether the origin must be asked before it is served stale. */
function freshness(mode: CacheMode, ...fields: Fields): [seconds: number, askFirst: boolean] {
  const { until, behindUntil } = freshUntil(film(...fields), day, mode);
  return [(until - arrival) / 1000, behindUntil <= until];
}

const now: Fields[number] = ['date', date(0)];

test('s-maxage comes before max-age, and max-age before Expires', () => {
  const both: Fields = [['cache-control', 'max-age=60, s-maxage=10'], ['expires', date(500)], now];
  assert.deepEqual(freshness('rfc9111', ...both), [10, true]);
  assert.deepEqual(freshness('rfc9111', ['cache-control', 'max-age=60'], ['expires', date(500)], now), [60, true]);
  assert.deepEqual(freshness('rfc9111', ['expires', date(500)], now), [500, true]);
});

test('a private cache does not read s-maxage', () => {
  assert.deepEqual(freshness('always', ['cache-control', 'max-age=60, s-maxage=10'], now), [60, true]);
});

test('Expires counts from Date, and an invalid one is in the past', () => {
  assert.deepEqual(freshness('rfc9111', ['expires', date(500)], ['date', date(100)]), [400, true]);
  assert.deepEqual(freshness('rfc9111', ['expires', date(500)]), [500, true]);
  for (const value of ['0', '-1', 'never', `${date(500)}, ${date(500)}`]) {
    assert.deepEqual(freshness('rfc9111', ['expires', value], now), [0, true], value);
    assert.deepEqual(freshness('media', ['expires', value], now), [0, true], value);
  }
});

test('the age at arrival is taken from the lifetime', () => {
  const lifetime: Fields[number] = ['cache-control', 'max-age=60'];
  assert.deepEqual(freshness('rfc9111', lifetime, now, ['age', '20']), [40, true]);
  assert.deepEqual(freshness('rfc9111', lifetime, ['date', date(-30)]), [30, true]);
  assert.deepEqual(freshness('rfc9111', lifetime, ['date', date(-30)], ['age', '20']), [30, true]);
  assert.deepEqual(freshness('rfc9111', lifetime, ['date', date(30)]), [60, true]);
  assert.deepEqual(freshness('rfc9111', lifetime, now, ['age', '90']), [-30, true]);
});

test('no-cache and max-age=0 are never fresh, however young', () => {
  assert.deepEqual(freshness('media', ['cache-control', 'no-cache, max-age=60'], now), [0, true]);
  assert.deepEqual(freshness('media', ['cache-control', 'max-age=0'], ['expires', date(500)], now), [0, true]);
});

test('what the origin leaves open: a tenth of its age in strict mode, the default for media', () => {
  const modified: Fields[number] = ['last-modified', date(-1000)];
  assert.deepEqual(freshness('rfc9111', modified, now), [100, true]);
  assert.deepEqual(freshness('rfc9111', modified, now, ['age', '30']), [70, true]);
  assert.deepEqual(freshness('rfc9111', ['last-modified', date(1000)], now), [0, true]);
  assert.deepEqual(freshness('rfc9111', now), [0, true]);
  assert.deepEqual(freshness('media', modified, now), [86_400, false]);
  assert.deepEqual(freshness('media', ['date', date(-1000)]), [86_400, false]);
});

test('playlists, pages and listings are no media: they are asked about again', () => {
  for (const type of ['application/vnd.apple.mpegurl', 'audio/x-mpegurl', 'text/html', 'application/json']) {
    assert.deepEqual(freshness('media', ['content-type', type], now), [0, true], type);
  }
  for (const type of ['video/mp4', 'audio/flac', 'image/jpeg', 'application/octet-stream', 'application/ogg']) {
    assert.deepEqual(freshness('media', ['content-type', type], now), [86_400, false], type);
  }
});

test('the operator’s own cache keeps what the origin would never call fresh', () => {
  for (const value of ['no-cache, max-age=60', 'no-store, max-age=0', 'max-age=0, must-revalidate', 'private']) {
    assert.deepEqual(freshness('always', ['cache-control', value], now), [86_400, false], value);
  }
});

test('a targeted field speaks for Cache-Control and Expires', () => {
  const others: Fields = [['cache-control', 'max-age=60'], ['expires', date(500)], now];
  assert.deepEqual(freshness('rfc9111', ['cdn-cache-control', 'max-age=10'], ...others), [10, true]);
  assert.deepEqual(freshness('rfc9111', ['cdn-cache-control', 'public'], ...others), [0, true]);
});

test('age is counted in whole seconds from the older of Date and Age', () => {
  assert.equal(currentAge(film(now), arrival), 0);
  assert.equal(currentAge(film(now), arrival + 1999), 1);
  assert.equal(currentAge(film(now, ['age', '20']), arrival + 2000), 22);
  assert.equal(currentAge(film(['date', date(-30)], ['age', '20']), arrival + 2000), 32);
  assert.equal(currentAge(film(), arrival + 5000), 5);
  assert.equal(currentAge(film(['date', date(30)], ['age', 'abc']), arrival - 5000), 0);
});

test('stale content may be served unless the origin said otherwise', () => {
  for (const value of ['must-revalidate', 'proxy-revalidate', 's-maxage=5', 'no-cache']) {
    assert.equal(mustRevalidate(film(['cache-control', `max-age=1, ${value}`])), true, value);
  }
  assert.equal(mustRevalidate(film(['cache-control', 'max-age=1, public'])), false);
  assert.equal(mustRevalidate(film()), false);
});

const strict: CacheMode[] = ['media', 'rfc9111'];
const every: CacheMode[] = [...strict, 'always'];

const rows: [title: string, status: number, fields: Fields, request: Fields, modes: CacheMode[]][] = [
  ['a plain 200', 200, [], [], every],
  ['a plain 206', 206, [], [], every],
  ['a plain 301', 301, [], [], every],
  ['a plain 404', 404, [], [], every],
  ['a plain 410', 410, [], [], every],
  ['a 302 without freshness', 302, [], [], []],
  ['a 302 with max-age', 302, [['cache-control', 'max-age=5']], [], every],
  ['a 302 with Expires', 302, [['expires', date(5)]], [], every],
  ['a 302 that is public', 302, [['cache-control', 'public']], [], every],
  ['a 500 without freshness', 500, [], [], []],
  ['a 401 without freshness', 401, [], [], []],
  ...[400, 412, 416, 428, 429, 431, 511].map((status): (typeof rows)[number] => [
    `a ${status} with max-age`,
    status,
    [['cache-control', 'max-age=5']],
    [],
    [],
  ]),
  ['no-store', 200, [['cache-control', 'no-store']], [], ['always']],
  ['no-store on a 404', 404, [['cache-control', 'no-store']], [], []],
  ['no-store with must-understand', 200, [['cache-control', 'no-store, must-understand']], [], every],
  [
    'no-store with must-understand on an odd status',
    299,
    [['cache-control', 'no-store, must-understand, max-age=5']],
    [],
    [],
  ],
  ['private', 200, [['cache-control', 'private, max-age=5']], [], ['always']],
  ['private with field names', 200, [['cache-control', 'private="set-cookie"']], [], ['always']],
  ['Vary: *', 200, [['vary', '*']], [], ['always']],
  [
    'Vary with * among others',
    200,
    [
      ['vary', 'accept'],
      ['vary', '*'],
    ],
    [],
    ['always'],
  ],
  ['Vary by a name', 200, [['vary', 'accept']], [], every],
  ['a request with no-store', 200, [], [['cache-control', 'no-store']], ['always']],
  [
    'a request with Authorization',
    200,
    [['cache-control', 'max-age=5']],
    [['authorization', 'x']],
    ['media', 'always'],
  ],
  ['Authorization and public', 200, [['cache-control', 'public']], [['authorization', 'x']], every],
  ['Authorization and s-maxage', 200, [['cache-control', 's-maxage=5']], [['authorization', 'x']], every],
  ['Authorization and must-revalidate', 200, [['cache-control', 'must-revalidate']], [['authorization', 'x']], every],
  [
    'a targeted max-age over no-store',
    200,
    [
      ['cache-control', 'no-store'],
      ['cdn-cache-control', 'max-age=5'],
    ],
    [],
    every,
  ],
  [
    'a targeted no-store over max-age',
    200,
    [
      ['cache-control', 'max-age=5'],
      ['cdn-cache-control', 'no-store'],
    ],
    [],
    ['always'],
  ],
];

for (const [title, status, fields, request, modes] of rows) {
  test(`${title}: stored in ${modes.length === 0 ? 'no mode' : modes.join(', ')}`, () => {
    assert.deepEqual(
      every.filter((mode) => storable({ requestFields: request, status, fields }, mode)),
      every.filter((mode) => modes.includes(mode)),
    );
  });
}
