/** Folders of an origin: as a playlist for players, and as something to warm. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { json, Stage } from './stage.ts';

const tree: Readonly<Record<string, readonly string[]>> = {
  '/': ['series/', 'holiday.mp4', 'readme.txt'],
  '/series/': ['s01/', 's01e10.mkv', 's01e2.mkv'],
  '/series/s01/': ['extra%20one.mkv'],
};

/** A server whose folders are pages, or WebDAV alone; each file is its own path. */
async function lister(t: TestContext, by: 'pages' | 'WebDAV'): Promise<string> {
  const server = createServer(({ url = '', method }, response) => {
    const names = tree[url];
    if (names === undefined) return response.end(method === 'HEAD' ? undefined : `the file ${url}`);
    if (by === 'pages' && method === 'GET') {
      return response
        .setHeader('content-type', 'text/html')
        .end(names.map((name) => `<a href="${name}">${name}</a>`).join(''));
    }
    if (by === 'pages' || method !== 'PROPFIND') return response.writeHead(405).end();
    const hrefs = ['', ...names].map((name) => `<d:response><d:href>${url}${name}</d:href></d:response>`);
    return response
      .writeHead(207, { 'content-type': 'application/xml' })
      .end(`<d:multistatus>${hrefs}</d:multistatus>`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function cached(stage: Stage): Promise<string[]> {
  const { objects } = (await json(stage.startWith(['--cache-dir', stage.cacheDir], 'ls', '--json').ended)) as {
    objects: { path: string; state: string }[];
  };
  return objects.filter(({ state }) => state === 'complete').map(({ path }) => path);
}

for (const by of ['pages', 'WebDAV'] as const) {
  test(`a folder that its server lists by ${by} is a playlist, and is warmed as a whole or by a pattern`, async (t) => {
    const stage = await Stage.set(t);
    const origin = await lister(t, by);
    const flags = ['--origin', `tv=${origin}`, '--cache-dir', stage.cacheDir];
    const serving = stage.startWith(flags, 'serve', '--listen', '127.0.0.1:0');
    await serving.prints(/page: http/);
    const [, url = ''] = /ready on (http:\S+)/.exec(serving.out) ?? [];
    const playlist = await fetch(`${url}-/playlist/tv/series.m3u`);
    assert.equal(playlist.headers.get('content-type'), 'audio/x-mpegurl; charset=utf-8');
    assert.equal(
      await playlist.text(),
      `#EXTM3U\n#EXTINF:-1,extra one\n${url}tv/series/s01/extra%20one.mkv\n#EXTINF:-1,s01e2\n${url}tv/series/s01e2.mkv\n#EXTINF:-1,s01e10\n${url}tv/series/s01e10.mkv\n`,
    );
    const all = await (await fetch(`${url}-/playlist/tv.m3u`)).text();
    assert.deepEqual([all.match(/#EXTINF/g)?.length, all.includes('readme')], [4, false]);
    assert.equal((await fetch(`${url}-/playlist/nobody.m3u`)).status, 404);
    const foreign = await fetch(`${url}-/playlist/tv.m3u`, { headers: { 'sec-fetch-site': 'cross-site' } });
    assert.equal(foreign.status, 403);

    const warm = (...names: readonly string[]) => stage.startWith(flags, 'warm', ...names).ended;
    const some = await warm('/tv/series/*e2.mkv');
    assert.deepEqual([some.code, await cached(stage)], [0, ['/series/s01e2.mkv']], some.err);
    const folder = await warm('/tv/series/');
    assert.equal(folder.code, 0, folder.err);
    assert.deepEqual(await cached(stage), ['/series/s01/extra%20one.mkv', '/series/s01e10.mkv', '/series/s01e2.mkv']);
    const root = await warm('/tv/*.mp4');
    assert.deepEqual([root.code, (await cached(stage))[0]], [0, '/holiday.mp4'], root.err);
    const none = await warm('/tv/series/*.avi');
    assert.deepEqual([none.code, none.err], [6, 'No file at the origin matches "/tv/series/*.avi"\n']);

    const list = join(stage.directory, 'all.m3u');
    await writeFile(list, `#EXTM3U\n#EXTINF:-1,Holiday\n${origin}/holiday.mp4\n\n/tv/readme.txt\n`);
    const listed = await warm('--list', list);
    assert.equal(listed.code, 0, listed.err);
    assert.deepEqual((await cached(stage)).slice(0, 2), ['/holiday.mp4', '/readme.txt']);
    serving.process.kill('SIGTERM');
    await serving.ended;
  });
}
