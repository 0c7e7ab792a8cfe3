/** Players on other ports, as pages of this machine: a real Chromium lets them read a film, and no page without a web origin. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { launchBrowser, noChromium } from '../page/stage.ts';
import { startBuild } from '../players/firstbyte.ts';
import { run } from '../players/program.ts';
import { absent } from '../programs.ts';

const filmFile = join(import.meta.dirname, '../../demo/film.mp4');
const film = readFileSync(filmFile);
const program = join(import.meta.dirname, '../../src/cli.ts');

/** What a player does that is a script: a part of the film, what it is told of it, and a picture that it can look at. */
const player = `<!doctype html><title>player</title><script>
  async function play(url) {
    const part = await fetch(url, { headers: { range: 'bytes=100-199', 'x-own': '1' } });
    const seen = ['content-range', 'content-length', 'accept-ranges'].map((name) => part.headers.get(name));
    const bytes = (await part.arrayBuffer()).byteLength;
    const video = document.createElement('video');
    video.crossOrigin = 'anonymous';
    video.muted = true;
    video.src = url;
    await video.play();
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const canvas = document.createElement('canvas');
    canvas.getContext('2d').drawImage(video, 0, 0);
    return { status: part.status, seen, bytes, picture: canvas.toDataURL().length > 0 };
  }
  function fail(url) { return play(url).then(() => 'read', (error) => error.name); }
</script>`;

async function listening(props: AsyncDisposableStack, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  props.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('a player on another port reads a film with its script, and a page in a sandbox does not', {
  skip: noChromium,
}, async () => {
  await using props = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'firstbyte-pages-'));
  props.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const origin = await listening(props, ({ headers }, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
    const [start, end] = [Number(first ?? 0), last ? Number(last) + 1 : film.length];
    const part = film.subarray(start, end);
    const range =
      first === undefined ? {} : { 'content-range': `bytes ${start}-${start + part.length - 1}/${film.length}` };
    const told = { 'content-type': 'video/mp4', etag: '"film"', 'content-length': part.length, ...range };
    response.writeHead(first === undefined ? 200 : 206, told).end(part);
  });
  const page = await listening(props, ({ url }, response) => {
    const sandbox = url === '/sandboxed' ? { 'content-security-policy': 'sandbox allow-scripts' } : {};
    response.writeHead(200, { 'content-type': 'text/html', ...sandbox }).end(player);
  });
  const { url } = props.use(await startBuild(program, join(folder, 'cache'), ['--origin', `films=${origin}`]));
  const browser = props.adopt(await launchBrowser(), (each) => each.close());
  const tab = await browser.newPage();
  await tab.goto(page);
  const seen = [`bytes 100-199/${film.length}`, '100', 'bytes'];
  const played = await tab.evaluate<unknown>(`play('${url}films/film.mp4')`);
  assert.deepEqual(played, { status: 206, seen, bytes: 100, picture: true });
  await tab.goto(`${page}sandboxed`);
  assert.equal(await tab.evaluate<string>(`fail('${url}films/film.mp4')`), 'TypeError');
});

/** A page that plays a playlist with hls.js until the third second; what it tells is where the segments came from. */
const hlsPage = `<!doctype html><title>player</title><script src="/hls.js"></script><script>
  function play(url) {
    const video = document.body.appendChild(document.createElement('video'));
    video.muted = true;
    const hls = new Hls({ enableWorker: false });
    const from = new Set();
    return new Promise((resolve, reject) => {
      hls.on(Hls.Events.ERROR, (_, error) => error.fatal && reject(new Error(error.details)));
      hls.on(Hls.Events.FRAG_LOADED, (_, { frag }) => from.add(new URL(frag.url).origin));
      video.addEventListener('timeupdate', () => video.currentTime > 3 && resolve([...from]));
      hls.loadSource(url);
      hls.attachMedia(video);
      video.play().catch(reject);
    }).finally(() => hls.destroy());
  }
  function fail(url) { return play(url).then(() => 'played', (error) => error.message); }
</script><body>`;

test('hls.js plays a playlist to which an origin redirects, on the pages that allowOrigins names and on no other', {
  skip: noChromium || absent('ffmpeg', 'ffmpeg', '-version'),
}, async () => {
  await using props = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'firstbyte-hls-'));
  props.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const playlist = ['-hls_time', '2', '-hls_list_size', '0', join(folder, 'live.m3u8')];
  await run('ffmpeg', ['-v', 'error', '-i', filmFile, '-t', '8', '-c', 'copy', ...playlist]);
  const origin = await listening(props, async ({ url = '' }, response) => {
    // The playlist lies beside the base, at a URL that is signed.
    if (url === '/media/play') return void response.writeHead(302, { location: '/hls/live.m3u8?sig=secret' }).end();
    const [, name = ''] = /^\/hls\/(live\.m3u8(?=\?sig=secret$)|[\w]+\.ts$)/.exec(url) ?? [];
    const type = name.endsWith('.ts') ? 'video/mp2t' : 'application/vnd.apple.mpegurl';
    const file = name === '' ? null : await readFile(join(folder, name));
    response.writeHead(file === null ? 404 : 200, { 'content-type': type }).end(file ?? '');
  });
  const library = await readFile(new URL(import.meta.resolve('hls.js/dist/hls.min.js')));
  const pageOf: RequestListener = ({ url }, response) => {
    const isLibrary = url === '/hls.js';
    response.writeHead(200, { 'content-type': isLibrary ? 'text/javascript' : 'text/html' });
    response.end(isLibrary ? library : hlsPage);
  };
  const [page, other] = [await listening(props, pageOf), await listening(props, pageOf)];
  const configuration = join(folder, 'firstbyte.json');
  const films = { url: `${origin}media/`, allowOrigins: [new URL(page).origin] };
  await writeFile(configuration, JSON.stringify({ origins: { films } }));
  const { url } = props.use(await startBuild(program, join(folder, 'cache'), ['--config', configuration]));
  const browser = props.adopt(await launchBrowser(), (each) => each.close());
  const tab = await browser.newPage();
  await tab.goto(page);
  assert.deepEqual(await tab.evaluate<unknown>(`play('${url}films/play')`), [new URL(url).origin]);
  await tab.goto(other);
  assert.equal(await tab.evaluate<string>(`fail('${url}films/play')`), 'manifestLoadError');
});
