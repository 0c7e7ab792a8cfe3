/**
 * A hostile mount in a real Chromium, whose user has the page of firstbyte open: whatever it serves reaches nothing of
 * firstbyte's and nothing of another mount. And what is no attack works: films play, folders lead on and download.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { noChromium } from '../page/stage.ts';
import { vehicles } from './hostile-origin.ts';
import { Scene } from './scene.ts';

/** In a page: whether the first film on it plays, or why not. */
const plays = `new Promise((resolve) => {
  const film = document.querySelector('video');
  if (film === null) return resolve('there is none');
  film.addEventListener('error', () => resolve('error ' + film.error?.code));
  film.addEventListener('timeupdate', () => film.currentTime > 0 && resolve('plays'));
  film.muted = true;
  film.play().catch((error) => resolve(String(error)));
})`;

let scene: Scene;
before(async () => {
  if (noChromium === false) scene = await Scene.set();
});
after(async () => await scene?.[Symbol.asyncDispose]());

describe('a hostile mount', { skip: noChromium }, () => {
  test('has pages whose scripts run, try everything, and reach nothing', async () => {
    const { context, page } = await scene.operator();
    const { origin, tried, reached } = await scene.attack(page);
    assert.equal(origin, 'null');
    assert.ok(tried > 40, `${tried}`);
    assert.deepEqual(reached, {});

    await page.goto(`${scene.url}-/`);
    await page.getByText('live', { exact: true }).waitFor();
    const registered = await page.evaluate<number>(
      'navigator.serviceWorker.getRegistrations().then((found) => found.length)',
    );
    assert.equal(registered, 0);
    assert.deepEqual(await scene.ask('/jobs'), { jobs: [] });
    await context.close();
  });

  test('is not opened by whatever it calls its pages', async () => {
    const { context, page } = await scene.operator();
    const got: [vehicle: string, reached: readonly string[]][] = [];
    for (const vehicle of Object.keys(vehicles)) {
      const reached = await scene.probe(page, vehicle);
      if (reached !== null) got.push([vehicle, reached]);
    }
    const ran = got.map(([vehicle]) => vehicle);
    for (const vehicle of ['html', 'xhtml', 'svg', 'xml', 'not-found', 'broken', 'own-policies', 'redirected']) {
      assert.ok(ran.includes(vehicle), `the script of ${vehicle} ran`);
    }
    assert.deepEqual(
      got.filter(([, reached]) => reached.length > 0),
      [],
    );
    await context.close();
  });

  test('can frame neither the page nor the control API, and opens no window that it can read', async () => {
    const { context, page } = await scene.operator();
    await page.goto(`${scene.url}evil/page.html`);
    const framed = await page.evaluate<number>(`(async () => {
      const frame = Object.assign(document.createElement('iframe'), { src: '/-/' });
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
      document.body.append(frame);
      await loaded;
      return frame.contentWindow.length;
    })()`);
    assert.equal(framed, 0);
    const [, inside] = page.frames();
    // Word of where the frame has come to may be a moment later than the frame.
    while (inside?.url() === '') await page.evaluate('new Promise(requestAnimationFrame).then(() => null)');
    assert.match(inside?.url() ?? '', /^chrome-error:/);
    await context.close();
  });

  test('loses a service worker that was registered when there was no sandbox', async () => {
    const context = await scene.browser.newContext();
    const page = await context.newPage();
    // As it was: the page has the web origin of firstbyte, and its script is let through.
    const once = { contentType: 'text/javascript', headers: { 'service-worker-allowed': '/' } };
    const worker = `addEventListener('install', () => skipWaiting());
      addEventListener('activate', (event) => event.waitUntil(clients.claim()));
      addEventListener('fetch', (event) => event.respondWith(new Response('hijacked')));`;
    await context.route('**/evil/page.html', (route) => route.fulfill({ contentType: 'text/html', body: '<p>old' }));
    await context.route('**/evil/worker.js', (route) => route.fulfill({ ...once, body: worker }));
    await page.goto(`${scene.url}evil/page.html`);
    await page.evaluate(`navigator.serviceWorker.register('worker.js', { scope: '/' })
      .then(() => navigator.serviceWorker.ready).then(() => null)`);
    await context.unrouteAll();
    await page.goto(`${scene.url}-/`);
    assert.equal(await page.textContent('body'), 'hijacked');

    // A browser does so by itself, a while after each visit.
    const update = 'navigator.serviceWorker.getRegistration().then((one) => one?.update()).catch(String)';
    assert.match(await page.evaluate<string>(update), /^AbortError|^TypeError/);
    await page.goto(`${scene.url}-/`);
    await page.getByText('live', { exact: true }).waitFor();
    await context.close();
  });
});

describe('what is no attack', { skip: noChromium }, () => {
  let page: Page;
  before(async () => {
    page = await (await scene.browser.newContext()).newPage();
  });

  test('a film plays that is opened in its tab', async () => {
    await page.goto(`${scene.url}evil/film.mp4`);
    assert.equal(await page.evaluate(plays), 'plays');
  });

  for (const name of ['film.mp4', 'film.txt', 'film']) {
    test(`${name} plays on the page of another web server`, async () => {
      scene.foreignPage = `<!doctype html><video src="${scene.url}evil/${name}"></video>`;
      await page.goto(scene.foreignUrl);
      assert.equal(await page.evaluate(plays), 'plays');
    });
  }

  test('a folder page leads on, and downloads what is no page', async () => {
    await page.goto(`${scene.url}evil/folder`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'film', exact: true }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'film');
    await download.path();
    await page.getByRole('link', { name: 'film.mp4' }).click();
    await page.waitForURL('**/film.mp4');
    assert.equal(await page.evaluate(plays), 'plays');
  });

  test('an SVG image is shown on the page of another web server', async () => {
    scene.foreignPage = `<!doctype html><img src="${scene.url}evil/poster.svg">`;
    await page.goto(scene.foreignUrl);
    assert.equal(await page.evaluate('document.images[0].naturalWidth'), 8);
  });
});
