/** Playlists and pages to which an origin redirects: the client comes to where their relative references lead on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Behaviour } from '../support/behaviour.ts';
import { type Film, film } from '../support/film.ts';
import type { SeenRequest } from '../support/film-reply.ts';
import { type VirtualRig, virtualRig } from '../support/rig.ts';
import { beginning } from '../support/written-film.ts';

const movie = film(1_000_000);
const segment = film(400_000, 4);
const page = film(3000, 5);
const playlist = beginning('#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nseg1.ts\n#EXT-X-ENDLIST\n', 700, 6);
const secret = '0123456789abcdef0123456789abcdef';
const cdn = 'http://93.184.216.34';

const hlsType = 'application/vnd.apple.mpegurl';
const day = 24 * 3_600_000;

interface Scene {
  /** Where `/media/play` leads. */
  readonly to: string;
  readonly type?: string | null;
  readonly film?: Film;
  readonly mount?: Readonly<Record<string, unknown>>;
}

/** An origin below `/media` whose `/play` leads to a playlist; every other path has a segment. */
async function redirecting({ to, type = hlsType, film: what = playlist, mount = {} }: Scene): Promise<VirtualRig> {
  const rig = await virtualRig({ films: segment, mount: { url: 'http://10.0.0.1/media/', ...mount } });
  leads(rig, to, type, what);
  return rig;
}

function leads(rig: VirtualRig, to: string, type: string | null = hlsType, what = playlist): void {
  const { pathname, search } = new URL(to, cdn);
  rig.origin.always(({ target }: SeenRequest): Behaviour => {
    if (target === '/media/play') return { status: 302, fields: { location: to } };
    return target === pathname + search ? { film: what, fields: { 'content-type': type } } : {};
  });
}

/** Where a client is sent that asks for `/films/play`. */
async function sentTo(rig: VirtualRig, path = '/films/play'): Promise<string> {
  const view = await rig.play(path, { film: null });
  assert.equal(view.status, 302);
  assert.equal(view.field('cache-control'), 'no-cache');
  return view.field('location') ?? '';
}

async function plays(rig: VirtualRig, path: string, what: Film): Promise<void> {
  const view = rig.get(path, { film: what });
  assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
  assert.equal(view.status, 200);
}

async function statusOf(rig: VirtualRig, path: string): Promise<number | null> {
  return (await rig.play(path, { film: null })).status;
}

/** What a client makes of a reference in what it read at `base`. */
const resolved = (reference: string, base: string) => new URL(reference, `http://firstbyte${base}`).pathname;

const targets = (rig: VirtualRig) => rig.origin.requests.map(({ target }) => target);

describe('a redirect to what leads on by relative references', () => {
  for (const [what, from, to, type] of [
    ['a page', '/index', '/start/page.html', 'text/html; charset=utf-8'],
    ['a playlist', '/live.m3u8', '/streams/7/live.m3u8', hlsType],
    ['a playlist by its name', '/live', '/streams/7/live.m3u8', 'application/octet-stream'],
    ['a manifest', '/live.mpd', '/streams/7/live.mpd', 'application/dash+xml'],
  ] as const) {
    it(`of ${what} is passed on, to its place below the mount`, async () => {
      const rig = await virtualRig({ films: { [to]: page }, mount: { url: 'http://10.0.0.1/media/' } });
      rig.origin.always(({ target }) =>
        target === `/media${from}`
          ? { status: 301, fields: { location: `/media${to}` } }
          : { film: page, fields: { 'content-type': type } },
      );
      assert.equal(await sentTo(rig, `/films${from}`), `/films${to}`);
      await plays(rig, `/films${to}`, page);
      await rig.close();
    });
  }

  for (const [what, type] of [
    ['bytes', 'application/octet-stream'],
    ['text', 'text/plain'],
    ['a film', 'video/mp2t'],
    ['nothing', null],
  ] as const) {
    it(`is known by what it begins with, where it is sent as ${what}`, async () => {
      const rig = await redirecting({ to: '/media/streams/7/live', type });
      assert.equal(await sentTo(rig), '/films/streams/7/live');
      await rig.close();
    });
  }

  it('is no matter of films: they are followed inside, signed or not', async () => {
    for (const to of ['/movie.mp4', `${cdn}/movie.mp4?sig=${secret}`]) {
      const rig = await redirecting({ to, type: 'video/mp4', film: movie });
      const view = rig.get('/films/play', { film: movie });
      assert.equal(await rig.clock.advanceUntil(view.done()), 'complete');
      assert.deepEqual([view.status, view.field('location')], [200, null]);
      await rig.close();
    }
  });
});

describe('a redirect to a playlist that has no path below the mount', () => {
  for (const [what, to] of [
    ['on another host', `${cdn}/hls/7/live.m3u8`],
    ['at a signed URL of another host', `${cdn}/hls/7/live.m3u8?sig=${secret}`],
    ['beside the base', '/hls/7/live.m3u8'],
    ['at a signed URL below the base', `/media/hls/7/live.m3u8?sig=${secret}`],
    ['at a URL with a secret in its path', `${cdn}/${secret}/7/live.m3u8;token=${secret}`],
  ] as const) {
    it(`plays ${what}, with its segments, and tells no URL`, async () => {
      const rig = await redirecting({ to });
      const location = await sentTo(rig);
      assert.match(location, /^\/~\/[\w-]{32}\/(-\/)+live\.m3u8$/);
      await plays(rig, location, playlist);
      await plays(rig, resolved('seg1.ts', location), segment);
      await plays(rig, resolved('../audio/seg1.ts', location), segment);
      const { pathname } = new URL(to, cdn);
      const asked = targets(rig);
      assert.ok(asked.includes(new URL('seg1.ts', new URL(to, cdn)).pathname), asked.join(' '));
      assert.ok(asked.includes(resolved('../audio/seg1.ts', pathname)), asked.join(' '));
      const told = JSON.stringify([rig.events, rig.log]);
      assert.ok(!told.includes(secret) && !told.includes('/7/live'), 'the URL is told');
      await rig.close();
    });
  }

  it('is found again where it was, and its segments are stored across signatures', async () => {
    const rig = await redirecting({ to: `${cdn}/hls/7/live.m3u8?sig=1` });
    const first = await sentTo(rig);
    await plays(rig, resolved('seg1.ts', first), segment);
    assert.equal(await sentTo(rig), first);
    leads(rig, `${cdn}/hls/7/live.m3u8?sig=2`);
    const second = await sentTo(rig);
    assert.notEqual(second, first);
    await plays(rig, second, playlist);
    await plays(rig, resolved('seg1.ts', second), segment);
    assert.equal(targets(rig).filter((target) => target.endsWith('seg1.ts')).length, 1);
    await rig.close();
  });

  it('is asked for anew where its signature has expired', async () => {
    const rig = await redirecting({ to: `${cdn}/hls/7/live.m3u8?sig=1` });
    const first = await sentTo(rig);
    await rig.clock.advance(60_000);
    rig.origin.always(({ target }) => {
      if (target === '/media/play') return { status: 302, fields: { location: `${cdn}/hls/7/live.m3u8?sig=2` } };
      return target.endsWith('?sig=2') ? { film: playlist, fields: { 'content-type': hlsType } } : { status: 403 };
    });
    const second = await sentTo(rig, first);
    assert.match(second, /^\/~\//);
    await plays(rig, second, playlist);
    await rig.close();
  });

  it('is refused, and not asked for in a circle, where nobody has a good signature', async () => {
    const rig = await redirecting({ to: `${cdn}/hls/7/live.m3u8?sig=1` });
    const location = await sentTo(rig);
    rig.origin.always({ status: 403 });
    assert.equal(await statusOf(rig, location), 403);
    await rig.clock.advance(60_000);
    assert.equal(await statusOf(rig, location), 403);
    await rig.close();
  });

  it("opens no more than the playlist's folder where the operator's credentials go along", async () => {
    const rig = await redirecting({ to: '/hls/7/live.m3u8', mount: { headers: { 'x-key': 'own' } } });
    const location = await sentTo(rig);
    assert.match(location, /^\/~\/[\w-]{32}\/live\.m3u8$/);
    await plays(rig, location, playlist);
    await plays(rig, resolved('seg1.ts', location), segment);
    assert.equal(targets(rig).at(-1), '/hls/7/seg1.ts');
    assert.equal(Object.fromEntries(rig.origin.requests.at(-1)?.fields ?? [])['x-key'], 'own');
    await rig.close();
  });

  it("takes none of the operator's credentials to another host", async () => {
    const rig = await redirecting({ to: `${cdn}/hls/7/live.m3u8`, mount: { headers: { 'x-key': 'own' } } });
    const location = await sentTo(rig);
    await plays(rig, resolved('seg1.ts', location), segment);
    assert.equal(Object.fromEntries(rig.origin.requests.at(-1)?.fields ?? [])['x-key'], undefined);
    await rig.close();
  });

  it('leads nowhere else: not above its root, and not for ever', async () => {
    const rig = await redirecting({ to: `${cdn}/hls/7/live.m3u8` });
    const location = await sentTo(rig);
    const root = location.slice(0, location.indexOf('/-/'));
    for (const path of [`${root}/..%2f..%2fx`, `${root}/%2e%2e/x`]) assert.equal(await statusOf(rig, path), 400);
    await plays(rig, `${root}//evil.example/seg1.ts`, segment);
    assert.equal(Object.fromEntries(rig.origin.requests.at(-1)?.fields ?? []).host, '93.184.216.34');
    await rig.clock.advance(2 * day);
    assert.equal(await statusOf(rig, location), 404);
    await rig.close();
  });

  it('of a folder leads into the folder', async () => {
    const rig = await redirecting({ to: `${cdn}/pub/films/`, type: 'text/html', film: page });
    const location = await sentTo(rig);
    assert.match(location, /^\/~\/[\w-]{32}\/-\/-\/$/);
    await plays(rig, location, page);
    await plays(rig, resolved('a%20b.mkv?x=1', location), segment);
    assert.equal(targets(rig).at(-1), '/pub/films/a%20b.mkv');
    await rig.close();
  });
});
