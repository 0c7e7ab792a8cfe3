/** nginx with `secure_link`, in real time: films behind signed URLs, and what becomes of them when these expire. */
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { playInFfmpeg } from '../players/ffmpeg.ts';
import { assertSeen, seekTargets } from '../players/player.ts';
import { absent } from '../programs.ts';
import { film } from '../support/film.ts';
import { fromGuide } from './guide.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { longFilm, pausedFilm, shortAhead } from './paused.ts';
import { Stage } from './stage.ts';

const skip = absent('nginx', 'nginx', '-v');

/** Seconds: time enough for one request on a busy machine, and for any test. */
const soon = 8;
const late = 3600;

const size = 3_000_017;
const right = film(size);

describe('a film behind a signed URL', { skip, concurrency: true }, () => {
  test('plays', { skip: absent('ffmpeg', 'ffmpeg', '-version') }, async ({ signal }) => {
    await using stage = await Stage.open();
    const nginx = await signedStage(stage);
    await copyFile(join(import.meta.dirname, '../../demo/film.mp4'), join(stage.folder, 'films/film.mp4'));
    assertSeen(await playInFfmpeg(`${stage.url}${nginx.sign('film.mp4', late)}`, signal), seekTargets);
    assert.deepEqual(await statuses(nginx), [206]);
  });

  test('is refused as nginx refuses it, where the signature is wrong', async () => {
    await using stage = await Stage.open();
    await signedStage(stage);
    for (const name of ['film.mp4', 'other.mp4']) await stage.write(name, right.bytesAt(0, size));
    const player = await stage.player();
    for (const target of ['film.mp4', 'other.mp4?md5=wrong&expires=4102444800']) {
      const reply = player.get(`/films/${target}`);
      await reply.done();
      assert.equal(reply.status, 403);
      assert.match(reply.text, /403 Forbidden.*nginx/s);
    }
    // What nginx says of one viewer's signature is for that viewer alone.
    const reply = player.get('/films/other.mp4?md5=wrong-too&expires=4102444800');
    await reply.done();
    assert.equal(reply.status, 403);
    assert.doesNotMatch(reply.text, /nginx/);
  });

  test('plays on from what is present when the URL has expired; beyond it nginx is heard', async () => {
    await using stage = await Stage.open();
    const nginx = await signedStage(stage);
    await stage.write('film.mp4', right.bytesAt(0, size));
    const player = await stage.player(right);
    const signed = nginx.sign('film.mp4', soon);
    assert.equal(await player.get(`/films/${signed}`, { range: '0-999999' }).done(), 'complete');
    await nginx.expired(signed);

    const before = await statuses(nginx);
    const again = player.get(`/films/${signed}`, { range: '500000-999999' });
    assert.equal(await again.done(), 'complete');
    assert.equal(again.bodyBytes, 500_000);
    assert.deepEqual(await statuses(nginx), before, 'nginx is not asked');

    const beyond = player.get(`/films/${signed}`, { range: '1500000-', film: null });
    await beyond.done();
    assert.equal(beyond.status, 410);
    assert.match(beyond.text, /410 Gone.*nginx/s);
  });

  test('is the same film under a fresh URL, and each byte is fetched once', async () => {
    await using stage = await Stage.open();
    const nginx = await signedStage(stage);
    await stage.write('film.mp4', right.bytesAt(0, size));
    const player = await stage.player(right);
    const signed = nginx.sign('film.mp4', soon);
    assert.equal(await player.get(`/films/${signed}`, { range: '0-999999' }).done(), 'complete');
    await nginx.expired(signed);
    const whole = player.get(`/films/${nginx.sign('film.mp4', late)}`);
    assert.equal(await whole.done(), 'complete');
    assert.equal(whole.bodyBytes, size);
    const fetched = (await nginx.answers()).filter(({ status }) => status === 206);
    assert.equal(
      fetched.reduce((sum, { bytes }) => sum + bytes, 0),
      size,
    );
  });

  test('that was paused until its URL had expired goes on with the fresh URL of another viewer', async () => {
    await using stage = await Stage.open();
    const nginx = await signedStage(stage, ...shortAhead);
    let signed = '';
    const { player, reply } = await pausedFilm(stage, nginx, () => {
      signed = nginx.sign('film.mp4', soon);
      return `/films/${signed}`;
    });
    await nginx.expired(signed);
    const other = (await stage.player(longFilm)).get(`/films/${nginx.sign('film.mp4', late)}`, { range: '0-0' });
    assert.equal(await other.done(), 'complete');
    player.resume();
    assert.equal(await reply.done(), 'complete');
    assert.equal(reply.bodyBytes, longFilm.size);
  });

  test('that was paused until its URL had expired is cut when healTimeout is over where nobody has a fresh one', async () => {
    await using stage = await Stage.open();
    const nginx = await signedStage(stage, ...shortAhead, '--heal-timeout', '2s');
    let signed = '';
    const { player, reply } = await pausedFilm(stage, nginx, () => {
      signed = nginx.sign('film.mp4', soon);
      return `/films/${signed}`;
    });
    await nginx.expired(signed);
    // What was asked for in time comes in whole, however late.
    await stage.atRest();
    player.resume();
    assert.equal(await reply.done(), 'cut');
    assert.ok(reply.bodyBytes < longFilm.size);
    const heard = await statuses(nginx);
    const refused = heard.indexOf(410);
    assert.ok(refused > 0, heard.join());
    assert.ok(
      heard.every((status, place) => status === (place < refused ? 206 : 410)),
      heard.join(),
    );
  });
});

/** nginx and firstbyte as the guide has them. */
async function signedStage(stage: Stage, ...flags: readonly string[]): Promise<Nginx> {
  const nginx = stage.use(await startNginx(stage.folder));
  const places = { 'http://media.example/': `${nginx.url}/` };
  // On a busy machine one connection may seem slow, and several would be tried.
  const one = ['--parallel-fetches', '1'];
  await stage.serve(fromGuide('nginx: signed URLs that expire', 'json', places), ...one, ...flags);
  return nginx;
}

/** Of what firstbyte asked: the tests themselves ask by HEAD. */
async function statuses(nginx: Nginx): Promise<number[]> {
  return (await nginx.answers()).filter(({ method }) => method === 'GET').map(({ status }) => status);
}
