/** GStreamer: playbin with souphttpsrc, steered by a script in Python, the binding that Debian has. */
import { join } from 'node:path';
import { type Screening, type SeekingPlayer, seekTargets } from './player.ts';
import { run } from './program.ts';

/** Debian's own Python, which knows the binding; another one first in the PATH would not. */
export const python = '/usr/bin/python3';
export const script = join(import.meta.dirname, 'gstreamer.py');

export const playInGstreamer: SeekingPlayer = async (url, signal, places = seekTargets) =>
  JSON.parse(await run(python, [script, url, ...places.map(String)], signal)) as Screening;
