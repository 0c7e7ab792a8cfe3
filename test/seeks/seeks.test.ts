/** A sample of what `npm run seeks` plays at length: a film of 64 MiB, three seeks, and one container for each player. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { python, script } from '../players/gstreamer.ts';
import { absent } from '../programs.ts';
import { temporaryDirectory } from '../store/disk-directory.ts';
import { type Container, containers, type LongFilm, makeLongFilm } from './film.ts';
import { seekInGstreamer } from './gstreamer.ts';
import { seekInMpv } from './mpv.ts';
import { placesIn } from './places.ts';
import { screen, ways } from './screening.ts';
import type { Seeker } from './seeker.ts';

const size = 64 * 1024 * 1024;
const rate = 4_000_000;
const watched = 2;

const noFfmpeg = absent('ffmpeg', 'ffmpeg', '-version');
const players: readonly { name: string; seek: Seeker; container: Container; missing: string | false }[] = [
  { name: 'mpv', seek: seekInMpv, container: 'film.mp4', missing: absent('mpv', 'mpv', '--version') },
  { name: 'GStreamer', seek: seekInGstreamer, container: 'film.mkv', missing: absent('GStreamer', python, script) },
];

describe('a film of 64 MiB from an origin that gives 4 MB/s', { concurrency: true }, () => {
  let folder: string;
  let film: LongFilm;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firstbyte-seeks-'));
    if (!noFfmpeg) film = await makeLongFilm(folder, size, containers);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const { name, seek, container, missing } of players) {
    const skip = missing || noFfmpeg;
    test(`${name} seeks in ${container}, and again without the origin, and no byte is wrong`, { skip }, async (t) => {
      const places = placesIn(film.duration, 3, 1);
      const directory = await temporaryDirectory(t);
      const seen = await screen({ film, container, seek, places, rate, watched, directory, signal: t.signal });
      for (const way of ways) assert.equal(seen.seeks[way].trouble, null, way);
      assert.ok(seen.fetched > 0 && seen.present >= seen.kept && seen.kept > 0);
      assert.ok(seen.fetched <= seen.size, `${seen.fetched} bytes of ${seen.size} were fetched`);
      assert.deepEqual([seen.verified.bad, seen.verified.bytes], [0, seen.kept]);
    });
  }
});
