/** Presigned URLs of a real S3, which expire: what is stored plays on, and whoever brings a fresh one has the rest. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { film } from '../support/film.ts';
import { fileServers, startS3 } from './file-servers.ts';
import { Stage } from './stage.ts';

const size = 3_000_017;
const right = film(size);
const skip = fileServers.find(({ name }) => name === 's3rver')?.skip ?? false;
const hour = 3600;

/** A URL's query that opens the film until so many seconds from now (AWS signature version 2). */
function signed(seconds: number): string {
  const expires = Math.floor(Date.now() / 1000) + seconds;
  const signature = createHmac('sha1', 'S3RVER').update(`GET\n\n\n${expires}\n/films/film.mp4`).digest('base64');
  return `?${new URLSearchParams({ AWSAccessKeyId: 'S3RVER', Expires: String(expires), Signature: signature })}`;
}

test('a film behind presigned URLs is one film, and an expired one opens only what is stored', { skip }, async () => {
  await using stage = await Stage.open();
  await stage.write('film.mp4', right.bytesAt(0, size));
  const s3 = stage.use(await startS3(stage.folder));
  const url = `http://127.0.0.1:${s3.port}${s3.path}`;
  await stage.serve(JSON.stringify({ origins: { films: { url, preset: 's3-presigned' } }, firstByteTimeout: '5s' }));
  const [fresh, expired] = [signed(hour), signed(-hour)];
  const get = async (query: string, range: string, checked = true) => {
    const player = await stage.player(checked ? right : undefined);
    const reply = player.get(`/films/film.mp4${query}`, { range, ...(!checked && { film: null }) });
    assert.equal(await reply.done(), 'complete');
    return reply;
  };
  const refused = await get(expired, '2000000-', false);
  const direct = await fetch(`${url}film.mp4${expired}`);
  assert.match(await direct.text(), /<Code>AccessDenied</);
  assert.deepEqual(
    [refused.status, refused.field('content-type')],
    [direct.status, direct.headers.get('content-type')],
  );
  assert.equal(direct.status, 403);

  assert.equal((await get(fresh, '0-262143')).bodyBytes, 262_144);
  await stage.atRest();
  assert.equal((await get(expired, '0-262143')).bodyBytes, 262_144, 'it is stored');
  // One who watches has brought a URL that opens the rest for those whose URL has expired meanwhile.
  assert.equal((await get(expired, '1000000-')).bodyBytes, size - 1_000_000);
  assert.equal((await get(signed(2 * hour), '-1000')).bodyBytes, 1000);
  await s3[Symbol.asyncDispose]();
  assert.equal((await get(expired, '1000000-')).bodyBytes, size - 1_000_000);
});
