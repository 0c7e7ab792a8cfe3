/** Kodi with a folder of firstbyte's as a source: it lists the films, plays each, seeks, and plays to the end. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StatsReport } from '../../src/control/answers.ts';
import { absent } from '../programs.ts';
import { startNginx } from '../servers/nginx.ts';
import { startFirstbyte } from './firstbyte.ts';
import { Kodi, noKodi } from './kodi.ts';
import { filmDuration, seekTargets } from './player.ts';
import { bytesAt, containers, films, makeFilms } from './stage.ts';

/** On a busy machine it is long between two looks at where Kodi is, in seconds. */
const tolerance = 4;

const skip = noKodi || absent('nginx', 'nginx', '-v') || absent('ffmpeg', 'ffmpeg', '-version');

test('Kodi lists a folder, plays its films, seeks in them and finishes', { skip }, async ({ signal }) => {
  await using props = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'firstbyte-kodi-'));
  props.defer(() => rm(folder, { recursive: true, force: true }));
  await makeFilms();
  await mkdir(join(folder, 'films'));
  for (const container of containers) await copyFile(join(films, container), join(folder, 'films', container));

  const nginx = props.use(await startNginx(folder));
  const slow = ['--origin', `films=${nginx.url}/films/`, '--max-rate', '350kB'];
  const firstbyte = props.use(await startFirstbyte(join(folder, 'cache'), ...slow));
  const source = `${firstbyte.url}films/`;
  const kodi = props.use(await Kodi.start(join(folder, 'home'), [source], signal));
  const urls = containers.map((container) => `${source}${container}`);
  assert.deepEqual((await kodi.folder(source)).sort(), urls.toSorted());

  for (const url of urls) {
    await kodi.open(url);
    for (const place of seekTargets.toReversed()) {
      const position = await kodi.seek(place);
      assert.ok(Math.abs(position - place) <= tolerance, `${url}: the seek to ${place} s came to ${position} s`);
      await kodi.playOn(1);
    }
    const end = await kodi.toEnd();
    assert.ok(end >= filmDuration - tolerance, `${url} ended at ${end} s`);
    assert.deepEqual(await bytesAt(url), await readFile(join(films, url.slice(source.length))));
  }
  const response = await fetch(`${firstbyte.url}-/api/v1/stats`);
  const { ownErrors, bugs, requests } = (await response.json()) as StatsReport;
  assert.deepEqual([ownErrors.last, bugs, requests.byOutcome.cut], [[], 0, 0]);
});
