/**
 * Films without a network: each is watched once through firstbyte, then firstbyte is started again and its origin is
 * gone. What was stored is stale by then, so that nothing plays only because nobody thought of asking the origin.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { StatsReport } from '../../src/control/answers.ts';
import { absent } from '../programs.ts';
import { startFirstbyte } from './firstbyte.ts';
import { playInGstreamer, python, script } from './gstreamer.ts';
import { playInMpv } from './mpv.ts';
import { startOrigin } from './origin.ts';
import { assertSeen, filmDuration, type SeekingPlayer } from './player.ts';
import { bytesAt, containers, films, makeFilms } from './stage.ts';

/** Ten places all over the film, far apart from each other, both ways. */
const places = [0.5, 0.9, 0.1, 0.7, 0.3, 0.95, 0.2, 0.8, 0.05, 0.6].map((share) => share * filmDuration);

const noFfmpeg = absent('ffmpeg', 'ffmpeg', '-version');
const players: readonly { name: string; play: SeekingPlayer; missing: string | false }[] = [
  { name: 'GStreamer', play: playInGstreamer, missing: absent('GStreamer', python, script) },
  { name: 'mpv', play: playInMpv, missing: absent('mpv', 'mpv', '--version') },
];

describe('a film that was watched once, without a network', { concurrency: 3 }, () => {
  before(async () => {
    if (!noFfmpeg) await makeFilms();
  });

  for (const { name, play, missing } of players) {
    for (const container of containers) {
      const skip = missing || noFfmpeg;
      test(`${name} plays ${container} whole, with ten seeks`, { skip }, async ({ signal }) => {
        const cacheDir = await mkdtemp(join(tmpdir(), 'firstbyte-offline-'));
        await using props = new AsyncDisposableStack();
        props.defer(() => rm(cacheDir, { recursive: true, force: true }));

        const origin = props.use(await startOrigin(films, { rate: 20_000_000 }, signal));
        {
          await using firstbyte = await startFirstbyte(cacheDir, '--origin', `film=${origin.url}`);
          assertSeen(await play(`${firstbyte.url}film/${container}`, signal, []), []);
        }
        await origin.end();

        const stale = ['--media-freshness', '0s'];
        const firstbyte = props.use(await startFirstbyte(cacheDir, '--origin', `film=${origin.url}`, ...stale));
        const url = `${firstbyte.url}film/${container}`;
        assertSeen(await play(url, signal, places), places);

        assert.deepEqual(await bytesAt(url), await readFile(join(films, container)));
        const { ownErrors, bugs, requests } = (await (
          await fetch(`${firstbyte.url}-/api/v1/stats`)
        ).json()) as StatsReport;
        assert.deepEqual([ownErrors.last, bugs, requests.byOutcome.cut], [[], 0, 0]);
      });
    }
  }
});
