/** The players, each by the name under which it is chosen. */

import { python } from '../../test/players/gstreamer.ts';
import { absent } from '../../test/programs.ts';
import { playInChromium } from './chromium.ts';
import { playInFfmpeg } from './ffmpeg.ts';
import { playInMpv } from './mpv.ts';
import type { PlayerStart } from './player.ts';
import { playInGstreamer, playInVlc } from './scripted-players.ts';

interface Entry {
  readonly play: PlayerStart;
  /** Whether it can seek over HTTP at all, with any server. */
  readonly canSeek: boolean;
  /** Looks whether it is installed: a program and its arguments. */
  readonly trial: readonly [string, ...string[]];
}

const element = (name: string): [string, ...string[]] => [
  python,
  '-c',
  `import gi; gi.require_version("Gst", "1.0"); from gi.repository import Gst; Gst.init(None); ` +
    `exit(0 if Gst.ElementFactory.find("${name}") else 1)`,
];

export const players = {
  mpv: { play: playInMpv, canSeek: true, trial: ['mpv', '--version'] },
  souphttpsrc: { play: playInGstreamer('souphttpsrc'), canSeek: true, trial: element('souphttpsrc') },
  curlhttpsrc: { play: playInGstreamer('curlhttpsrc'), canSeek: false, trial: element('curlhttpsrc') },
  vlc: { play: playInVlc, canSeek: true, trial: [python, '-c', 'import vlc; exit(0 if vlc.Instance() else 1)'] },
  ffmpeg: { play: playInFfmpeg, canSeek: true, trial: ['ffmpeg', '-version'] },
  chromium: { play: playInChromium, canSeek: true, trial: ['chromium', '--version'] },
} as const satisfies Record<string, Entry>;
export type PlayerName = keyof typeof players;

/** The name of what is not installed, or `false`; in CI it throws. */
export function isAbsent(name: PlayerName): string | false {
  const { trial } = players[name] as Entry;
  return absent(name, ...trial);
}
