import assert from 'node:assert/strict';
import { test } from 'node:test';
import { episodeAfter, nameAfter } from '../../src/media/episode.ts';

test('the next episode is found by its number, whatever its title, and never one of another series', () => {
  const names = ['Lost.S01E02.Two.mkv', 'Lost - s01e03 - Three.mkv', 'Found.S01E03.mkv', 'Lost.S01E03.srt.txt'];
  assert.equal(episodeAfter('Lost.S01E02.Two.mkv', names.slice(0, 3)), 'Lost - s01e03 - Three.mkv');
  assert.equal(episodeAfter('Found.S01E02.mkv', names), 'Found.S01E03.mkv');
  assert.equal(episodeAfter('1x09.mkv', ['1x08.mkv', '1x10.mkv']), '1x10.mkv');
});

test('after the last episode of a season comes the first of the next, and after the last of all nothing', () => {
  assert.equal(episodeAfter('/a/S01E09.mkv', ['/a/S01E09.mkv', '/a/S02E01.mkv']), '/a/S02E01.mkv');
  assert.equal(episodeAfter('/a/S02E01.mkv', ['/a/S01E09.mkv', '/a/S02E01.mkv']), null);
  assert.equal(episodeAfter('/a/holiday.mkv', ['/a/S01E09.mkv']), null);
});

test('a name has the next number in as many digits; one without a number has none', () => {
  assert.equal(nameAfter('/x/Show%20S01E09.mkv'), '/x/Show%20S01E10.mkv');
  assert.equal(nameAfter('/x/1x02.mp4'), '/x/1x03.mp4');
  assert.equal(nameAfter('/x/1920x1080.mp4'), null);
  assert.equal(nameAfter('/x/holiday.mkv'), null);
});
