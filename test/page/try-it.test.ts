/** A film in the page's own player, in a real Chromium, from an origin that leaves a part of it out. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { noChromium, playableFilm, Stage } from './stage.ts';

const film = '/film.mp4';
/** Bytes: the origin gives none between. */
const gap = { from: 512 * 1024, until: 1024 * 1024 };
/** Seconds: far behind the gap. */
const far = 30;

describe('the player of the page', { skip: noChromium }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.set({ files: { [film]: playableFilm() } });
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  test('plays from a place that is not there yet, for which the origin is asked from there on', async () => {
    stage.origin.gate(film, gap.from, gap.until);
    // So slow that what lies behind the gap is not waited for on the way there.
    stage.origin.rate = 500_000;
    const { page, context, faults } = await stage.look('#try-it');
    const wanted: number[] = [];
    page.on('request', (request) => {
      const [, start] = /^bytes=(\d+)-$/.exec(request.headers().range ?? '') ?? [];
      if (start !== undefined) wanted.push(Number(start));
    });
    await page.getByLabel('Address of a film').fill(`${stage.origin.url}${film}`);
    await page.getByRole('button', { name: 'Play' }).click();
    const player = page.getByLabel('Player', { exact: true });
    await player.waitFor();
    assert.ok((await shownFrom(page, 0)) < far);
    stage.origin.rate = Number.POSITIVE_INFINITY;

    assert.ok((await shownFrom(page, far)) >= far);
    const place = wanted.find((start) => start >= gap.until);
    assert.ok(place !== undefined, `the player asked from ${wanted}`);
    const asked = stage.origin.asked.get(film) ?? [];
    assert.ok(asked.includes(place), `the player asked from ${place}, and the origin was asked from ${asked}`);
    const present = await presentOf(stage);
    assert.ok(
      present.every(([start, end]) => end <= gap.from || start >= gap.until),
      `bytes of the gap are told as present: ${JSON.stringify(present)}`,
    );
    await page
      .getByRole('listitem')
      .filter({ hasText: `from byte ${place.toLocaleString('en')}` })
      .first()
      .waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });
});

/** Goes to a place of the film, in seconds, and resolves with that of the first picture which is shown from there. */
function shownFrom(page: Page, seconds: number): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve, reject) => {
    const video = document.querySelector('video');
    video.onerror = () => reject(video.error);
    const look = (_, { mediaTime }) =>
      mediaTime >= ${seconds} ? resolve(mediaTime) : video.requestVideoFrameCallback(look);
    video.requestVideoFrameCallback(look);
    if (${seconds} > 0) video.currentTime = ${seconds};
  })`);
}

async function presentOf(stage: Stage): Promise<readonly (readonly [number, number])[]> {
  const { fills } = await stage.ask<{ fills: { path: string; present: [number, number][] }[] }>('/fills');
  return fills.find(({ path }) => path === film)?.present ?? [];
}
