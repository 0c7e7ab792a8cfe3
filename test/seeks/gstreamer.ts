/** GStreamer's playbin, as an application uses it: playing in real time, and pausing while it says that it buffers. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { python } from '../players/gstreamer.ts';
import { start } from '../players/program.ts';
import { deadline, type Seeker, type Sought } from './seeker.ts';

const script = join(import.meta.dirname, 'gstreamer.py');

export const seekInGstreamer: Seeker = async function* ({ url, places, watched, signal }) {
  const args = [script, url, deadline, watched, ...places].map(String);
  const program = start(python, args, signal);
  try {
    for await (const line of createInterface({ input: program.process.stdout ?? process.stdin })) {
      yield JSON.parse(line) as Sought;
    }
    const code = await program.ended;
    if (code !== 0) throw new Error(`GStreamer ended with ${code}: ${program.errors()}`);
  } finally {
    program.process.kill('SIGKILL');
    await program.ended;
  }
};
