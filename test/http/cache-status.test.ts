import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseList } from 'structured-headers';
import { cacheStatus } from '../../src/http/cache-status.ts';

test('a hit says hit and how long it stays fresh', () => {
  assert.equal(cacheStatus({ hit: true }), 'firstbyte;hit');
  assert.equal(cacheStatus({ hit: true, ttl: -12.7 }), 'firstbyte;hit;ttl=-12');
});

test('a forwarded request says why, and what became of it', () => {
  assert.equal(cacheStatus({ fwd: 'uri-miss' }), 'firstbyte;fwd=uri-miss');
  assert.equal(
    cacheStatus({ fwd: 'partial', stored: true, collapsed: true, ttl: 60, detail: 'seek' }),
    'firstbyte;fwd=partial;stored;collapsed;ttl=60;detail="seek"',
  );
  assert.equal(cacheStatus({ fwd: 'bypass', stored: false, collapsed: false }), 'firstbyte;fwd=bypass');
});

test('no detail can break the field', () => {
  const value = cacheStatus({ fwd: 'miss', detail: 'a "b" \\ c\r\nX: y\u0000 \u00e9\u{1f3ac}' });
  assert.equal(value, 'firstbyte;fwd=miss;detail="a \\"b\\" \\\\ c??X: y? ??"');
  assert.equal(parseList(value).length, 1);
});
