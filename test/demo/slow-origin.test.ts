import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type SlowOrigin, startSlowOrigin } from '../../demo/slow-origin.ts';
import { type Clock, systemClock } from '../../src/clock.ts';

describe('the slow origin', () => {
  let folder: string;
  let origin: SlowOrigin;
  const film = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firstbyte-origin-'));
    await writeFile(join(folder, 'film.mp4'), film);
    origin = await startSlowOrigin({ folder, silence: 0, rate: Number.POSITIVE_INFINITY });
  });
  after(async () => {
    await origin.close();
    await rm(folder, { recursive: true });
  });

  const ask = async (fields: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(`${origin.url}/film.mp4?token=1`, { method, headers: fields });
    return { response, body: Buffer.from(await response.arrayBuffer()) };
  };

  test('a GET gives the whole film with its type and validators', async () => {
    const { response, body } = await ask();
    assert.equal(response.status, 200);
    assert.deepEqual(body, film);
    assert.equal(response.headers.get('content-type'), 'video/mp4');
    assert.match(response.headers.get('etag') ?? '', /^"[^"]+"$/);
    assert.ok(response.headers.has('last-modified'));
  });

  test('a HEAD gives the length and no body', async () => {
    const { response, body } = await ask({ range: 'bytes=0-9' }, 'HEAD');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-length'), '1000');
    assert.equal(body.length, 0);
  });

  for (const [range, start, end] of [
    ['bytes=0-', 0, 1000],
    ['bytes=990-2000', 990, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=-2000', 0, 1000],
    ['bytes=0-0', 0, 1],
  ] as const) {
    test(`${range} gives bytes ${start} to ${end - 1}`, async () => {
      const { response, body } = await ask({ range });
      assert.equal(response.status, 206);
      assert.equal(response.headers.get('content-range'), `bytes ${start}-${end - 1}/1000`);
      assert.deepEqual(body, film.subarray(start, end));
    });
  }

  for (const range of ['bytes=1000-', 'bytes=-0']) {
    test(`${range} is not satisfiable`, async () => {
      const { response } = await ask({ range });
      assert.equal(response.status, 416);
      assert.equal(response.headers.get('content-range'), 'bytes */1000');
    });
  }

  for (const range of ['bytes=5-2', 'bytes=-', 'seconds=0-1', 'bytes=0-1,4-5']) {
    test(`${range} is ignored`, async () => assert.equal((await ask({ range })).response.status, 200));
  }

  test('an If-Range that holds gives the range, another gives the whole', async () => {
    const etag = (await ask()).response.headers.get('etag') ?? '';
    assert.equal((await ask({ range: 'bytes=1-', 'if-range': etag })).response.status, 206);
    assert.equal((await ask({ range: 'bytes=1-', 'if-range': '"other"' })).response.status, 200);
  });

  test('an If-None-Match that holds gives 304', async () => {
    const etag = (await ask()).response.headers.get('etag') ?? '';
    assert.equal((await ask({ 'if-none-match': etag })).response.status, 304);
  });

  test('a name outside the folder is not found', async () => {
    assert.equal((await fetch(`${origin.url}/..%2fetc%2fpasswd`)).status, 404);
  });

  test('its silence and its rate are kept on the clock', async () => {
    const slept: number[] = [];
    const clock: Clock = {
      now: () => 0,
      wallTime: () => 0,
      after(delay, wake) {
        slept.push(delay);
        return systemClock.after(0, wake);
      },
    };
    const slow = await startSlowOrigin({ folder, silence: 3000, rate: 10_000, clock });
    assert.deepEqual(Buffer.from(await (await fetch(`${slow.url}/film.mp4`)).arrayBuffer()), film);
    await slow.close();
    assert.deepEqual(slow.exchanges, [{ method: 'GET', path: '/film.mp4', range: null, status: 200, sent: 1000 }]);
    assert.equal(slept[0], 3000);
    // The clock stands still, so the last wait is for all 1000 bytes at 10,000 a second, less the 50 ms made up for.
    assert.equal(slept.at(-1), 50);
    assert.ok(slept.every((delay) => delay > 0));
  });

  test('an origin that closes in the middle of a reply cuts it', async () => {
    const slow = await startSlowOrigin({ folder, silence: 0, rate: 1 });
    const response = await fetch(`${slow.url}/film.mp4`);
    const body = response.arrayBuffer();
    await slow.close();
    await assert.rejects(body);
  });

  test('the committed film is an MP4 with its index in front of its media', async () => {
    const committed = await readFile(join(import.meta.dirname, '../../demo/film.mp4'));
    assert.ok(committed.length <= 3 * 1024 * 1024);
    assert.ok(committed.indexOf('moov') < committed.indexOf('mdat'));
  });
});
