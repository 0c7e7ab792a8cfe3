/**
 * Real players over emulated links: a sample of what `npm run network` measures at length. Times are judged by nobody here;
 * what fails is a player's error, a status of 5xx by firstbyte, and a wrong byte.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FilmName } from '../../bench/network/films.ts';
import { isAbsent, type PlayerName } from '../../bench/network/players.ts';
import type { LinkName } from '../../bench/network/profiles.ts';
import { Results } from '../../bench/network/results.ts';
import { type Sight, stallsOf, startOf } from '../../bench/network/screen.ts';
import type { Outside } from '../../bench/network/stage.ts';
import type { Seen } from '../../bench/network/viewer.ts';
import { wrongWith } from '../../bench/network/wrong.ts';
import { absent } from '../programs.ts';
import { start } from './program.ts';

const command = join(import.meta.dirname, '../../bench/network/network.ts');

/** Whether this user may make what the links are made of. */
const noLinks =
  absent('namespaces and tun devices (root on Linux)', 'unshare', '--net', 'test', '-w', '/dev/net/tun') ||
  absent('iproute2', 'ip', '-V') ||
  absent('nginx', 'nginx', '-v') ||
  absent('ffmpeg', 'ffmpeg', '-version');

const samples: readonly { link: LinkName; film: FilmName; player: PlayerName }[] = [
  { link: 'lte', film: 'mkv', player: 'mpv' },
  { link: 'flaky', film: 'mkv', player: 'souphttpsrc' },
];

describe('a film over a link that loses packets', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firstbyte-links-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const { link, film, player } of samples) {
    const skip = noLinks || isAbsent(player);
    test(`${player} plays ${film} over ${link}, seeks, and again from what is kept`, { skip }, async ({ signal }) => {
      const file = join(folder, `${link}.jsonl`);
      const only = [link, film, player, 'play', 'firstbyte'].join(',');
      const network = start(process.execPath, [command, '--only', only, '--runs', '1', '--results', file], signal);
      const code = await network.ended;
      const [turn, ...others] = new Results(file).all;
      assert.ok(turn !== undefined && others.length === 0, network.errors());
      assert.deepEqual(wrongWith(turn), []);
      assert.equal(code, 0);
      assert.deepEqual(Object.keys(turn.seen), ['cold', 'warm']);
      assert.ok(turn.outside.compared > 0 && turn.outside.origin.requests > 0 && turn.outside.link.down.lost > 0);
    });
  }
});

/** A picture every 40 ms of the film, shown at its time, and everything `late` later from `pause` seconds on. */
function sightsOf(seconds: number, pause = seconds, late = 0): Sight[] {
  return Array.from({ length: seconds * 25 }, (_, index) => {
    const position = index / 25;
    return { at: 1000 + position * 1000 + (position >= pause ? late : 0), position };
  });
}

test('a film without a pause has no stall, and one of 2 s is a stall of 2 s', () => {
  assert.deepEqual(stallsOf(sightsOf(20), 1000, 20_900), { count: 0, seconds: 0, spans: [] });
  const { count, seconds, spans } = stallsOf(sightsOf(20, 5, 2000), 1000, 22_900);
  assert.deepEqual({ count, seconds, spans }, { count: 1, seconds: 2, spans: [[5, 7]] });
});

test('a stall that has not ended is a stall, and where nothing was shown all of it was one', () => {
  assert.equal(stallsOf(sightsOf(5), 1000, 11_000).count, 1);
  assert.deepEqual(stallsOf([], 1000, 11_000), { count: 1, seconds: 10, spans: [[0, 10]] });
});

test('a first picture that stands still does not move yet', () => {
  assert.deepEqual(startOf(sightsOf(20, 0.04, 3000), 0), { frame: 1, moving: 4.04 });
  assert.deepEqual(startOf(sightsOf(20), 0), { frame: 1, moving: 1 });
  assert.deepEqual(startOf([], 0), { frame: null, moving: null });
});

test('after a seek only pictures at the place that was sought count', () => {
  const before: Sight = { at: 5010, position: 4.02 };
  const there = sightsOf(5).map(({ at, position }) => ({ at: at + 6000, position: position + 192 }));
  assert.deepEqual(startOf([...sightsOf(4), before, ...there], 5000, 192), { frame: 2, moving: 2 });
});

test('a wrong byte, an error of firstbyte and an error of the player are each told', () => {
  const nothing = { packets: 0, bytes: 0, lost: 0, dropped: 0, late: 0, latest: 0 };
  const outside: Outside = {
    origin: { requests: 0, connections: 0, bytes: 0, statuses: {}, log: [] },
    link: { down: nothing, up: nothing },
    ...{ api: [], ownErrors: [], bugs: 0, compared: 0, wrongByte: null },
  };
  const well: Seen = { openedAt: 0, frame: 1, moving: 1, stalls: null, seeks: [], facts: null, failure: null };
  assert.deepEqual(wrongWith({ seen: { cold: well }, outside, trouble: null }), []);
  const wrong = {
    seen: { cold: { ...well, failure: 'no film' } },
    outside: { ...outside, ownErrors: ['504 connection_timeout'], bugs: 1, wrongByte: 'a wrong byte at 7' },
    trouble: 'nothing could be done',
  };
  const told = ['cold: no film', '504 connection_timeout', '1 bugs', 'a wrong byte at 7', 'nothing could be done'];
  assert.deepEqual(wrongWith(wrong), told);
});
