/**
 * The page in Chromium, with a thousand titles in the library and a film that is filling: the longest frame while it is
 * scrolled and updated, the time until it can be used, and what its scripts weigh.
 */
import type { Page } from 'playwright-core';
import { scriptsOf } from '../test/page/scripts.ts';
import { largeFilm, noChromium, Stage } from '../test/page/stage.ts';
import { stockEpisodes } from '../test/page/stocked-cache.ts';
import { type Row, Series } from './figures.ts';

const titles = 1000;
const film = '/film.mkv';

/** Bytes a second that the origin gives. */
const rate = 8_000_000;

const rounds = 5;
const opens = 21;
/** In each round: so many turns of the wheel down the list and up again, and so many updates of what plays. */
const turns = 60;
const updates = 4;

/** Milliseconds; a task below `longFrom` is not told of by the browser. */
const longFrom = 50;
const goals = { frame: 100, interactive: 300 };
const mostScript = 80_000;

/** Kept by the page itself: the longest task or frame since it was last set to 0. */
const watch = `
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
  }).observe({ entryTypes: ['longtask', 'long-animation-frame'] });
`;

/** When the buttons of the first title are there, in milliseconds since the navigation began. */
const watchForTitles = `
  window.usableAt = new Promise((resolve) => {
    const look = () => document.querySelector('.object button') && resolve(performance.now());
    new MutationObserver(look).observe(document, { childList: true, subtree: true });
  });
`;

export async function page(program: string): Promise<Row[]> {
  if (noChromium !== false) return [];
  await using stage = await Stage.set({
    files: { [film]: largeFilm(64 * 1024 ** 3) },
    stock: (cacheDir) => stockEpisodes(cacheDir, titles),
    program,
  });
  stage.origin.rate = rate;
  const reading = stage.read(film);
  const rows = [await frames(stage), await interactive(stage), await weight(stage)];
  reading.stop();
  return rows;
}

async function frames(stage: Stage): Promise<Row> {
  const { page, context } = await stage.look('#library');
  await page.addInitScript(watch);
  const [scrolled, updated]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await page.goto(`${stage.url}-/?${round}#library`);
    await page
      .getByText(`${(titles + 1).toLocaleString('en')} titles`, { exact: false })
      .last()
      .waitFor();
    await page.evaluate('window.longest = 0');
    await scroll(page);
    scrolled.push(await page.evaluate<number>('window.longest'));
    await page.getByRole('link', { name: 'Now', exact: true }).click();
    await page.getByRole('article').waitFor();
    await page.evaluate('window.longest = 0');
    for (let update = 0; update < updates; update += 1) await page.waitForResponse(/\/api\/v1\/fills$/);
    updated.push(await page.evaluate<number>('window.longest'));
  }
  await context.close();
  const [scrolling, updating] = [new Series(scrolled), new Series(updated)];
  const longest = Math.max(...scrolled, ...updated);
  return {
    what: `page, ${titles} titles and a film that fills: longest frame, scrolled and updated, ms`,
    goal: `<= ${goals.frame}`,
    firstbyte: `${frameText(scrolling)}, ${frameText(updating)}`,
    reached: longest <= goals.frame,
    figures: { scrolling, updating },
  };
}

/** Down to the last title, and up again. */
async function scroll(page: Page): Promise<void> {
  const height = await page.evaluate<number>('document.documentElement.scrollHeight');
  await page.mouse.move(600, 500);
  for (const direction of [1, -1]) {
    for (let turn = 0; turn < turns; turn += 1) {
      await page.mouse.wheel(0, (direction * height) / turns);
      await page.evaluate('new Promise(requestAnimationFrame)');
    }
  }
}

function frameText(series: Series): string {
  return (series.values.at(-1) ?? 0) === 0 ? `< ${longFrom}` : series.text(0);
}

async function interactive(stage: Stage): Promise<Row> {
  const times: number[] = [];
  for (let open = -2; open < opens; open += 1) {
    // Each in a browser that knows nothing of the page.
    const context = await stage.browser.newContext({ viewport: { width: 1200, height: 800 } });
    const page = await context.newPage();
    await page.addInitScript(watchForTitles);
    await page.goto(`${stage.url}-/#library`);
    const usableAt = await page.evaluate<number>('window.usableAt');
    if (open >= 0) times.push(usableAt);
    await context.close();
  }
  const usable = new Series(times);
  return {
    what: `page: from its address to the library of ${titles} titles, ms`,
    goal: `<= ${goals.interactive}`,
    firstbyte: usable.text(0),
    reached: usable.median <= goals.interactive,
    figures: { usable },
  };
}

async function weight(stage: Stage): Promise<Row> {
  const { bytes } = await scriptsOf(stage);
  return {
    what: 'page: all its scripts, as they are sent, kB',
    goal: `<= ${mostScript / 1000}`,
    firstbyte: (bytes / 1000).toFixed(1),
    reached: bytes <= mostScript,
    figures: { bytes },
  };
}
