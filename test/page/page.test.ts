/** The page in a real Chromium, in front of an origin that the test opens and shuts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { scriptsOf } from './scripts.ts';
import { largeFilm, noChromium, playableFilm, Stage } from './stage.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const mebibyte = 1024 * 1024;
const views = ['now', 'first-byte', 'library', 'origins', 'try-it'];

describe('the page', { skip: noChromium }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.set({ files: { '/film.mkv': largeFilm(8 * mebibyte), '/film.mp4': playableFilm() } });
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  test('shows a film that plays, and its bytes as they land', async () => {
    stage.origin.gate('/film.mkv', 2 * mebibyte);
    const { page, context, faults } = await stage.look('#now');
    const reading = stage.read('/film.mkv');
    const main = page.getByRole('main');
    await main.getByText('film.mkv').first().waitFor();
    await main.getByText('25 % of 8.39 MB').first().waitFor();
    stage.origin.open('/film.mkv');
    await reading.ended;
    await main.getByText('100 % of 8.39 MB').first().waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });

  test('shows what was opened last before what was opened earlier', async () => {
    for (const path of ['/film.mkv', '/film.mp4']) await stage.read(path).ended;
    const { page, context, faults } = await stage.look('#now');
    const rest = page.getByRole('region', { name: 'Recently played' }).getByRole('listitem');
    await rest.nth(1).waitFor();
    const names = (await rest.allInnerTexts()).map((text) => /film\.\w+/.exec(text)?.[0]);
    assert.deepEqual(names, ['film.mp4', 'film.mkv']);
    assert.deepEqual(faults, []);
    await context.close();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const view of views) {
      test(`${view} is accessible, and fits a phone: ${colorScheme}`, async () => {
        const { page, context, faults } = await stage.look(`#${view}`, {
          colorScheme,
          viewport: { width: 360, height: 740 },
          bypassCSP: true,
        });
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        assert.ok(wide <= 0, `${wide} pixels too wide`);
        await page.evaluate(axe);
        const violations = await page.evaluate<string[]>(
          "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))",
        );
        assert.deepEqual(violations, []);
        assert.deepEqual(faults, []);
        await context.close();
      });
    }
  }

  test('is at most 80 kB of scripts, as they are sent to a browser', async () => {
    const { count, bytes } = await scriptsOf(stage);
    assert.ok(count > 1 && bytes > 10_000, `${bytes} bytes of ${count} scripts`);
    assert.ok(bytes <= 80_000, `${bytes} bytes`);
  });

  test('asks nobody but the firstbyte that it came from, whatever is looked at', async () => {
    const { page, context, faults } = await stage.look('#now');
    const seen = new Set<string>();
    context.on('request', (request) => seen.add(request.url()));
    await page.reload();
    for (const title of ['First byte', 'Library', 'Origins', 'Try it']) {
      await page.getByRole('link', { name: title, exact: true }).click();
      await page.getByRole('heading', { name: title, level: 1 }).waitFor();
    }
    await page.getByRole('textbox').fill('/films/film.mp4');
    await page.getByRole('button', { name: 'Play' }).click();
    await page.getByRole('listitem').filter({ hasText: 'first byte' }).first().waitFor();
    const paths = [...seen].map((url) => (url.startsWith(stage.url) ? url.slice(stage.url.length) : url));
    const strangers = paths.filter((path) => !/^(-\/|films\/)/.test(path));
    assert.deepEqual(strangers, []);
    for (const kind of [/^-\/$/, /\.js$/, /\.css$/, /^-\/api\/v1\/history/, /^-\/events/, /^films\/film\.mp4$/]) {
      assert.ok(
        paths.some((path) => kind.test(path)),
        `${kind} is among ${paths}`,
      );
    }
    assert.deepEqual(faults, []);
    await context.close();
  });

  test('finds firstbyte again after a restart, says so, and is live as before', async () => {
    stage.origin.open('/film.mkv');
    await stage.read('/film.mkv').ended;
    const { page, context } = await stage.look('#now');
    const title = page.getByRole('main').getByText('film.mkv');
    await title.first().waitFor();
    await stage.stopFirstbyte();
    await page.getByText('not connected', { exact: true }).waitFor();
    await page.getByText('No answer from firstbyte since').waitFor();
    await stage.startFirstbyte();
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByText('firstbyte restarted at').waitFor();
    await page.getByText('No answer from firstbyte since').waitFor({ state: 'detached' });
    // The new process has nothing open before somebody asks it.
    await page.getByText('Nothing is playing.').waitFor();
    await title.first().waitFor({ state: 'detached' });
    await stage.read('/film.mkv').ended;
    await title.first().waitFor();
    await context.close();
  });
});
