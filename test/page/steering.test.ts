/** Changes from the page, in a real Chromium: a fill is paused and resumed, and the token for it is asked for once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { largeFilm, noChromium, Stage } from './stage.ts';

const mebibyte = 1024 * 1024;
const film = '/film.mkv';

interface Fills {
  readonly fills: readonly { readonly path: string; readonly pausedBy: string | null; readonly presentBytes: number }[];
}

/** Answers the dialog that asks for the token. */
async function enter(page: Page, token: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Password or token' });
  await dialog.getByRole('textbox', { name: 'Password or token' }).fill(token);
  await dialog.getByRole('button', { name: 'Continue' }).click();
}

describe('steering on the page', { skip: noChromium }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.set({ files: { [film]: largeFilm(8 * mebibyte) } });
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  const fill = async () => (await stage.ask<Fills>('/fills')).fills.find(({ path }) => path === film);

  test('asks for the token with the first change, again where it was wrong, and never after that', async () => {
    stage.origin.gate(film, 2 * mebibyte);
    const reading = stage.read(film);
    const { page, context } = await stage.look('#now');
    const card = page.getByRole('article', { name: 'film.mkv' });
    const dialog = page.getByRole('dialog', { name: 'Password or token' });
    await card.getByText('25 % of 8.39 MB').waitFor();

    await card.getByRole('button', { name: 'Pause film.mkv' }).click();
    await dialog.getByText('Enter the password to change something.').waitFor();
    await enter(page, 'wrong');
    await dialog.getByText('This password is wrong.').waitFor();
    assert.equal((await fill())?.pausedBy, null);
    await enter(page, await stage.token());
    await card.getByText('by you', { exact: true }).waitFor();
    await page.getByText('film.mkv is paused.').waitFor();
    assert.equal((await fill())?.pausedBy, 'user');

    await page.reload();
    await card.getByRole('button', { name: 'Resume film.mkv' }).click();
    await page.getByText('film.mkv is resumed.').waitFor();
    assert.equal(await dialog.count(), 0);
    assert.equal((await fill())?.pausedBy, null);
    stage.origin.open(film);
    await reading.ended;
    await context.close();
  });

  test('a fill that is paused brings nothing in, also after its viewer has left, until it is resumed', async () => {
    const { page, context, faults } = await stage.look('#library', { token: await stage.token() });
    await page.getByRole('button', { name: 'Purge film.mkv' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Purge', exact: true }).click();
    await page.getByText('film.mkv is purged.').waitFor();
    await page.getByRole('link', { name: 'Now' }).click();

    stage.origin.gate(film, 2 * mebibyte);
    const reading = stage.read(film);
    const card = page.getByRole('article', { name: 'film.mkv' });
    await card.getByText('25 % of 8.39 MB').waitFor();
    await card.getByRole('button', { name: 'Pause film.mkv' }).click();
    await card.getByText('by you', { exact: true }).waitFor();
    stage.origin.open(film);
    const asked = stage.origin.asked.get(film)?.length;
    reading.stop();
    const rest = page.getByRole('region', { name: 'Recently played' }).getByRole('listitem');
    await rest.getByText('25 % of 8.39 MB').waitFor();
    assert.equal((await fill())?.presentBytes, 2 * mebibyte);
    assert.equal(stage.origin.asked.get(film)?.length, asked);

    await rest.getByRole('button', { name: 'Resume film.mkv' }).click();
    await page.getByText('film.mkv is resumed.').waitFor();
    await stage.read(film).ended;
    await page.getByText('100 % of 8.39 MB').first().waitFor();
    assert.equal((await fill())?.presentBytes, 8 * mebibyte);
    assert.deepEqual(faults, []);
    await context.close();
  });
});

describe('a page whose firstbyte asks everyone for a token', { skip: noChromium }, () => {
  const token = 'correct-horse-battery-staple';
  let stage: Stage;

  before(async () => {
    stage = await Stage.set({ files: { [film]: largeFilm(mebibyte) }, settings: { token } });
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  test('shows nothing without it, says so where it is wrong, and remembers the right one for this tab', async () => {
    await stage.read(film).ended;
    const { page, context } = await stage.open('#library');
    await page.getByText('password needed', { exact: true }).waitFor();
    await page.getByText('Enter the password to continue.').waitFor();
    assert.equal(await page.getByText('film.mkv').count(), 0);

    await page.getByRole('button', { name: 'Enter the password' }).click();
    await enter(page, 'wrong');
    await page.getByText('This password is wrong.').waitFor();
    assert.equal(await page.getByText('film.mkv').count(), 0);

    await page.getByRole('button', { name: 'Enter the password' }).click();
    await enter(page, token);
    await page.getByText('live', { exact: true }).waitFor();
    const title = page.getByRole('list', { name: 'Stored titles' }).getByRole('listitem');
    await title.waitFor();
    await page.reload();
    await page.getByText('live', { exact: true }).waitFor();
    await title.getByRole('button', { name: 'Pin film.mkv' }).click();
    await title.getByRole('button', { name: 'Pinned film.mkv' }).waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    await context.close();

    const other = await stage.open('#library');
    await other.page.getByText('password needed', { exact: true }).waitFor();
    await other.context.close();
  });

  test('takes the right token also where it comes before the answer to a wrong one', async () => {
    const { page, context } = await stage.open('#now');
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await page.route('**/-/api/v1/session', async (route) => {
      if (route.request().headers().authorization === 'Bearer wrong') {
        asked.resolve();
        await answer.promise;
      }
      await route.continue();
    });
    await page.getByRole('button', { name: 'Enter the password' }).click();
    await enter(page, 'wrong');
    await asked.promise;
    await page.getByRole('button', { name: 'Enter the password' }).click();
    await enter(page, token);
    answer.resolve();
    await page.getByText('live', { exact: true }).waitFor();
    await context.close();
  });

  test('takes it out of an address that has it, so that neither the address bar nor the history shows it', async () => {
    const { page, context } = await stage.open(`#token=${token}`);
    await page.getByText('live', { exact: true }).waitFor();
    assert.equal(page.url(), `${stage.url}-/`);
    await context.close();
  });
});
