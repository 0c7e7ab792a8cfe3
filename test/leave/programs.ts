/** Programs that leave their replies as people make them do: `curl --head`, `ffmpeg -ss`, `mpv --start`, a scrub. */

import { Chance } from '../faults/chance.ts';
import { openPage } from '../players/devtools.ts';
import { run } from '../players/program.ts';
import { absent } from '../programs.ts';

interface Visits {
  /** The film's URL, and how long it plays, in seconds. */
  readonly url: string;
  readonly duration: number;
  readonly count: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** How many visits did not get what they came for; rejects where one never ended. */
export type Visitor = (visits: Visits) => Promise<number>;

/** For one visit, in milliseconds. */
const patience = 30_000;

/** One visit after another, each to a place by chance; two at a time. */
function each(visit: (url: string, place: number, signal: AbortSignal) => Promise<unknown>): Visitor {
  return async ({ url, duration, count, seed, signal }) => {
    const chance = new Chance(seed);
    let [begun, failed] = [0, 0];
    const oneAfterAnother = async () => {
      while (begun < count) {
        begun += 1;
        const place = chance.between(0, Math.floor(duration) - 5);
        const late = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
        await visit(url, place, late).catch((error: unknown) => {
          if (late.aborted) throw new Error(`visit ${begun} never ended`, { cause: error });
          failed += 1;
        });
      }
    };
    await Promise.all([oneAfterAnother(), oneAfterAnother()]);
    return failed;
  };
}

const heads = each((url, _, signal) =>
  run('curl', ['--silent', '--fail', '--head', '--output', '/dev/null', url], signal),
);

const quiet = ['-nostdin', '-v', 'error'];
const frames = each((url, place, signal) =>
  run('ffmpeg', [...quiet, '-ss', String(place), '-i', url, '-frames:v', '1', '-f', 'null', '-'], signal),
);

const silent = ['--no-config', '--really-quiet', '--vo=null', '--ao=null', '--frames=1'];
const starts = each((url, place, signal) => run('mpv', [...silent, `--start=${place}`, url], signal));

/** One page, in which a person drags the slider: each seek is asked for before the one before it has come. */
const scrubs: Visitor = async ({ url, duration, count, seed, signal }) => {
  const chance = new Chance(seed);
  await using page = await openPage(signal);
  await page.open(url);
  const places = Array.from({ length: count }, () => chance.between(0, Math.floor(duration) - 5));
  return Number(await page.evaluate(`(${scrub})(${JSON.stringify(places)})`));
};

/** What `scrub` uses of the page's `<video>`. */
interface VideoElement extends EventTarget {
  currentTime: number;
  readonly duration: number;
  pause(): void;
}

declare const document: { querySelector(name: 'video'): VideoElement };

/** Runs in the page. Resolves with how many of the last seeks of each drag, of five, did not come to their place. */
async function scrub(places: readonly number[]): Promise<number> {
  const video = document.querySelector('video');
  video.pause();
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  while (!(video.duration > 0)) await pause(20);
  let failed = 0;
  for (let drag = 0; drag < places.length; drag += 5) {
    for (const place of places.slice(drag, drag + 5)) {
      video.currentTime = place;
      await pause(15);
    }
    const sought = new Promise((resolve) => video.addEventListener('seeked', () => resolve(true), { once: true }));
    video.currentTime = places[drag] ?? 0;
    if ((await Promise.race([sought, pause(20_000).then(() => false)])) !== true) failed += 1;
  }
  return failed;
}

export const visitors: readonly { name: string; count: number; missing: string | false; visit: Visitor }[] = [
  { name: 'curl --head', count: 2000, missing: absent('curl', 'curl', '--version'), visit: heads },
  { name: 'ffmpeg -ss', count: 500, missing: absent('ffmpeg', 'ffmpeg', '-version'), visit: frames },
  { name: 'mpv --start', count: 300, missing: absent('mpv', 'mpv', '--version'), visit: starts },
  { name: 'scrubs in Chromium', count: 200, missing: absent('Chromium', 'chromium', '--version'), visit: scrubs },
];
