import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesText } from '../../dashboard/words/amounts.ts';
import { durationText } from '../../dashboard/words/times.ts';
import { durationWords, legiblePath, sizeWords } from '../../src/kit/amounts.ts';

test('a size has the same words in the terminal as on the page, and so has a duration', () => {
  for (let power = 0; power < 15; power += 0.013) {
    const bytes = Math.round(10 ** power);
    assert.equal(sizeWords(bytes), bytesText(bytes));
    assert.equal(durationWords(bytes), durationText(bytes));
  }
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
