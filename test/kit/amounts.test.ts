import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  agoWords,
  countWords,
  durationWords,
  legiblePath,
  shareWords,
  sizeWords,
  speedWords,
} from '../../src/kit/amounts.ts';

test('a duration has its two largest units, and the past its largest one', () => {
  const rows: [number, string, string][] = [
    [0, '0 ms', 'just now'],
    [999.4, '999 ms', 'just now'],
    [12_440, '12.4 s', 'just now'],
    [59_949, '59.9 s', 'just now'],
    [190_000, '3 min 10 s', '3 min ago'],
    [3_600_000, '1 h', '1 h ago'],
    [7_500_000, '2 h 5 min', '2 h ago'],
    [356_400_000, '4 d 3 h', '4 d ago'],
  ];
  for (const [milliseconds, words, ago] of rows) {
    assert.deepEqual([durationWords(milliseconds), agoWords(milliseconds)], [words, ago]);
  }
});

test('a share is rounded down, so that only what is whole has 100 %, and a count has groups', () => {
  const shares = [0, 0.000_1, 0.29, 0.999_999, 1];
  assert.deepEqual(shares.map(shareWords), ['0 %', '<1 %', '29 %', '99 %', '100 %']);
  assert.deepEqual([countWords(1, 'reply', 'replies'), countWords(1204, 'file')], ['1 reply', '1,204 files']);
  assert.equal(speedWords(2_400_000), '2.4 MB/s');
});

test('a size has three digits at most and a decimal unit', () => {
  const rows: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [3_145_728, '3.15 MB'],
    [12_000_000, '12 MB'],
    [1_020_000_000, '1.02 GB'],
  ];
  for (const [bytes, words] of rows) assert.equal(sizeWords(bytes), words);
});

test('a path is decoded, unless it is malformed or would hide or reorder what stands around it', () => {
  assert.equal(legiblePath('/a%20b%E2%82%AC.mkv'), '/a b€.mkv');
  for (const path of ['/100%', '/%ff', '/a%0ab', '/a%E2%80%AEb']) assert.equal(legiblePath(path), path);
});
