import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasPassed, joined, trailFields, trailOf } from '../../src/http/via.ts';

const own = 'firstbyte-0123456789abcdef';

test('a trail is read member by member, without comments', () => {
  const via = '1.0 fred (a, b (c) \\) d), HTTP/1.1 proxy.lan:80 (x),1.1 [::1]:8080 , , 2 p';
  assert.deepEqual(
    trailOf([
      ['via', via],
      ['x', 'y'],
      ['via', '1.1 last'],
      ['cdn-loop', 'a; v="1", b'],
    ]),
    [
      ['via', '1.0 fred'],
      ['via', 'HTTP/1.1 proxy.lan:80'],
      ['via', '1.1 [::1]:8080'],
      ['via', '2 p'],
      ['via', '1.1 last'],
      ['cdn-loop', 'a; v="1"'],
      ['cdn-loop', 'b'],
    ],
  );
});

test('what no field can carry goes no further, and neither does an open comment', () => {
  for (const value of ['1.1 \u00e4', '1.1 a\u0001', '(', '((((', '1.1\ta', '']) {
    assert.deepEqual(trailOf([['via', value]]), [], JSON.stringify(value));
  }
  assert.deepEqual(trailOf([['via', `${'('.repeat(16_000)}, 1.1 a`]]), []);
});

test('a request that goes on bears its trail and our name, in both fields', () => {
  assert.deepEqual(trailFields([], own), [
    ['via', `1.1 ${own}`],
    ['cdn-loop', own],
  ]);
  const trail = trailOf([
    ['via', '1.1 a, 1.1 b'],
    ['cdn-loop', 'c'],
  ]);
  assert.deepEqual(trailFields(trail, own), [
    ['via', `1.1 a, 1.1 b, 1.1 ${own}`],
    ['cdn-loop', `c, ${own}`],
  ]);
});

test('of a long trail the newest members go on, in at most a kibibyte', () => {
  const long = trailOf([['via', Array.from({ length: 500 }, (_, index) => `1.1 proxy-${index}`).join()]]);
  const [[, via = ''] = []] = trailFields(long, own);
  assert.ok(via.length <= 1024 && via.length > 1000, `${via.length}`);
  assert.match(via, new RegExp(`1\\.1 proxy-498, 1\\.1 proxy-499, 1\\.1 ${own}$`));
  assert.deepEqual(trailFields(trailOf([['via', `1.1 ${'x'.repeat(2000)}`]]), own)[0], ['via', `1.1 ${own}`]);
});

test('trails of several are joined without repetition', () => {
  const [a, b] = [
    trailOf([['via', '1.1 a, 1.1 b']]),
    trailOf([
      ['via', '1.1 b, 1.1 c'],
      ['cdn-loop', 'a'],
    ]),
  ];
  assert.deepEqual(
    joined([a, b, a]).map(([name, member]) => `${name} ${member}`),
    ['via 1.1 a', 'via 1.1 b', 'via 1.1 c', 'cdn-loop a'],
  );
});

test('our own name is found wherever and however a box on the way has written it', () => {
  for (const value of [`1.1 ${own}`, `1.1 a,1.1 ${own}:80 (x), 1.0 b`, own.toUpperCase(), `HTTP/1.1 ${own}`]) {
    assert.ok(hasPassed({ via: value }, own), value);
    assert.ok(hasPassed({ 'cdn-loop': value }, own), value);
  }
  for (const value of ['1.1 firstbyte', '1.1 firstbyte-0123456789abcdee', '']) {
    assert.ok(!hasPassed({ via: value }, own), value);
  }
  assert.ok(!hasPassed({ 'x-via': `1.1 ${own}` }, own));
});
