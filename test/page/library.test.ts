/** What is kept, in a real Chromium: searched, pinned, warmed and purged, and a thousand titles at once. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { largeFilm, noChromium, Stage } from './stage.ts';
import { episode, stockEpisodes } from './stocked-cache.ts';

const mebibyte = 1024 * 1024;

interface Objects {
  readonly total: number;
  readonly objects: readonly { readonly path: string; readonly pinned: boolean; readonly bytes: number }[];
}

describe('the library', { skip: noChromium }, () => {
  const film = '/series/s01/film.mkv';
  let stage: Stage;

  before(async () => {
    stage = await Stage.set({ files: { [film]: largeFilm(8 * mebibyte), '/other.mkv': largeFilm(mebibyte) } });
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  const look = async () => stage.look('#library', { token: await stage.token() });

  test('brings in the rest of a title, shows how far it is, and gives up on demand', async () => {
    stage.origin.gate(film, 2 * mebibyte);
    const beginning = stage.read(film, `bytes=0-${mebibyte - 1}`);
    await beginning.ended;
    const { page, context, faults } = await look();
    const row = rowOf(page, 'film.mkv');
    const work = page.getByRole('region', { name: 'Running jobs' });

    await row.getByRole('button', { name: 'Warm film.mkv' }).click();
    await page.getByText('The rest of film.mkv is downloading.').waitFor();
    await work.getByText('25 % of 8.39 MB').waitFor();
    await work.getByText('film.mkv').waitFor();
    await work.getByRole('button', { name: 'Cancel' }).click();
    await work.waitFor({ state: 'detached' });
    await page.getByText('Cancelled. What was downloaded stays.').waitFor();
    await row.getByText('25 % of 8.39 MB').waitFor();

    await row.getByRole('button', { name: 'Warm film.mkv' }).click();
    await work.getByText('25 % of 8.39 MB').waitFor();
    stage.origin.open(film);
    await row.getByText('100 % of 8.39 MB').waitFor();
    await work.waitFor({ state: 'detached' });
    assert.equal(await row.getByRole('button', { name: 'Warm film.mkv' }).isDisabled(), true);
    assert.deepEqual(faults, []);
    await context.close();
  });

  test('pins a title for good, shows the pinned alone, and lets it go again', async () => {
    for (const path of [film, '/other.mkv']) await stage.read(path).ended;
    const { page, context, faults } = await look();
    const titles = page.getByRole('list', { name: 'Stored titles' });
    const pinned = async () => {
      const { objects } = await stage.ask<Objects>('/objects?pinned=true');
      return objects.map(({ path }) => path);
    };
    await titles.getByRole('button', { name: 'Pin film.mkv' }).click();
    const button = titles.getByRole('button', { name: 'Pinned film.mkv', pressed: true });
    await button.waitFor();
    assert.deepEqual(await pinned(), [film]);
    await page.getByRole('checkbox', { name: 'pinned only' }).check();
    await rowOf(page, 'other.mkv').waitFor({ state: 'detached' });
    assert.equal(await titles.getByRole('listitem').count(), 1);

    await stage.stopFirstbyte();
    await stage.startFirstbyte();
    assert.deepEqual(await pinned(), [film]);
    await context.close();

    const again = await look();
    await again.page.getByRole('button', { name: 'Pinned film.mkv' }).click();
    await again.page.getByRole('button', { name: 'Pin film.mkv', pressed: false }).waitFor();
    assert.deepEqual(await pinned(), []);
    assert.deepEqual([...faults, ...again.faults].filter(isNoLostConnection), []);
    await again.context.close();
  });

  test('finds titles by a part of their path, and says so where there is none', async () => {
    for (const path of [film, '/other.mkv']) await stage.read(path).ended;
    const { page, context } = await look();
    const search = page.getByRole('searchbox', { name: 'Search' });
    await rowOf(page, 'other.mkv').waitFor();
    await search.fill('SERIES');
    await rowOf(page, 'other.mkv').waitFor({ state: 'detached' });
    await rowOf(page, 'film.mkv').waitFor();
    await search.fill('no such title');
    await page.getByText('No titles match.').waitFor();
    await search.clear();
    await rowOf(page, 'other.mkv').waitFor();
    await context.close();
  });

  test('asks before it purges, and then the title is gone from the page, the API and the disk', async () => {
    for (const path of [film, '/other.mkv']) await stage.read(path).ended;
    const { page, context, faults } = await look();
    const titles = page.getByRole('list', { name: 'Stored titles' });
    const dialog = page.getByRole('dialog', { name: 'Purge this title?' });
    const purge = titles.getByRole('button', { name: 'Purge film.mkv' });

    await purge.click();
    await dialog.getByText('This frees 8.39 MB').waitFor();
    await dialog.getByRole('button', { name: 'Keep it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await focused(purge);
    await purge.click();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await stage.ask<Objects>('/objects')).total, 2);

    await purge.click();
    await dialog.getByRole('button', { name: 'Purge', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('film.mkv is purged.').waitFor();
    await rowOf(page, 'film.mkv').waitFor({ state: 'detached' });
    const { objects } = await stage.ask<Objects>('/objects');
    assert.deepEqual(
      objects.map(({ path }) => path),
      ['/other.mkv'],
    );
    assert.deepEqual(faults, []);
    await context.close();
    await stage.stopFirstbyte();
    assert.deepEqual((await objectFolders(stage)).length, 1);
    await stage.startFirstbyte();
  });
});

describe('a library of a thousand titles', { skip: noChromium }, () => {
  const count = 1000;
  let stage: Stage;

  before(async () => {
    stage = await Stage.set({ files: {}, stock: (cacheDir) => stockEpisodes(cacheDir, count) });
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  test('renders those near the window, and the keyboard reaches the last and what can be done with it', async () => {
    const { page, context, faults } = await stage.look('#library');
    const titles = page.getByRole('list', { name: 'Stored titles' });
    const rows = titles.getByRole('listitem');
    await page.getByText('1,000 titles, 4.1 MB').waitFor();
    await page.getByRole('combobox', { name: 'Order' }).selectOption('by path, A to Z');
    await rowOf(page, 's01').first().waitFor();
    assert.ok((await rows.count()) < 60, `${await rows.count()} rows are rendered`);
    assert.equal(await rows.first().getAttribute('aria-setsize'), '1000');

    await page.getByRole('heading', { name: 'Library' }).focus();
    await page.keyboard.press('End');
    const last = titles.locator('[aria-posinset="1000"]');
    await last.getByText('films · /series/s10/').waitFor();
    assert.ok((await rows.count()) < 60, `${await rows.count()} rows are rendered at the end`);
    await last.getByRole('link', { name: 'Play e100.mkv' }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await focused(last.getByRole('button', { name: 'Purge e100.mkv' }));
    assert.deepEqual(faults, []);
    await context.close();
  });

  test('goes from button to button through rows that were not rendered before', async () => {
    const { page, context } = await stage.look('#library');
    const titles = page.getByRole('list', { name: 'Stored titles' });
    await page.getByRole('combobox', { name: 'Order' }).selectOption('by path, A to Z');
    await rowOf(page, 's01').first().waitFor();
    const first = await titles.getByRole('listitem').count();
    await titles.getByRole('link', { name: `Play e001.mkv` }).focus();
    // Each of these titles is whole, so it has three things to go to: there is nothing to warm.
    for (let press = 0; press < first * 3; press += 1) await page.keyboard.press('Tab');
    const beyond = titles.locator(`[aria-posinset="${first + 1}"]`);
    await focused(beyond.getByRole('link'));
    await context.close();
  });

  test('is searched as a whole', async () => {
    const { page, context } = await stage.look('#library');
    await page.getByText('1,000 titles, 4.1 MB').waitFor();
    await page.getByRole('searchbox', { name: 'Search' }).fill('s07/e042');
    await page.getByText('1 title, 4.1 kB').waitFor();
    const titles = page.getByRole('list', { name: 'Stored titles' });
    assert.equal(await titles.getByRole('listitem').count(), 1);
    assert.equal(episode(641, count), '/series/s07/e042.mkv');
    await rowOf(page, 'e042.mkv').waitFor();
    await context.close();
  });
});

/** Resolves when `element` has the focus. */
function focused(element: Locator): Promise<void> {
  return element.and(element.page().locator(':focus')).waitFor();
}

/** The row of a title. */
function rowOf(page: Page, name: string): Locator {
  return page.getByRole('list', { name: 'Stored titles' }).getByRole('listitem').filter({ hasText: name });
}

/** What a page says when the firstbyte that it is connected to is stopped, as the test wants it. */
function isNoLostConnection(fault: string): boolean {
  return !/ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET)/.test(fault);
}

async function objectFolders({ cacheDir }: Stage): Promise<string[]> {
  const entries = await readdir(join(cacheDir, 'objects'), { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
