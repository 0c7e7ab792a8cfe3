/** Chromium, which opens the film's link as a person would and plays it in the page that it makes for a film. */
import { openPage } from './devtools.ts';
import { type Player, type Screening, seekTargets } from './player.ts';

export const playInChromium: Player = async (url, signal) => {
  await using page = await openPage(signal);
  await page.open(url);
  return (await page.evaluate(`(${screen})(${JSON.stringify(seekTargets)})`)) as Screening;
};

/** What `screen` uses of the page's `<video>`. */
interface VideoElement extends EventTarget {
  readonly HAVE_CURRENT_DATA: number;
  readonly readyState: number;
  readonly error: { readonly message: string } | null;
  currentTime: number;
  playbackRate: number;
  pause(): void;
  play(): Promise<void>;
}

declare const document: { querySelector(name: 'video'): VideoElement };

/** Runs in the page, so it can use nothing of this file. Plays after the seeks, and faster than real time. */
async function screen(places: readonly number[]): Promise<Screening> {
  const video = document.querySelector('video');
  const happens = (event: string) =>
    new Promise<void>((resolve, reject) => {
      video.addEventListener(event, () => resolve(), { once: true });
      video.addEventListener('error', () => reject(new Error(video.error?.message)), { once: true });
    });
  video.pause();
  if (video.readyState < video.HAVE_CURRENT_DATA) await happens('loadeddata');
  const seeks: number[] = [];
  for (const place of places) {
    const seeked = happens('seeked');
    video.currentTime = place;
    await seeked;
    seeks.push(video.currentTime);
  }
  const ended = happens('ended');
  video.playbackRate = 12;
  await video.play();
  await ended;
  return { seeks, end: video.currentTime };
}
