/** The page in a real Chromium, in front of an origin that the test opens and shuts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { largeFilm, noChromium, Stage } from './stage.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const mebibyte = 1024 * 1024;
const views = ['now', 'first-byte', 'library', 'origins', 'try-it'];

describe('the page', { skip: noChromium }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.set({ files: { '/film.mkv': largeFilm(8 * mebibyte) } });
    stage.origin.gate('/film.mkv', 2 * mebibyte);
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  test('shows a film that plays, and its bytes as they land', async () => {
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

  test('finds firstbyte again after a restart', async () => {
    const { page, context } = await stage.look('#now');
    await stage.stopFirstbyte();
    await page.getByText('live', { exact: true }).waitFor({ state: 'detached' });
    await stage.startFirstbyte();
    await page.getByText('live', { exact: true }).waitFor();
    await context.close();
  });
});
