/** Chromium, which opens the film's link as a person would and plays it in the page that it makes for a film. */
import { openPage, type Page } from '../../test/players/devtools.ts';
import type { Facts, PlayerStart } from './player.ts';
import type { Screen } from './screen.ts';

export const playInChromium: PlayerStart = async (url, screen, signal) => {
  const page = await openPage(signal);
  screen.restart();
  const watching = watch(page, url, screen).catch((error: Error) => screen.fail(error.message));
  return {
    async seek(place) {
      await page.evaluate(`document.querySelector('video').currentTime = ${place}, null`);
    },
    facts: async () => (await page.evaluate(`(${facts})()`)) as Facts,
    async [Symbol.asyncDispose]() {
      await page[Symbol.asyncDispose]();
      await watching;
    },
  };
};

async function watch(page: Page, url: string, screen: Screen): Promise<void> {
  await page.open(url);
  for (;;) {
    const { positions, error } = (await page.evaluate(`(${look})()`)) as { positions: number[]; error: string | null };
    for (const position of positions) screen.show(position);
    if (error !== null) return screen.fail(error);
  }
}

/** What `look` uses of the page's `<video>`. */
interface VideoElement {
  readonly HAVE_CURRENT_DATA: number;
  readonly readyState: number;
  readonly seeking: boolean;
  readonly currentTime: number;
  readonly duration: number;
  readonly seekable: { readonly length: number; end(index: number): number };
  readonly error: { readonly message: string } | null;
}

declare const document: { querySelector(name: 'video'): (VideoElement & { shownLast?: number }) | null };

/** Runs in the page, so it can use nothing of this file. Where the video is, if it shows another place than before. */
async function look(): Promise<{ positions: number[]; error: string | null }> {
  await new Promise((resolve) => setTimeout(resolve, 40));
  const video = document.querySelector('video');
  if (video === null) return { positions: [], error: 'no film' };
  const { readyState, HAVE_CURRENT_DATA, seeking, currentTime, shownLast, error } = video;
  const isShown = readyState >= HAVE_CURRENT_DATA && !seeking && currentTime !== shownLast;
  if (isShown) video.shownLast = currentTime;
  return { positions: isShown ? [currentTime] : [], error: error === null ? null : `code: ${error.message}` };
}

/** Runs in the page as well. */
function facts(): Facts {
  const video = document.querySelector('video');
  if (video === null) return { duration: null, seekable: null };
  const { duration, seekable } = video;
  return {
    duration: Number.isFinite(duration) ? duration : null,
    seekable: seekable.length > 0 && seekable.end(0) > 0,
  };
}
