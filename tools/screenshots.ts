/**
 * `npm run screenshots`: the pictures of docs/guide/page.md, made in Chromium from a real firstbyte in front of a slow
 * origin, on the stage of the page's tests. Written to docs/images/; what moves with time differs from run to run.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { largeFilm, playableFilm, Stage } from '../test/page/stage.ts';

const images = join(import.meta.dirname, '../docs/images');
const desktop = { width: 1120, height: 700 };
const phone = { width: 390, height: 760 };
const MB = 1_000_000;
/** Bytes a second. */
const watchedRate = 1.2 * MB;

const whole = {
  '/concerts/1984-live.mkv': largeFilm(310 * MB),
  '/series/s01/e01.mkv': largeFilm(420 * MB),
  '/series/s01/e02.mkv': largeFilm(405 * MB),
  '/holiday/day-1.mp4': largeFilm(96 * MB),
};
const beginning = { '/classics/metropolis.mkv': largeFilm(2_900 * MB), '/holiday/day-2.mp4': largeFilm(88 * MB) };
const slow = '/classics/nosferatu.mkv';
const silent = '/classics/faust.mkv';
const missing = '/classics/golem.mkv';
const played = '/holiday/film.mp4';

await using stage = await Stage.set({
  files: {
    ...whole,
    ...beginning,
    [slow]: largeFilm(4_700 * MB),
    [silent]: largeFilm(1_800 * MB),
    [missing]: largeFilm(1_000),
    [played]: playableFilm(),
  },
  settings: { firstByteTimeout: '12s', maxSize: '6GB' },
});

await stockLibrary();
// Ten seconds are one point of the charts.
const slowly = watch(slow, 0);
stage.origin.rate = 6 * MB;
const later = watch(slow, 2_400 * MB);
await failOnce();
stage.origin.gate(silent, -1);

for (const colorScheme of ['light', 'dark'] as const) {
  const { page, context } = await stage.look('#now', { colorScheme, viewport: desktop, token: await stage.token() });
  if (colorScheme === 'light') await nextPoint(page);
  await takeNow(page, colorScheme);
  if (colorScheme === 'light') {
    for (const view of ['First byte', 'Library', 'Origins']) await takeView(page, view, colorScheme);
    await takeTrial(page);
  } else {
    await takeView(page, 'Library', colorScheme);
  }
  await context.close();
}
const { page, context } = await stage.look('#now', { viewport: phone });
await takeNow(page, 'phone');
await takeView(page, 'Library', 'phone');
await context.close();
for (const viewer of [slowly, later]) viewer.abort();

/** Plays from `start` on as a player does: no faster than it is watched. */
function watch(path: string, start: number): AbortController {
  const left = new AbortController();
  const play = async () => {
    const { signal } = left;
    const answer = await fetch(`${stage.url}films${path}`, { headers: { range: `bytes=${start}-` }, signal });
    for await (const piece of answer.body ?? [])
      await pause((piece.length / watchedRate) * 1000, undefined, { signal });
  };
  play().catch(() => {});
  return left;
}

async function stockLibrary(): Promise<void> {
  for (const path of Object.keys(whole)) await stage.read(path).ended;
  for (const path of Object.keys(beginning)) await stage.read(path, `bytes=0-${30 * MB}`).ended;
}

/** An origin that says nothing for so long that firstbyte answers by itself. */
async function failOnce(): Promise<void> {
  stage.origin.gate(missing, -1);
  await stage.read(missing).ended;
}

/** Resolves when the charts have one more point. */
async function nextPoint(page: Page): Promise<void> {
  const count = async () => (await stage.ask<{ points: unknown[] }>('/history?minutes=60')).points.length;
  const before = await count();
  while ((await count()) < before + 2) await page.waitForTimeout(500);
}

/** With one title that waits for an origin which says nothing. */
async function takeNow(page: Page, mark: string): Promise<void> {
  const waiting = stage.read(silent);
  await page
    .getByRole('article', { name: 'faust.mkv' })
    .getByText(/^for the origin: [2-9]/)
    .waitFor();
  await take(page, `now-${mark}`);
  waiting.stop();
  await waiting.ended;
}

async function takeView(page: Page, view: string, mark: string): Promise<void> {
  await page.getByRole('link', { name: view, exact: true }).click();
  await page.getByRole('heading', { name: view, level: 1 }).waitFor();
  await take(page, `${view.toLowerCase().replaceAll(' ', '-')}-${mark}`);
}

async function takeTrial(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Try it', exact: true }).click();
  await page.getByRole('textbox').fill(`${stage.origin.url}${played}`);
  await page.getByRole('button', { name: 'Play' }).click();
  await page.getByRole('listitem').filter({ hasText: 'first byte' }).first().waitFor();
  await page.evaluate(`new Promise((resolve) => {
    const video = document.querySelector('video');
    const look = () => (video.currentTime > 2 ? resolve() : video.requestVideoFrameCallback(look));
    look();
  })`);
  await page.setViewportSize({ ...desktop, height: 1000 });
  await take(page, 'try-it-light');
  await page.setViewportSize(desktop);
}

async function take(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('networkidle', { timeout: 1000 }).catch(() => {});
  await page.screenshot({ path: join(images, `${name}.png`), animations: 'disabled', caret: 'hide' });
  process.stdout.write(`docs/images/${name}.png\n`);
}
