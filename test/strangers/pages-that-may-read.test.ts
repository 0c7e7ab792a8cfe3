/** Players on other ports, as pages of this machine: a real Chromium lets them read a film, and no page without a web origin. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { launchBrowser, noChromium } from '../page/stage.ts';
import { startBuild } from '../players/firstbyte.ts';

const film = readFileSync(join(import.meta.dirname, '../../demo/film.mp4'));

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
  const program = join(import.meta.dirname, '../../src/cli.ts');
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
