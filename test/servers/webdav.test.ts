/** Apache with WebDAV, in real time: films in a folder that others upload to, and that only the operator may read. */
import assert from 'node:assert/strict';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { absent } from '../programs.ts';
import { film } from '../support/film.ts';
import { type Apache, password, startApache } from './apache.ts';
import { fromGuide } from './guide.ts';
import { Stage } from './stage.ts';

const skip = absent('Apache', 'apache2', '-v');

const size = 3_000_017;
const right = film(size);

describe('a film in a WebDAV folder of Apache', { skip, concurrency: true }, () => {
  test('is given in ranges and whole to players without credentials', async () => {
    await using stage = await Stage.open();
    const apache = await davStage(stage);
    await stage.write('film.mp4', right.bytesAt(0, size));
    // Its ETag does not become another one while it is played.
    await age(join(stage.folder, 'films/film.mp4'));
    assert.equal((await fetch(`${apache.url}/film.mp4`)).status, 401, 'Apache itself asks for them');
    const player = await stage.player(right);
    for (const range of ['2900000-', '0-99', '-1', '1000000-1999999']) {
      const part = player.get('/films/film.mp4', { range });
      assert.equal(await part.done(), 'complete');
      assert.equal(part.status, 206);
    }
    const whole = player.get('/films/film.mp4');
    assert.equal(await whole.done(), 'complete');
    assert.deepEqual([whole.status, whole.bodyBytes, whole.field('content-type')], [200, size, 'video/mp4']);
  });

  test('that has just been uploaded is right while its ETag goes from weak to strong', async () => {
    await using stage = await Stage.open();
    const apache = await davStage(stage);
    await apache.put('film.mp4', right.bytesAt(0, size));
    const player = await stage.player(right);
    const first = player.get('/films/film.mp4', { range: '0-99' });
    assert.equal(await first.done(), 'complete');
    while ((await apache.etag('film.mp4')).startsWith('W/')) await sleep(50);
    for (const range of ['2000000-2999999', '0-']) {
      const later = player.get('/films/film.mp4', { range });
      assert.deepEqual([await later.done(), later.status], ['complete', 206]);
    }
  });

  test('that is uploaded anew with the same size is never mixed with the old one', async () => {
    await using stage = await Stage.open();
    const apache = await davStage(stage);
    await stage.write('film.mp4', right.bytesAt(0, size));
    await age(join(stage.folder, 'films/film.mp4'));
    const player = await stage.player(right);
    assert.equal(await player.get('/films/film.mp4', { range: '0-99' }).done(), 'complete');
    const other = film(size, 2);
    await apache.put('film.mp4', other.bytesAt(0, size));
    for (const range of ['2000000-', '0-']) {
      const later = player.get('/films/film.mp4', { range, film: other });
      assert.deepEqual([await later.done(), later.status], ['complete', 206]);
    }
  });
});

describe('a WebDAV folder of Apache', { skip }, () => {
  test('is listed as it is now, however long it had been as it was', async () => {
    await using stage = await Stage.open();
    await davStage(stage);
    const folder = join(stage.folder, 'films');
    await stage.write('one.mp4', right.bytesAt(0, 100));
    await age(folder);
    const player = await stage.player();
    const before = player.get('/films/');
    await before.done();
    assert.equal(before.status, 200);
    assert.match(before.text, /href="one\.mp4"/);
    assert.doesNotMatch(before.text, /two\.mp4/);
    await writeFile(join(folder, 'two.mp4'), right.bytesAt(0, 100));
    const after = player.get('/films/');
    await after.done();
    assert.match(after.text, /href="two\.mp4"/);
  });
});

/** Apache and firstbyte as the guide has them. */
async function davStage(stage: Stage): Promise<Apache> {
  const apache = stage.use(await startApache(stage.folder));
  await writeFile(join(stage.folder, 'films.password'), `${password}\n`);
  await stage.serve(fromGuide('Apache: WebDAV', 'json', { 'http://media.example/': `${apache.url}/` }));
  return apache;
}

/** Makes it ten days old. */
async function age(path: string): Promise<void> {
  const then = new Date(Date.now() - 10 * 24 * 3600 * 1000);
  await utimes(path, then, then);
}
