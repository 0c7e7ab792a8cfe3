import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepNewest } from '../../src/kit/keep-newest.ts';

test('the oldest are forgotten, of a map as of a set, and nobody below the bound', () => {
  const map = new Map([1, 2, 3, 4].map((number) => [number, `${number}`]));
  keepNewest(map, 4);
  assert.equal(map.size, 4);
  keepNewest(map, 2);
  assert.deepEqual([...map.keys()], [3, 4]);
  const set = new Set(['a', 'b']);
  keepNewest(set, 1);
  assert.deepEqual([...set], ['b']);
});
