/** nginx with `secure_link` again, in real time: here players need no signed URLs, since a hook signs for firstbyte. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { absent } from '../programs.ts';
import { fromGuide } from './guide.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { longFilm, pausedFilm, shortAhead } from './paused.ts';
import { Stage } from './stage.ts';

const skip = absent('nginx', 'nginx', '-v');

/** Seconds: time enough for one request on a busy machine. */
const soon = 8;

describe('a film whose URLs a hook signs', { skip, concurrency: true }, () => {
  test('goes on in the same reply when a URL has expired, and nginx refuses nothing', async () => {
    await using stage = await Stage.open();
    const nginx = await hookedStage(stage, `, expiresIn: ${soon} `);
    await playPastExpiry(stage, nginx);
    assert.deepEqual(await refusals(nginx), []);
  });

  test('goes on in the same reply after nginx has refused what the hook had set no time for', async () => {
    await using stage = await Stage.open();
    const nginx = await hookedStage(stage, ' ');
    await playPastExpiry(stage, nginx);
    assert.ok((await refusals(nginx)).includes(410));
  });
});

async function playPastExpiry(stage: Stage, nginx: Nginx): Promise<void> {
  const { player, reply } = await pausedFilm(stage, nginx, () => '/films/film.mp4');
  // Signed after firstbyte's own, which has expired when this one has.
  await nginx.expired(nginx.sign('film.mp4', soon));
  player.resume();
  assert.equal(await reply.done(), 'complete');
  assert.equal(reply.bodyBytes, longFilm.size);
}

/** nginx, the hook and firstbyte as the guide has them, but for how long URLs hold. */
async function hookedStage(stage: Stage, expiry: string): Promise<Nginx> {
  const nginx = stage.use(await startNginx(stage.folder));
  const hook = join(stage.folder, 'sign.mjs');
  const section = 'nginx: firstbyte signs';
  const origin = { 'http://media.example': nginx.url };
  await writeFile(hook, fromGuide(section, 'js', { ...origin, '+ 300': `+ ${soon}`, ', expiresIn: 300 ': expiry }));
  const command = { '/usr/bin/node': process.execPath, '/srv/sign.mjs': hook };
  await stage.serve(fromGuide(section, 'json', { ...origin, ...command }), ...shortAhead);
  return nginx;
}

/** Of what firstbyte asked: the tests themselves ask by HEAD. */
async function refusals(nginx: Nginx): Promise<number[]> {
  const answers = (await nginx.answers()).filter(({ method }) => method === 'GET');
  return answers.map(({ status }) => status).filter((status) => status >= 400);
}
