/** nginx with `secure_link`, in real time: films behind signed URLs, and what becomes of them when these expire. */
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { playInFfmpeg } from '../players/ffmpeg.ts';
import { assertSeen, seekTargets } from '../players/player.ts';
import { absent } from '../programs.ts';
import { film } from '../support/film.ts';
import { fromGuide } from './guide.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { Stage } from './stage.ts';

const skip = absent('nginx', 'nginx', '-v');

/** Seconds that a URL is valid for which expires in its test: time enough for one request on a busy machine. */
const soon = 4;

const size = 3_000_017;
const right = film(size);

/** More than the kernel holds on its way to a player that reads nothing. */
const longFilm = film(32 * 1024 * 1024);

describe('a film behind a signed URL', { skip, concurrency: true }, () => {
  test('plays', { skip: absent('ffmpeg', 'ffmpeg', '-version') }, async ({ signal }) => {
    await using stage = await Stage.open();
    const { nginx, sign } = await signedStage(stage);
    await copyFile(join(import.meta.dirname, '../../demo/film.mp4'), join(stage.folder, 'films/film.mp4'));
    assertSeen(await playInFfmpeg(`${stage.url}${sign(3600)}`, signal), seekTargets);
    assert.deepEqual(await statuses(nginx), [206]);
  });

  test('is refused as nginx refuses it, where the signature is wrong', async () => {
    await using stage = await Stage.open();
    await signedStage(stage);
    await stage.write('film.mp4', right.bytesAt(0, size));
    const player = await stage.player();
    for (const query of ['', '?md5=wrong&expires=4102444800']) {
      const reply = player.get(`/films/film.mp4${query}`);
      await reply.done();
      assert.equal(reply.status, 403);
      assert.match(reply.text, /403 Forbidden.*nginx/s);
    }
  });

  test('plays on from what is present when the URL has expired; beyond it nginx is heard', async () => {
    await using stage = await Stage.open();
    const { nginx, sign, expired } = await signedStage(stage);
    await stage.write('film.mp4', right.bytesAt(0, size));
    const player = await stage.player(right);
    const target = `/films/${sign(soon)}`;
    assert.equal(await player.get(target, { range: '0-999999' }).done(), 'complete');
    await expired(target);

    const before = await statuses(nginx);
    const again = player.get(target, { range: '500000-999999' });
    assert.equal(await again.done(), 'complete');
    assert.equal(again.bodyBytes, 500_000);
    assert.deepEqual(await statuses(nginx), before, 'nginx is not asked');

    const beyond = player.get(target, { range: '1500000-', film: null });
    await beyond.done();
    assert.equal(beyond.status, 410);
    assert.match(beyond.text, /410 Gone.*nginx/s);
  });

  test('is the same film under a fresh URL, and each byte is fetched once', async () => {
    await using stage = await Stage.open();
    const { nginx, sign, expired } = await signedStage(stage);
    await stage.write('film.mp4', right.bytesAt(0, size));
    const player = await stage.player(right);
    const target = `/films/${sign(soon)}`;
    assert.equal(await player.get(target, { range: '0-999999' }).done(), 'complete');
    await expired(target);
    const whole = player.get(`/films/${sign(3600)}`);
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
    const { sign, paused } = await pausedStage(stage);
    const other = await stage.player(longFilm);
    assert.equal(await other.get(`/films/${sign(3600)}`, { range: '0-0' }).done(), 'complete');
    paused.player.resume();
    assert.equal(await paused.reply.done(), 'complete');
    assert.equal(paused.reply.bodyBytes, longFilm.size);
  });

  test('that was paused until its URL had expired is cut where nobody has a fresh one', async () => {
    await using stage = await Stage.open();
    const { nginx, paused } = await pausedStage(stage);
    paused.player.resume();
    assert.equal(await paused.reply.done(), 'cut');
    assert.ok(paused.reply.bodyBytes < longFilm.size);
    const gone = (await statuses(nginx)).slice(paused.asked);
    assert.deepEqual(gone, [410], 'nginx has said so once, and that is final');
  });
});

/** nginx and firstbyte as the guide has them. */
async function signedStage(stage: Stage, ...flags: readonly string[]) {
  const nginx = stage.use(await startNginx(stage.folder));
  const places = { 'http://media.example/': `${nginx.url}/` };
  await stage.serve(fromGuide('nginx: signed URLs that expire', 'json', places), ...flags);
  return {
    nginx,
    /** The film's URL below its mount, valid for so many seconds. */
    sign: (seconds: number) =>
      `film.mp4?${nginx.signature('/signed/film.mp4', Math.floor(Date.now() / 1000) + seconds)}`,
    /** Resolves when nginx itself says that it has expired. */
    async expired(target: string) {
      const url = `${nginx.url}${target.replace('/films/', '/signed/')}`;
      while ((await fetch(url, { method: 'HEAD' })).status !== 410) await sleep(50);
    },
  };
}

/** A player that reads nothing more after its film's beginning, until the film's URL has expired. */
async function pausedStage(stage: Stage) {
  const signed = await signedStage(stage, '--read-ahead', '256KiB', '--rest-timeout', '100ms');
  await stage.write('film.mp4', longFilm.bytesAt(0, longFilm.size));
  const player = await stage.player(longFilm);
  const target = `/films/${signed.sign(soon)}`;
  const reply = player.get(target);
  await reply.received(1);
  player.pause();
  // nginx notes an answer when it is over: then firstbyte has let go of it.
  while ((await statuses(signed.nginx)).length === 0) await sleep(50);
  await signed.expired(target);
  const asked = (await statuses(signed.nginx)).length;
  return { ...signed, paused: { player, reply, asked } };
}

async function statuses(nginx: Nginx): Promise<number[]> {
  return (await nginx.answers()).map(({ status }) => status);
}
