/**
 * Real players through firstbyte, in real time: each opens a film, seeks to 80 % and back, and plays to the end, from
 * an origin that is silent for longer than souphttpsrc has patience, and from one that is just fast enough.
 */
import { before, describe, test } from 'node:test';
import { absent } from '../programs.ts';
import { playInChromium } from './chromium.ts';
import { playInFfmpeg } from './ffmpeg.ts';
import { playInGstreamer, python, script } from './gstreamer.ts';
import { playInMpv } from './mpv.ts';
import { assertSeen, type Player, seekTargets } from './player.ts';
import { containers, type Link, makeFilms, setStage } from './stage.ts';

/** `together` is how many tests run at once: those that mostly wait all of them, others so that none lacks a core. */
const links: Readonly<Record<string, Link & { together: number }>> = {
  'an origin silent for 20 s before each reply': { silence: 20_000, rate: 1_000_000, together: 12 },
  'an origin that gives 350 KB/s': { silence: 0, rate: 350_000, together: 4 },
};

const noFfmpeg = absent('ffmpeg', 'ffmpeg', '-version');
const players: readonly { name: string; play: Player; missing: string | false }[] = [
  { name: 'GStreamer', play: playInGstreamer, missing: absent('GStreamer', python, script) },
  { name: 'mpv', play: playInMpv, missing: absent('mpv', 'mpv', '--version') },
  { name: 'ffmpeg', play: playInFfmpeg, missing: noFfmpeg },
  { name: 'Chromium', play: playInChromium, missing: absent('Chromium', 'chromium', '--version') },
];

for (const [origin, { together, ...link }] of Object.entries(links)) {
  describe(`a film through firstbyte from ${origin}`, { concurrency: together }, () => {
    before(async () => {
      if (!noFfmpeg) await makeFilms();
    });

    for (const { name, play, missing } of players) {
      for (const container of containers) {
        const skip = missing || noFfmpeg;
        test(`${name} plays ${container}, seeks in it and finishes`, { skip }, async ({ signal }) => {
          await using stage = await setStage(container, link);
          assertSeen(await play(stage.url, signal), seekTargets);
          await stage.check();
        });
      }
    }
  });
}
